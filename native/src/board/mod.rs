//! One board in its file: every member's score, and the ranking of those who are ranked.
//!
//! Words of the file, after the header:
//!
//! ```text
//! figures   ranked, root length, free supers, next super, free blocks, next block, blocks in use, sums beyond, unsorted
//! beyond    [member, exact sum (64 bits), -]: the sums that leave the shown range, a few
//! pairs     member number -> [score shown, block]; block 0: not ranked
//! counts    the tree of `board/counts.rs`
//! groups    members in 64 superblocks of the root each
//! root      superblocks in board order: [number], [members], [first place, high and low]; four arrays
//! supers    [length, root index, next free, -], then as in the root: [block], [members], [first place]; 128 each
//! parents     block -> its superblock
//! blocks    256 member numbers each, in board order; block 0 is not used
//! ```
//!
//! A board that is being built is *unsorted*: it has scores, and nobody is ranked. It costs a tenth to sort all of them once
//! (`put_in_order`) of what it costs to keep an order that nobody reads.
//!
//! A *place* is (score turned round, member number) as one 64-bit number: smaller comes first on the board.

pub mod bulk_build;
mod check;
pub mod counts;
pub mod edit;
pub mod scores;
pub mod search;
pub mod shape;

use std::path::Path;
use std::sync::atomic::Ordering::Relaxed;

use self::shape::*;
use crate::error::{Error, Result};
use crate::store::format::BOARD_FILE;
use crate::store::journal::Journal;
use crate::store::mmap::{Access, Header, Mmap};

/// A board.
pub struct Board {
    pub(crate) map: Mmap,
    pub(crate) shape: Shape,
}

impl Board {
    /// Make a board without scores.
    pub fn create(path: &Path, number: usize, capacity: usize, unsorted: bool) -> Result<Board> {
        Board::make(path, number, 1, Shape::for_members(capacity, OVERFLOW_AT_FIRST), |board| {
            board.map.words()[UNSORTED].store(u32::from(unsorted), Relaxed);
            Ok(())
        })
    }

    /// Open a board's file.
    pub fn open(path: &Path, number: usize, access: Access) -> Result<Board> {
        let map = Mmap::open(path, BOARD_FILE + number as u32, BOARD_FILE, access)?;
        let shape = map.head().shape;
        // Figures that fit in 32 bits cannot overflow 64; whether they fit the file is what matters.
        if !(1..=4).contains(&shape[1]) || Shape::of(shape).words as u64 != map.head().words {
            return Err(Error::Corrupt(format!("{} is divided in a way that cannot be", path.display())));
        }
        Ok(Board { shape: Shape::of(shape), map })
    }

    /// Whether it has scores, but no order yet.
    #[inline]
    pub fn is_unsorted(&self) -> bool {
        self.map.get(UNSORTED) == Some(1)
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

    /// How many are ranked; None where that is more than there is room for.
    #[inline]
    pub fn ranked(&self) -> Option<u32> {
        self.map.get(RANKED).filter(|ranked| *ranked as usize <= self.shape.capacity)
    }

    /// Whether the file has room for so many more changes of members below `members`.
    pub fn has_room(&self, members: usize, changes: usize) -> bool {
        let left = |most: usize, used: usize| most.saturating_sub(self.map.get(used).unwrap_or(u32::MAX) as usize);
        members <= self.shape.capacity
            && left(self.shape.blocks, BLOCKS_USED) >= changes
            && left(self.shape.supers, ROOT_LENGTH) >= changes
            && left(self.shape.overflow, OVERFLOW_LENGTH) >= changes
    }

    pub(crate) fn set_score(&self, log: &mut Journal, member: u32, score: i32) -> Result<()> {
        log.set(&self.map, self.shape.pairs_at + 2 * member as usize, score as u32)
    }

    pub(crate) fn set_block(&self, log: &mut Journal, member: u32, block: u32) -> Result<()> {
        log.set(&self.map, self.shape.pairs_at + 2 * member as usize + 1, block)
    }

    pub(crate) fn make(
        path: &Path,
        number: usize,
        incarnation: u32,
        shape: Shape,
        fill: impl FnOnce(&Board) -> Result<()>,
    ) -> Result<Board> {
        let head = Header { kind: BOARD_FILE, incarnation, words: shape.words as u64, shape: shape.figures() };
        let map = Mmap::create_temp(path, BOARD_FILE + number as u32, head)?;
        map.words()[NEXT_BLOCK].store(1, Relaxed);
        let board = Board { map, shape };
        fill(&board)?;
        board.map.commit(path)?;
        Ok(board)
    }
}
