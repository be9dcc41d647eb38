//! Looking at a little of everything by the way, for what cannot be.

use std::sync::atomic::Ordering::Relaxed;

use crate::error::{Error, Result};
use crate::members::{Members, Presence};
use crate::state::files::{Files, bytes};
use crate::store::format::{BOARD_NAMES, MEMBER_COUNT, NAME_WORDS};

impl Files {
    /// Look at so many members of boards, others each time, and at some sums of each of these boards: what is not where it
    /// should be is an error. It finds by and by what no reader came across. 0.5 us each.
    pub fn look_around(&self, count: usize) -> Result<()> {
        let members = u64::from(self.control.get(MEMBER_COUNT).unwrap_or(0));
        let all = members * self.boards.len() as u64;
        if all == 0 {
            return Ok(());
        }
        for (number, name) in self.names.iter().enumerate() {
            if bytes(&self.control, BOARD_NAMES + number * NAME_WORDS) != name.as_bytes() {
                return Err(Error::Corrupt(format!("board {number} lost its name")));
            }
        }
        let first = self.looked_at.fetch_add(count as u64, Relaxed);
        for at in (first..first + count as u64).map(|at| at % all) {
            let (number, member) = ((at / members) as usize, (at % members) as u32);
            let (board, known) = (&self.boards[number], self.members());
            let listed = known.known(member).is_some_and(|known| known.0 == Presence::Listed);
            let id = if at == first { known.id(member) } else { None };
            let found = id.map(|id| known.number(&Members::digest(&self.key, &id)).flatten());
            if found.is_some_and(|found| found.is_none_or(|found| found < member)) {
                return Err(Error::Corrupt(format!("member {member} is not found by its id")));
            }
            if board.is_sane(member, listed).is_none() || (at == first && board.adds_up(at as u32).is_none()) {
                return Err(Error::Corrupt(format!("board {number} is not in order about member {member}")));
            }
        }
        Ok(())
    }
}
