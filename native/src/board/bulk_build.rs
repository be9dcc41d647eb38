//! Filling the blocks of a new board, in a file that nobody reads yet: without the journal, and with room left in each.

use std::path::Path;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;

use crate::board::Board;
use crate::board::shape::*;
use crate::error::{Error, Result};
use crate::store::format::BOARD_FILE;
use crate::threads::threads;

const MEMBERS: usize = BLOCK * 7 / 8; // in a block
const BLOCKS: usize = SUPER * 3 / 4; // in a superblock

/// Scores below this are sorted by counting them; there are few beyond.
const COUNTED: usize = 1 << 20;

/// The places of members with scores above 0, in board order. Members come by number, twice. Costs 10 ns a member.
pub(crate) fn in_order(scores: impl Iterator<Item = (u32, i32)> + Clone) -> Vec<u64> {
    let mut places = Vec::new();
    let mut next_of = vec![0; COUNTED];
    for (member, score) in scores.clone() {
        match next_of.get_mut(score as usize) {
            Some(count) => *count += 1,
            None => places.push(place(score, member)),
        }
    }
    places.sort_unstable();
    let mut next = places.len();
    for count in next_of.iter_mut().rev() {
        next += std::mem::replace(count, next); // from here on, it is where the next member with this score goes
    }
    places.resize(next, 0);
    for (member, score) in scores {
        if let Some(next) = next_of.get_mut(score as usize) {
            places[*next] = place(score, member);
            *next += 1;
        }
    }
    places
}

impl Board {
    /// Make a board from scores by member number; `listed` says who may be ranked. Sorts.
    pub fn from_scores(path: &Path, number: usize, scores: &[i32], listed: impl Fn(u32) -> bool) -> Result<Board> {
        let ranked = (0..).zip(scores.iter().copied()).filter(|(member, score)| *score > 0 && listed(*member));
        let places = in_order(ranked);
        let shape = Shape::for_members(scores.len().next_multiple_of(1024), OVERFLOW_AT_FIRST);
        Board::make(path, number, 1, shape, |board| {
            let pairs = board.map.populated(shape.pairs_at..shape.pairs_at + 2 * scores.len());
            for (pair, score) in pairs.chunks_exact(2).zip(scores) {
                pair[0].store((*score).max(-i32::MAX) as u32, Relaxed);
            }
            board.bulk_build(&places)
        })
    }

    /// Replace the file by one for so many members (or as many as now), with full blocks, and reopen it.
    pub fn rewrite(&mut self, path: &Path, capacity: usize) -> Result<()> {
        self.remake(path, capacity, |board, old| {
            board.map.words()[UNSORTED].store(u32::from(old.is_unsorted()), Relaxed);
            let mut cursor = old.first().ok_or_else(Error::disorder)?;
            let ranked = old.ranked().ok_or_else(Error::disorder)? as usize;
            let mut places = Vec::with_capacity(ranked);
            while let Some(member) = old.next(&mut cursor).ok_or_else(Error::disorder)? {
                if places.len() == ranked {
                    return Err(Error::disorder()); // a damaged file may lead round in a circle
                }
                places.push(place(old.pair(member).ok_or_else(Error::disorder)?.0, member));
            }
            board.bulk_build(&places)
        })
    }

    /// Replace the file of a unsorted board by one in which all those are ranked who may be.
    pub fn put_in_order(&mut self, path: &Path, listed: impl Fn(u32) -> bool) -> Result<()> {
        self.remake(path, self.shape.capacity, |board, old| {
            let pairs = old.map.words()[old.shape.pairs_at..].chunks_exact(2).take(old.shape.capacity);
            let scores = (0..).zip(pairs.map(|pair| pair[0].load(Relaxed) as i32));
            board.bulk_build(&in_order(scores.filter(|(member, score)| *score > 0 && listed(*member))))
        })
    }

