//! How many ranked members have each score, as a tree of sums: a competition rank in a few steps, without any member.
//!
//! The lowest level has a word for each score below the domain (64, 4,096, 262,144 or 16,777,216), the next one a word
//! for every 64 of those, up to a level of 64 words. Scores beyond the domain are not counted here: they are the first
//! members of the board, and whoever asks for their rank finds their place among the blocks.

use crate::error::{Error, Result};
use crate::store::journal::Journal;
use crate::store::mmap::Mmap;

const WIDTH: usize = 64;

/// Where a tree lies in its file.
#[derive(Clone, Copy, Debug)]
pub struct Counts {
    first: usize,
    levels: u32,
}

impl Counts {
    /// The tree of so many levels (1 to 4) at a word.
    pub fn at(first: usize, levels: u32) -> Counts {
        Counts { first, levels }
    }

    /// How many levels suit a board of so many members.
    pub fn levels_for(capacity: usize) -> u32 {
        match capacity {
            0..=4096 => 2,
            4097..=1_048_576 => 3,
            _ => 4,
        }
    }

    /// Scores below this are counted.
    pub fn domain(self) -> u32 {
        1 << (6 * self.levels)
    }

    /// The words of the whole tree.
    pub fn words(self) -> usize {
        (1..=self.levels).map(|level| WIDTH.pow(level)).sum()
    }

    /// How many have exactly this score.
    pub fn of(self, map: &Mmap, score: u32) -> Option<u32> {
        map.get(self.first + score as usize)
    }

    /// How many of those counted have more than this score.
    pub fn above(self, map: &Mmap, score: u32) -> Option<u32> {
        let mut sum = 0_u32;
        self.each(score, |word, level| {
            let node_end = level + ((word - level) | (WIDTH - 1)) + 1;
            sum = sum.wrapping_add(map.sum(word + 1..node_end)?);
            Some(())
        })?;
        Some(sum)
    }

    /// One more, or one less, with this score.
    pub fn change(self, log: &mut Journal, map: &Mmap, score: u32, by: i32) -> Result<()> {
        let mut failed = Ok(());
        self.each(score, |word, _| {
            failed = log.add(map, word, by);
            failed.is_ok().then_some(())
        });
        failed
    }

    /// Count so many with this score while a new file is being filled.
    pub fn build(self, map: &Mmap, score: u32, more: u32) -> Result<()> {
        self.each(score, |word, _| {
            map.words().get(word)?.fetch_add(more, std::sync::atomic::Ordering::Relaxed);
            Some(())
        })
        .ok_or_else(Error::disorder)
    }

    /// The sum at the top of the tree.
    pub fn total(self, map: &Mmap) -> Option<u32> {
        let end = self.first + self.words();
        map.sum(end - WIDTH..end)
    }

    /// Whether every level is the sum of the one below.
    pub fn check(self, map: &Mmap) -> bool {
        let (mut level, mut size) = (self.first, self.domain() as usize);
        while size > WIDTH {
            for node in 0..size / WIDTH {
                let below = (0..WIDTH).map(|leaf| map.get(level + node * WIDTH + leaf).unwrap_or(0)).sum::<u32>();
                if map.get(level + size + node) != Some(below) {
                    return false;
                }
            }
            level += size;
            size /= WIDTH;
        }
        true
    }

    /// Whether each node above a score is the sum of those below it. None: it is not.
    pub fn is_sane(self, map: &Mmap, score: u32) -> Option<()> {
        let mut below = None;
        self.each(score, |word, level| {
            let told = map.get(word)?;
            let agrees = below.is_none_or(|below| below == told);
            let first = level + ((word - level) & !(WIDTH - 1));
            below = Some(map.sum(first..first + WIDTH)?);
            agrees.then_some(())
        })
    }

    /// The word of a score on each level, and where that level begins.
    #[inline]
    fn each(self, score: u32, mut step: impl FnMut(usize, usize) -> Option<()>) -> Option<()> {
        let (mut level, mut size, mut index) = (self.first, self.domain() as usize, score as usize);
        for _ in 0..self.levels {
            step(level + index, level)?;
            level += size;
            size /= WIDTH;
            index /= WIDTH;
        }
        Some(())
    }
}
