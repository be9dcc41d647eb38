//! Does a state agree with itself? Reads everything; for tests, for `verify`, and for whoever doubts.

use crate::members::{Members, Presence};
use crate::state::files::Files;
use crate::store::format::{MEMBER_COUNT, SLOTS_USED};
use crate::store::mmap::HEADER;

type Check = Result<(), String>;

impl Files {
    /// Say what does not agree.
    pub fn check(&self) -> Check {
        let (mut listed, mut with_id) = (0_usize, 0_usize);
        let members = self.members();
        for member in 0..self.control.get(MEMBER_COUNT).unwrap_or(0) {
            let (state, _) = members.known(member).ok_or("members is too short")?;
            let id = members.id(member);
            let has_id = matches!(state, Presence::Listed | Presence::Hidden);
            ensure(id.is_some() == has_id || state == Presence::Merged, || {
                format!("member {member} is {state:?} and its id is {}kept", if id.is_some() { "" } else { "not " })
            })?;
            if state == Presence::Merged {
                ensure(members.root(member).is_some(), || format!("member {member} became nobody"))?;
                let left = self.boards.iter().position(|board| board.sum(member) != Some(0));
                ensure(left.is_none(), || format!("member {member} left points behind on board {left:?}"))?;
            }
            listed += usize::from(state == Presence::Listed);
            if let Some(id) = id {
                let found = members.number(&Members::digest(&self.key, &id)).flatten();
                // A newer member may have the same id, where the older one's erasure was not read yet.
                ensure(found.is_some_and(|found| found >= member), || {
                    format!("member {member} is not found by its id")
                })?;
                with_id += usize::from(found == Some(member));
            }
        }
        let entry = |place: usize| self.slots.get(HEADER + 2 * place + 1).unwrap_or(0);
        let places = (self.slots.words().len() - HEADER) / 2;
        let in_slots = (0..places).filter(|place| entry(*place) != 0 && entry(*place) != u32::MAX).count();
        ensure(in_slots == with_id, || format!("{in_slots} slots are taken by {with_id} members"))?;
        let used = (0..places).filter(|place| entry(*place) != 0).count();
        ensure(self.control.get(SLOTS_USED) == Some(used as u32), || {
            format!("{used} slots are used, and told otherwise")
        })?;
        for (number, board) in self.boards.iter().enumerate() {
            board
                .check(|member| members.known(member).map(|known| known.0) == Some(Presence::Listed))
                .map_err(|what| format!("board {number}: {what}"))?;
            ensure(board.ranked().unwrap_or(0) as usize <= listed, || format!("board {number} ranks too many"))?;
        }
        Ok(())
    }
}

fn ensure(holds: bool, what: impl FnOnce() -> String) -> Check {
    if holds { Ok(()) } else { Err(what()) }
}