    /// Replace the file by one with the same scores; `fill` ranks the members in it.
    fn remake(&mut self, path: &Path, capacity: usize, fill: impl FnOnce(&Board, &Board) -> Result<()>) -> Result<()> {
        let capacity = capacity.max(self.shape.capacity);
        let overflow = self.overflow_length().ok_or_else(Error::disorder)?.max(OVERFLOW_AT_FIRST / 2) * 2;
        let number = (self.map.number() - BOARD_FILE) as usize;
        let shape = Shape::for_members(capacity, overflow);
        let old = &*self;
        *self = Board::make(path, number, old.map.head().incarnation.wrapping_add(1), shape, |board| {
            let copy = |from: usize, to: usize, count: usize| {
                for (new, word) in board.map.words()[to..].iter().zip(&old.map.words()[from..from + count]) {
                    new.store(word.load(Relaxed), Relaxed);
                }
            };
            copy(OVERFLOW_LENGTH, OVERFLOW_LENGTH, 1);
            copy(OVERFLOW, OVERFLOW, 4 * old.shape.overflow.min(overflow as usize));
            copy(old.shape.pairs_at, shape.pairs_at, 2 * old.shape.capacity);
            fill(board, old)
        })?;
        Ok(())
    }

    /// Fill an empty board's blocks from places in order, on several processors. Pairs hold the scores already. Costs 20 ns
    /// a member.
    pub(crate) fn bulk_build(&self, places: &[u64]) -> Result<()> {
        let blocks = places.len().div_ceil(MEMBERS);
        let supers = blocks.div_ceil(BLOCKS);
        for (at, value) in [(RANKED, places.len()), (ROOT_LENGTH, supers), (NEXT_SUPER, supers), (BLOCKS_USED, blocks)]
        {
            self.store(at, value as u32)?;
        }
        self.store(NEXT_BLOCK, blocks as u32 + 1)?;
        let each = supers.div_ceil(threads(places.len())).max(1);
        let parts = places.chunks(each * BLOCKS * MEMBERS);
        thread::scope(|scope| {
            let begin = |(part, places)| scope.spawn(move || self.build_supers(part * each, places));
            let threads: Vec<_> = parts.enumerate().map(begin).collect();
            threads.into_iter().try_for_each(|thread| thread.join().unwrap_or_else(|_| Err(Error::disorder())))
        })
    }

    fn build_supers(&self, first: usize, places: &[u64]) -> Result<()> {
        for (super_, places) in (first..).zip(places.chunks(BLOCKS * MEMBERS)) {
            let (at, begins) = (self.at(super_), places[0]);
            self.store(at, places.len().div_ceil(MEMBERS) as u32)?;
            self.store(at + 1, super_ as u32)?;
            self.store(self.shape.root_at + super_, super_ as u32)?;
            self.store(self.totals_at() + super_, places.len() as u32)?;
            self.store(self.firsts_at() + super_, (begins >> 32) as u32)?;
            self.store(self.firsts_at() + self.shape.supers + super_, begins as u32)?;
            let group = self.map.words().get(self.shape.groups_at + super_ / GROUP).ok_or_else(Error::disorder)?;
            group.fetch_add(places.len() as u32, Relaxed);
            for (slot, places) in places.chunks(MEMBERS).enumerate() {
                let block = super_ * BLOCKS + slot + 1;
                let values = [block as u32, places.len() as u32, (places[0] >> 32) as u32, places[0] as u32];
                for (column, value) in values.into_iter().enumerate() {
                    self.store(at + 4 + column * SUPER + slot, value)?;
                }
                self.store(self.shape.parents_at + block, super_ as u32)?;
                self.build_block(block, places)?;
            }
        }
        Ok(())
    }

    fn build_block(&self, block: usize, places: &[u64]) -> Result<()> {
        for (at, place) in (self.block_at(block)..).zip(places) {
            let member = *place as u32;
            self.store(at, member)?;
            self.store(self.shape.pairs_at + 2 * member as usize + 1, block as u32)?;
        }
        let counts = self.shape.counts;
        for same in places.chunk_by(|one, other| one >> 32 == other >> 32) {
            let score = u32::MAX - (same[0] >> 32) as u32;
            if score < counts.domain() {
                counts.build(&self.map, score, same.len() as u32)?;
            }
        }
        Ok(())
    }

    fn store(&self, at: usize, value: u32) -> Result<()> {
        self.map.words().get(at).ok_or_else(Error::disorder).map(|word| word.store(value, Relaxed))
    }
}
