//! One board in its file: every member's score, and the ranking of those who are ranked.
//!
//! Words of the file, after the header:
//!
//! ```text
//! figures   ranked, root length, free supers, next super, free blocks, next block, blocks in use, sums beyond, loose
//! beyond    [member, exact sum (64 bits), -]: the sums that leave the shown range, a few
//! pairs     member number -> [score shown, block]; block 0: not ranked
//! counts    the tree of `counts.rs`
//! groups    members in 64 superblocks of the root each
//! root      superblocks in board order: [number], [members], [first place, high and low]; four arrays
//! supers    [length, root index, next free, -], then as in the root: [block], [members], [first place]; 128 each
//! homes     block -> its superblock
//! blocks    256 member numbers each, in board order; block 0 is not used
//! ```
//!
//! A board that is being built is *loose*: it has scores, and nobody is ranked. It costs a tenth to sort all of them once
//! (`put_in_order`) of what it costs to keep an order that nobody reads.
//!
//! A *place* is (score turned round, member number) as one 64-bit number: smaller comes first on the board.

use std::path::Path;
use std::sync::atomic::Ordering::Relaxed;

use crate::counts::Counts;
use crate::error::{Error, Result};
use crate::journal::Journal;
use crate::lay_out::in_order;
use crate::layout::BOARD_FILE;
use crate::map::{Access, HEAD, Head, Map};

/// Member numbers in a block. Tests have small ones, so that a few members split and merge them.
pub const BLOCK: usize = if cfg!(test) { 8 } else { 256 };
/// Blocks in a superblock.
pub const SUPER: usize = if cfg!(test) { 4 } else { 128 };
/// Words of a superblock.
pub const SUPER_WORDS: usize = 4 + 4 * SUPER;
/// Superblocks whose members are counted together.
pub const GROUP: usize = if cfg!(test) { 2 } else { 64 };

pub(crate) const RANKED: usize = HEAD;
pub(crate) const ROOT_LENGTH: usize = HEAD + 1;
pub(crate) const FREE_SUPER: usize = HEAD + 2;
pub(crate) const NEXT_SUPER: usize = HEAD + 3;
pub(crate) const FREE_BLOCK: usize = HEAD + 4;
pub(crate) const NEXT_BLOCK: usize = HEAD + 5;
pub(crate) const BLOCKS_USED: usize = HEAD + 6;
const BEYOND_LENGTH: usize = HEAD + 7;
const LOOSE: usize = HEAD + 8;
const BEYOND: usize = HEAD + 16;

const BEYOND_AT_FIRST: u32 = 64;

/// The largest score shown; sums beyond are kept apart.
pub const MOST_POINTS: i64 = i32::MAX as i64;

/// How a board's file is divided.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Members that have a pair.
    pub capacity: usize,
    /// Sums beyond the range that find room.
    pub beyond: usize,
    /// Blocks.
    pub blocks: usize,
    /// Superblocks.
    pub supers: usize,
    /// The counts.
    pub counts: Counts,
    levels: u32,
    pub(crate) pairs_at: usize,
    pub(crate) groups_at: usize,
    pub(crate) root_at: usize,
    pub(crate) supers_at: usize,
    pub(crate) homes_at: usize,
    pub(crate) blocks_at: usize,
    words: usize,
}

impl Shape {
    fn of(figures: [u32; 6]) -> Shape {
        let [capacity, levels, beyond, blocks, supers, _] = figures.map(|figure| figure as usize);
        let levels = levels as u32;
        let pairs_at = BEYOND + 4 * beyond;
        let counts = Counts::at(pairs_at + 2 * capacity, levels);
        let groups_at = pairs_at + 2 * capacity + counts.words();
        let root_at = groups_at + supers.div_ceil(GROUP);
        let supers_at = root_at + 4 * supers;
        let homes_at = supers_at + supers * SUPER_WORDS;
        let blocks_at = (homes_at + blocks + 1).next_multiple_of(16); // a block begins with a line of the cache
        let words = blocks_at + (blocks + 1) * BLOCK;
        Shape {
            capacity,
            beyond,
            blocks,
            supers,
            counts,
            levels,
            pairs_at,
            groups_at,
            root_at,
            supers_at,
            homes_at,
            blocks_at,
            words,
        }
    }

