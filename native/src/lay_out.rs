//! Filling the blocks of a new board, in a file that nobody reads yet: without the journal, and with room left in each.

use std::sync::atomic::Ordering::Relaxed;
use std::thread;

use crate::board::{BLOCK, BLOCKS_USED, Board, GROUP, NEXT_BLOCK, NEXT_SUPER, RANKED, ROOT_LENGTH, SUPER, place};
use crate::error::{Error, Result};
use crate::load::threads;

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
    /// Fill an empty board's blocks from places in order, on several processors. Pairs hold the scores already. Costs 20 ns
    /// a member.
    pub(crate) fn lay_out(&self, places: &[u64]) -> Result<()> {
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
            let begin = |(part, places)| scope.spawn(move || self.lay_out_supers(part * each, places));
            let threads: Vec<_> = parts.enumerate().map(begin).collect();
            threads.into_iter().try_for_each(|thread| thread.join().unwrap_or_else(|_| Err(Error::disorder())))
        })
    }

    fn lay_out_supers(&self, first: usize, places: &[u64]) -> Result<()> {
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
                self.store(self.shape.homes_at + block, super_ as u32)?;
                self.lay_out_block(block, places)?;
            }
        }
        Ok(())
    }

    fn lay_out_block(&self, block: usize, places: &[u64]) -> Result<()> {
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
