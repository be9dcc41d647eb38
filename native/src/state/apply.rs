//! What each change does, and the room that it needs.
//!
//! Shards are followed one by one, so a score or a merge may name a number that joins later: its points are kept, and
//! ranked when it joins. Points of who is gone are kept too, out of sight, until its erasure is told.

use crate::board::Board;
use crate::error::{Error, Result};
use crate::members::Presence;
use crate::state::State;
use crate::state::changes::*;

impl State {
    pub(crate) fn take(&mut self, op: &Op, boards: &[usize]) -> Result<()> {
        let member = op.member;
        match &op.change {
            Change::Joined(id, name_number) => return self.join(member, id.as_deref(), *name_number),
            Change::Scored(board, points) => return self.score(member, boards[*board], *points),
            Change::Merged(into) => return self.merge(member, *into),
            _ => {}
        }
        let State { files, journal: log } = self;
        let (state, name_number) = files.members().known(member).ok_or_else(Error::disorder)?;
        match (&op.change, state) {
            (_, Presence::Absent) => Err(Error::UnknownMember(member)),
            (Change::Erased, _) => self.erase(member),
            (Change::Hidden, Presence::Listed) => {
                files.boards.iter_mut().try_for_each(|board| board.unlist(log, member))?;
                files.members().update(log, member, Presence::Hidden, name_number)
            }
            (Change::Shown, Presence::Hidden) => {
                files.boards.iter_mut().try_for_each(|board| board.list(log, member))?;
                files.members().update(log, member, Presence::Listed, name_number)
            }
            (Change::Renamed(name_number), Presence::Listed | Presence::Hidden) => {
                check_join(None, *name_number)?;
                files.members().update(log, member, state, *name_number)
            }
            _ => Ok(()),
        }
    }

    fn join(&mut self, member: u32, id: Option<&str>, name_number: u32) -> Result<()> {
        check_join(id, name_number)?;
        let root = self.files.members().root(member).ok_or_else(Error::disorder)?;
        let forgotten = root != member && self.is_erased(root);
        let State { files, journal: log } = self;
        let Some(id) = id.filter(|_| !forgotten) else { return files.members().join_erased(log, member) };
        files.members().join(log, member, id, name_number)?;
        if root == member {
            files.boards.iter_mut().try_for_each(|board| board.list(log, member))?;
        }
        Ok(())
    }

    fn score(&mut self, member: u32, board: usize, points: i64) -> Result<()> {
        let State { files, journal: log } = self;
        let root = files.members().root_in_one(log, member)?;
        let listed = files.members().known(root).is_some_and(|known| known.0 == Presence::Listed);
        files.boards.get_mut(board).map_or(Ok(()), |board| board.score(log, root, points, listed))
    }

    fn merge(&mut self, member: u32, into: u32) -> Result<()> {
        let State { files, journal: log } = self;
        let root = files.members().root_in_one(log, into)?;
        let known = files.members().known(member).ok_or_else(Error::disorder)?.0;
        if root == member || matches!(known, Presence::Merged | Presence::Erased) {
            return Ok(());
        }
        let listed = files.members().known(root).is_some_and(|known| known.0 == Presence::Listed);
        for board in &mut files.boards {
            let sum = board.sum(member).ok_or_else(Error::disorder)?;
            if sum != 0 {
                board.unlist(log, member)?;
                board.drop_sum(log, member)?;
                board.score(log, root, sum, listed)?;
            }
        }
        files.members().merge(log, member, root)?;
        if self.is_erased(root) { self.forget_merged(root) } else { Ok(()) }
    }

    fn erase(&mut self, member: u32) -> Result<()> {
        let State { files, journal: log } = self;
        for board in &mut files.boards {
            board.unlist(log, member)?;
            board.drop_sum(log, member)?;
        }
        files.members().erase(log, member)?;
        if self.is_erased(member) { self.forget_merged(member) } else { Ok(()) }
    }

    /// Forget the ids of all that became this one, which is erased.
    fn forget_merged(&mut self, root: u32) -> Result<()> {
        let State { files, journal: log } = self;
        let members = files.members();
        members.merged_into(root)?.into_iter().try_for_each(|member| members.erase(log, member))
    }

    fn is_erased(&self, member: u32) -> bool {
        self.files.members().known(member).is_some_and(|known| known.0 == Presence::Erased)
    }

    pub(crate) fn has_room(&self, group: &[Op], boards: &[usize]) -> bool {
        let changes = group.len() + 1;
        let members = self.files.members();
        group.iter().all(|op| {
            let member = op.member as usize + 1;
            let fits = match &op.change {
                Change::Joined(id, _) => members.has_room(member, changes, words_of(id.as_deref()) * changes),
                Change::Merged(_) => members.has_room(member, 0, 0) && members.has_room_to_merge(changes),
                _ => true,
            };
            fits && self.moves(op, boards).all(|(board, upto)| self.files.boards[board].has_room(upto, changes))
        })
    }

    pub(crate) fn make_room(&mut self, group: &[Op], boards: &[usize]) -> Result<()> {
        let changes = group.len() + 1;
        for op in group {
            let member = op.member as usize + 1;
            match &op.change {
                Change::Joined(id, _) => {
                    self.room_for_members(member, changes, words_of(id.as_deref()) * changes)?;
                }
                Change::Merged(_) => {
                    self.room_for_members(member, 0, 0)?;
                    self.room_for_merges(changes)?;
                }
                _ => {}
            }
            let moves: Vec<_> = self.moves(op, boards).collect();
            for (board, upto) in moves {
                if !self.files.boards[board].has_room(upto, changes) {
                    self.files.rewrite_board(board, upto)?;
                }
            }
        }
        Ok(())
    }

    /// The boards on which a change may move somebody, and one more than the number of who is moved there.
    fn moves<'a>(&'a self, op: &'a Op, boards: &'a [usize]) -> Box<dyn Iterator<Item = (usize, usize)> + 'a> {
        let root = |member: u32| self.files.members().root(member).unwrap_or(member) as usize;
        let having = |member: u32, upto: usize| {
            let board = move |(_, board): &(usize, &Board)| board.pair(member).is_some_and(|pair| pair.0 != 0);
            self.files.boards.iter().enumerate().filter(board).map(move |(number, _)| (number, upto))
        };
        match &op.change {
            Change::Scored(board, _) if boards[*board] == NOWHERE => Box::new(std::iter::empty()),
            Change::Scored(board, _) => Box::new(std::iter::once((boards[*board], root(op.member) + 1))),
            Change::Merged(into) => Box::new(having(op.member, root(*into) + 1)),
            Change::Joined(..) | Change::Shown => Box::new(having(op.member, 0)),
            _ => Box::new(std::iter::empty()),
        }
    }

    pub(crate) fn room_for_members(&mut self, members: usize, joining: usize, words: usize) -> Result<()> {
        if !self.files.members().has_room(members, 0, words) {
            self.files.grow_members(members, words)?;
        }
        if !self.files.members().has_room(members, joining, words) {
            self.files.rewrite_slots()?;
        }
        Ok(())
    }

    pub(crate) fn room_for_merges(&mut self, more: usize) -> Result<()> {
        if self.files.members().has_room_to_merge(more) { Ok(()) } else { self.files.grow_merges(more) }
    }
}

fn words_of(id: Option<&str>) -> usize {
    id.map_or(0, |id| id.len().div_ceil(4))
}