    /// For so many members. Blocks that are split in half and merged below half are two thirds full on average; where
    /// they are emptier than that and run out, the board is written anew.
    fn for_members(capacity: usize, beyond: u32) -> Shape {
        let blocks = capacity * 16 / (9 * BLOCK) + 64;
        let supers = blocks * 4 / SUPER + 8;
        Shape::of([capacity as u32, Counts::levels_for(capacity), beyond, blocks as u32, supers as u32, 0])
    }

    fn figures(&self) -> [u32; 6] {
        [self.capacity as u32, self.levels, self.beyond as u32, self.blocks as u32, self.supers as u32, 0]
    }
}

/// A board.
pub struct Board {
    pub(crate) map: Map,
    pub(crate) shape: Shape,
}

impl Board {
    /// Make a board without scores.
    pub fn create(path: &Path, number: usize, capacity: usize, loose: bool) -> Result<Board> {
        Board::make(path, number, 1, Shape::for_members(capacity, BEYOND_AT_FIRST), |board| {
            board.map.words()[LOOSE].store(u32::from(loose), Relaxed);
            Ok(())
        })
    }

    /// Make a board from scores by member number; `listed` says who may be ranked. Sorts.
    pub fn from_scores(path: &Path, number: usize, scores: &[i32], listed: impl Fn(u32) -> bool) -> Result<Board> {
        let ranked = (0..).zip(scores.iter().copied()).filter(|(member, score)| *score > 0 && listed(*member));
        let places = in_order(ranked);
        let shape = Shape::for_members(scores.len().next_multiple_of(1024), BEYOND_AT_FIRST);
        Board::make(path, number, 1, shape, |board| {
            let pairs = board.map.populated(shape.pairs_at..shape.pairs_at + 2 * scores.len());
            for (pair, score) in pairs.chunks_exact(2).zip(scores) {
                pair[0].store((*score).max(-i32::MAX) as u32, Relaxed);
            }
            board.lay_out(&places)
        })
    }

    /// Open a board's file.
    pub fn open(path: &Path, number: usize, access: Access) -> Result<Board> {
        let map = Map::open(path, BOARD_FILE + number as u32, BOARD_FILE, access)?;
        let shape = map.head().shape;
        // Figures that fit in 32 bits cannot overflow 64; whether they fit the file is what matters.
        if !(1..=4).contains(&shape[1]) || Shape::of(shape).words as u64 != map.head().words {
            return Err(Error::Corrupt(format!("{} is divided in a way that cannot be", path.display())));
        }
        Ok(Board { shape: Shape::of(shape), map })
    }

    /// Replace the file by one for so many members (or as many as now), with full blocks, and reopen it.
    pub fn rewrite(&mut self, path: &Path, capacity: usize) -> Result<()> {
        self.remake(path, capacity, |board, old| {
            board.map.words()[LOOSE].store(u32::from(old.is_loose()), Relaxed);
            let mut cursor = old.first().ok_or_else(Error::disorder)?;
            let mut places = Vec::with_capacity(old.ranked().unwrap_or(0) as usize);
            while let Some(member) = old.next(&mut cursor).ok_or_else(Error::disorder)? {
                places.push(place(old.pair(member).ok_or_else(Error::disorder)?.0, member));
            }
            board.lay_out(&places)
        })
    }

    /// Replace the file of a loose board by one in which all those are ranked who may be.
    pub fn put_in_order(&mut self, path: &Path, listed: impl Fn(u32) -> bool) -> Result<()> {
        self.remake(path, self.shape.capacity, |board, old| {
            let pairs = old.map.words()[old.shape.pairs_at..].chunks_exact(2).take(old.shape.capacity);
            let scores = (0..).zip(pairs.map(|pair| pair[0].load(Relaxed) as i32));
            board.lay_out(&in_order(scores.filter(|(member, score)| *score > 0 && listed(*member))))
        })
    }

    /// Whether it has scores, but no order yet.
    #[inline]
    pub fn is_loose(&self) -> bool {
        self.map.get(LOOSE) == Some(1)
    }

