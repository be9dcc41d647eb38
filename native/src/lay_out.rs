//! Filling the blocks of a new board, in a file that nobody reads yet: without the journal, and with room left in each.

use std::sync::atomic::Ordering::Relaxed;

use crate::board::{BLOCK, BLOCKS_USED, Board, GROUP, NEXT_BLOCK, NEXT_SUPER, RANKED, ROOT_LENGTH, SUPER, place};
use crate::error::{Error, Result};

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
    /// Fill an empty board's blocks from places in order. Pairs hold the scores already. Costs 20 ns a member.
    pub(crate) fn lay_out(&self, places: impl Iterator<Item = u64>) -> Result<()> {
        let store = |at: usize, value: u32| {
            self.map.words().get(at).ok_or_else(Error::disorder).map(|word| word.store(value, Relaxed))
        };
        let bump = |at: usize| {
            self.map.words().get(at).ok_or_else(Error::disorder).map(|word| word.fetch_add(1, Relaxed) as usize + 1)
        };
        let mut places = places.peekable();
        let (mut blocks, mut ranked) = (0, 0);
        while let Some(first) = places.peek().copied() {
            let (super_, slot) = (blocks / BLOCKS, blocks % BLOCKS);
            let (at, block) = (self.at(super_), blocks + 1);
            if slot == 0 {
                store(ROOT_LENGTH, super_ as u32 + 1)?;
                store(NEXT_SUPER, super_ as u32 + 1)?;
                store(at + 1, super_ as u32)?;
                store(self.shape.root_at + super_, super_ as u32)?;
                store(self.firsts_at() + super_, (first >> 32) as u32)?;
                store(self.firsts_at() + self.shape.supers + super_, first as u32)?;
            }
            let mut count = 0;
            for place in places.by_ref().take(MEMBERS) {
                let member = place as u32;
                store(self.block_at(block) + count, member)?;
                store(self.shape.pairs_at + 2 * member as usize + 1, block as u32)?;
                self.build_count(u32::MAX - (place >> 32) as u32)?;
                count += 1;
            }
            for (column, value) in [block as u32, count as u32, (first >> 32) as u32, first as u32].iter().enumerate() {
                store(at + 4 + column * SUPER + slot, *value)?;
            }
            store(at, slot as u32 + 1)?;
            store(self.shape.homes_at + block, super_ as u32)?;
            let totals = self.map.words();
            totals[self.totals_at() + super_].fetch_add(count as u32, Relaxed);
            totals[self.shape.groups_at + super_ / GROUP].fetch_add(count as u32, Relaxed);
            bump(NEXT_BLOCK)?;
            blocks += 1;
            ranked += count;
        }
        store(BLOCKS_USED, blocks as u32)?;
        store(RANKED, ranked as u32)
    }

    fn build_count(&self, score: u32) -> Result<()> {
        let counts = self.shape.counts;
        if score < counts.domain() { counts.build(&self.map, score) } else { Ok(()) }
    }
}
