//! How a board's file is divided, and the order of places.

use crate::board::counts::Counts;
use crate::store::mmap::HEADER;

/// Member numbers in a block. Tests have small ones, so that a few members split and merge them.
pub const BLOCK: usize = if cfg!(test) { 8 } else { 256 };
/// Blocks in a superblock.
pub const SUPER: usize = if cfg!(test) { 4 } else { 128 };
/// Words of a superblock.
pub const SUPER_WORDS: usize = 4 + 4 * SUPER;
/// Superblocks whose members are counted together.
pub const GROUP: usize = if cfg!(test) { 2 } else { 64 };

pub(crate) const RANKED: usize = HEADER;
pub(crate) const ROOT_LENGTH: usize = HEADER + 1;
pub(crate) const FREE_SUPER: usize = HEADER + 2;
pub(crate) const NEXT_SUPER: usize = HEADER + 3;
pub(crate) const FREE_BLOCK: usize = HEADER + 4;
pub(crate) const NEXT_BLOCK: usize = HEADER + 5;
pub(crate) const BLOCKS_USED: usize = HEADER + 6;
pub(crate) const OVERFLOW_LENGTH: usize = HEADER + 7;
pub(crate) const UNSORTED: usize = HEADER + 8;
pub(crate) const OVERFLOW: usize = HEADER + 16;

pub(crate) const OVERFLOW_AT_FIRST: u32 = 64;

/// The largest score shown; sums beyond are kept apart.
pub const MOST_POINTS: i64 = i32::MAX as i64;

/// How a board's file is divided.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Members that have a pair.
    pub capacity: usize,
    /// Sums beyond the range that find room.
    pub overflow: usize,
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
    pub(crate) parents_at: usize,
    pub(crate) blocks_at: usize,
    pub(crate) words: usize,
}

impl Shape {
    pub(crate) fn of(figures: [u32; 6]) -> Shape {
        let [capacity, levels, overflow, blocks, supers, _] = figures.map(|figure| figure as usize);
        let levels = levels as u32;
        let pairs_at = OVERFLOW + 4 * overflow;
        let counts = Counts::at(pairs_at + 2 * capacity, levels);
        let groups_at = pairs_at + 2 * capacity + counts.words();
        let root_at = groups_at + supers.div_ceil(GROUP);
        let supers_at = root_at + 4 * supers;
        let parents_at = supers_at + supers * SUPER_WORDS;
        let blocks_at = (parents_at + blocks + 1).next_multiple_of(16); // a block begins with a line of the cache
        let words = blocks_at + (blocks + 1) * BLOCK;
        Shape {
            capacity,
            overflow,
            blocks,
            supers,
            counts,
            levels,
            pairs_at,
            groups_at,
            root_at,
            supers_at,
            parents_at,
            blocks_at,
            words,
        }
    }

    /// For so many members. Blocks that are split in half and merged below half are two thirds full on average; where
    /// they are emptier than that and run out, the board is written anew.
    pub(crate) fn for_members(capacity: usize, overflow: u32) -> Shape {
        let blocks = capacity * 16 / (9 * BLOCK) + 64;
        let supers = blocks * 4 / SUPER + 8;
        Shape::of([capacity as u32, Counts::levels_for(capacity), overflow, blocks as u32, supers as u32, 0])
    }

    pub(crate) fn figures(&self) -> [u32; 6] {
        [self.capacity as u32, self.levels, self.overflow as u32, self.blocks as u32, self.supers as u32, 0]
    }
}

/// The place of a score and a member on a board; the score is above 0.
#[inline]
pub fn place(score: i32, member: u32) -> u64 {
    u64::from(u32::MAX - score as u32) << 32 | u64::from(member)
}