    /// Replace the file by one with the same scores; `fill` ranks the members in it.
    fn remake(&mut self, path: &Path, capacity: usize, fill: impl FnOnce(&Board, &Board) -> Result<()>) -> Result<()> {
        let capacity = capacity.max(self.shape.capacity);
        let beyond = self.map.get(BEYOND_LENGTH).unwrap_or(0).max(BEYOND_AT_FIRST / 2) * 2;
        let number = (self.map.number() - BOARD_FILE) as usize;
        let shape = Shape::for_members(capacity, beyond);
        let old = &*self;
        *self = Board::make(path, number, old.map.head().incarnation.wrapping_add(1), shape, |board| {
            let copy = |from: usize, to: usize, count: usize| {
                for (new, word) in board.map.words()[to..].iter().zip(&old.map.words()[from..from + count]) {
                    new.store(word.load(Relaxed), Relaxed);
                }
            };
            copy(BEYOND_LENGTH, BEYOND_LENGTH, 1);
            copy(BEYOND, BEYOND, 4 * old.shape.beyond.min(beyond as usize));
            copy(old.shape.pairs_at, shape.pairs_at, 2 * old.shape.capacity);
            fill(board, old)
        })?;
        Ok(())
    }

    /// A member's score as shown, and whether it is ranked here: the number of its block, or 0.
    #[inline]
    pub fn pair(&self, member: u32) -> Option<(i32, u32)> {
        if member as usize >= self.shape.capacity {
            return Some((0, 0));
        }
        let at = self.shape.pairs_at + 2 * member as usize;
        Some((self.map.get(at)? as i32, self.map.get(at + 1)?))
    }

    /// Begin to fetch what `pair` will be asked for soon.
    pub fn prefetch(&self, member: u32) {
        self.map.prefetch(self.shape.pairs_at + 2 * member as usize);
    }

    /// Begin to fetch the block of a member whose pair is at hand.
    pub fn prefetch_place(&self, member: u32) {
        if let Some((_, block)) = self.pair(member) {
            self.prefetch_block(block);
        }
    }

    /// How many are ranked.
    pub fn ranked(&self) -> Option<u32> {
        self.map.get(RANKED)
    }

    /// Whether the file has room for so many more changes of members below `members`.
    pub fn has_room(&self, members: usize, changes: usize) -> bool {
        let left = |most: usize, used: usize| most.saturating_sub(self.map.get(used).unwrap_or(u32::MAX) as usize);
        members <= self.shape.capacity
            && left(self.shape.blocks, BLOCKS_USED) >= changes
            && left(self.shape.supers, ROOT_LENGTH) >= changes
            && left(self.shape.beyond, BEYOND_LENGTH) >= changes
    }

    /// Change a member's sum by so many points; `listed`: neither hidden nor erased.
    pub fn score(&mut self, log: &mut Journal, member: u32, points: i64, listed: bool) -> Result<()> {
        if member as usize >= self.shape.capacity {
            return Err(Error::disorder());
        }
        let (before, block) = self.pair(member).ok_or_else(Error::disorder)?;
        let sum = self
            .sum(member)
            .ok_or_else(Error::disorder)?
            .checked_add(points)
            .ok_or_else(|| Error::Invalid(format!("the sum of member {member} leaves 64 bits")))?;
        let after = sum.clamp(-MOST_POINTS, MOST_POINTS) as i32;
        self.keep_beyond(log, member, (sum != i64::from(after)).then_some(sum))?;
        if listed && (before != after || block == 0) && !self.is_loose() {
            self.move_to(log, member, block, before, after)
        } else {
            self.set_score(log, member, after)
        }
    }

    /// Rank a member that was not listed so far, if its score allows.
    pub fn list(&mut self, log: &mut Journal, member: u32) -> Result<()> {
        let (score, block) = self.pair(member).ok_or_else(Error::disorder)?;
        if score > 0 && block == 0 && !self.is_loose() { self.insert(log, member, score) } else { Ok(()) }
    }

    /// Take a member out of the ranking; its sum stays.
    pub fn unlist(&mut self, log: &mut Journal, member: u32) -> Result<()> {
        let (score, block) = self.pair(member).ok_or_else(Error::disorder)?;
        if block == 0 { Ok(()) } else { self.remove(log, member, score, block) }
    }

    /// Forget the sum of a member that is not in the ranking.
    pub fn drop_sum(&mut self, log: &mut Journal, member: u32) -> Result<()> {
        self.keep_beyond(log, member, None)?;
        if self.pair(member).is_some_and(|pair| pair.0 != 0) { self.set_score(log, member, 0) } else { Ok(()) }
    }

    /// Take sums of members that have none, on a board that is unsorted and read by nobody; there is room for them, also
    /// for those beyond. The journal is needed for those alone.
    pub(crate) fn load(&self, log: &mut Journal, members: &[u32], sums: &[i64]) -> Result<()> {
        for (member, sum) in members.iter().zip(sums) {
            let shown = (*sum).clamp(-MOST_POINTS, MOST_POINTS);
            let at = self.shape.pairs_at + 2 * *member as usize;
            self.map.words().get(at).ok_or_else(Error::disorder)?.store(shown as i32 as u32, Relaxed);
            if shown != *sum {
                self.keep_beyond(log, *member, Some(*sum))?;
            }
        }
        Ok(())
    }

    pub(crate) fn set_score(&self, log: &mut Journal, member: u32, score: i32) -> Result<()> {
        log.set(&self.map, self.shape.pairs_at + 2 * member as usize, score as u32)
    }

    pub(crate) fn set_block(&self, log: &mut Journal, member: u32, block: u32) -> Result<()> {
        log.set(&self.map, self.shape.pairs_at + 2 * member as usize + 1, block)
    }

    /// A member's exact sum.
    pub fn sum(&self, member: u32) -> Option<i64> {
        let (score, _) = self.pair(member)?;
        if i64::from(score).abs() < MOST_POINTS {
            return Some(i64::from(score));
        }
        match self.beyond(member)? {
            Some(at) => Some((u64::from(self.map.get(at + 1)?) | u64::from(self.map.get(at + 2)?) << 32) as i64),
            None => Some(i64::from(score)),
        }
    }

    /// Where a member's sum beyond the range is kept.
    fn beyond(&self, member: u32) -> Option<Option<usize>> {
        let length = (self.map.get(BEYOND_LENGTH)? as usize).min(self.shape.beyond);
        for at in (0..length).map(|entry| BEYOND + 4 * entry) {
            if self.map.get(at)? == member {
                return Some(Some(at));
            }
        }
        Some(None)
    }

    /// Keep the exact sum of a member, or forget it.
    fn keep_beyond(&self, log: &mut Journal, member: u32, sum: Option<i64>) -> Result<()> {
        let length = self.map.get(BEYOND_LENGTH).ok_or_else(Error::disorder)?;
        if length == 0 && sum.is_none() {
            return Ok(());
        }
        let end = BEYOND + 4 * length as usize;
        match (self.beyond(member).ok_or_else(Error::disorder)?, sum) {
            (Some(at), Some(sum)) => log.set_long(&self.map, at + 1, sum as u64),
            (None, Some(sum)) => {
                log.fill(&self.map, end, &[member, sum as u32, (sum as u64 >> 32) as u32])?;
                log.set(&self.map, BEYOND_LENGTH, length + 1)
            }
            (Some(at), None) => {
                let last = [end - 4, end - 3, end - 2].map(|word| self.map.get(word).unwrap_or(0));
                log.fill(&self.map, at, &last)?;
                log.set(&self.map, BEYOND_LENGTH, length - 1)
            }
            (None, None) => Ok(()),
        }
    }

    fn make(
        path: &Path,
        number: usize,
        incarnation: u32,
        shape: Shape,
        fill: impl FnOnce(&Board) -> Result<()>,
    ) -> Result<Board> {
        let head = Head { kind: BOARD_FILE, incarnation, words: shape.words as u64, shape: shape.figures() };
        let map = Map::draft(path, BOARD_FILE + number as u32, head)?;
        map.words()[NEXT_BLOCK].store(1, Relaxed);
        let board = Board { map, shape };
        fill(&board)?;
        board.map.publish(path)?;
        Ok(board)
    }
}

/// The place of a score and a member on a board; the score is above 0.
#[inline]
pub fn place(score: i32, member: u32) -> u64 {
    u64::from(u32::MAX - score as u32) << 32 | u64::from(member)
}
