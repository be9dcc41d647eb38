//! A state that is loaded at once, from a checkpoint or for a measurement, while nobody reads it.

use std::path::Path;
use std::sync::atomic::Ordering::Relaxed;

use crate::board::Board;
use crate::error::{Error, Result};
use crate::members::Presence;
use crate::members::bulk_load::Rows;
use crate::state::State;
use crate::state::changes::check_join;
use crate::state::files::Mark;
use crate::store::format::{LOADING, SHARDS};

impl State {
    /// From here to `loaded`, whoever opens this state throws it away.
    pub fn begin_to_load(&self) {
        self.files.control.words()[LOADING].store(1, Relaxed);
    }

    /// Take in members, a row each.
    pub fn load_members(&mut self, rows: &Rows<'_>) -> Result<()> {
        let count = rows.numbers.len();
        if [rows.ids.count(), rows.names.len(), rows.hidden.len()] != [count; 3] {
            return Err(Error::Invalid("give an id and a name number for each member".into()));
        }
        if !rows.numbers.is_sorted_by(|one, other| one < other) {
            return Err(Error::Invalid("members come by number".into()));
        }
        for (id, name_number) in rows.ids.some(0..count).zip(rows.names) {
            check_join(Some(id).filter(|id| !id.is_empty()), *name_number)?;
        }
        let Some(last) = rows.numbers.last() else { return Ok(()) };
        self.room_for_members(*last as usize + 1, count, rows.ids.words(0..count))?;
        self.files.members().load(rows)
    }

    /// Take in merges whose scores went over already.
    pub fn load_merges(&mut self, merges: &[(u32, u32)]) -> Result<()> {
        let Some(last) = merges.iter().map(|merge| merge.0).max() else { return Ok(()) };
        self.room_for_members(last as usize + 1, 0, 0)?;
        self.room_for_merges(merges.len())?;
        self.files.control.words()[crate::store::format::MEMBER_COUNT].fetch_max(last + 1, Relaxed);
        self.files.members().load_merges(merges)
    }

    /// Take in scores of members that have none on this board. Costs some 10 ns each.
    pub fn load_scores(&mut self, board: &str, members: &[u32], sums: &[i64]) -> Result<()> {
        if members.len() != sums.len() {
            return Err(Error::Invalid("give a score for each member".into()));
        }
        let Some(last) = members.iter().max() else { return Ok(()) };
        let upto = *last as usize + 1;
        if self.files.board(board, None).is_none() {
            let capacity = self.files.members().capacity().max(upto);
            let make = |path: &Path, number| Board::create(path, number, capacity, true);
            let made = self.files.add_board(&mut self.journal, board, make);
            self.closed(made)?;
        }
        let number = self.files.board(board, None).ok_or_else(Error::disorder)?;
        if !self.files.boards[number].is_unsorted() {
            return Err(Error::Invalid(format!("the board {board} has an order already")));
        }
        let large = sums.iter().filter(|sum| sum.unsigned_abs() > i32::MAX as u64).count();
        while !self.files.boards[number].has_room(upto, large) {
            self.files.rewrite_board(number, upto)?;
        }
        let State { files, journal } = self;
        journal.begin(&files.control);
        let done = files.boards[number].load(journal, members, sums).map(|()| journal.commit(&files.control));
        self.closed(done)
    }

    /// All is in, and stands at these marks.
    pub fn loaded(&mut self, marks: &[(usize, Mark)]) -> Result<()> {
        if marks.iter().any(|(shard, mark)| *shard >= SHARDS || mark.hash.len() > 64) {
            return Err(Error::Invalid(format!("shards are from 0 to {}, a hash has up to 64 bytes", SHARDS - 1)));
        }
        self.journal.begin(&self.files.control);
        let set = marks.iter().try_for_each(|(shard, mark)| self.set_mark(*shard, mark));
        let done = set.map(|()| self.journal.commit(&self.files.control));
        self.closed(done)?;
        self.files.control.words()[LOADING].store(0, Relaxed);
        Ok(())
    }

    /// Make a whole board from scores by member number.
    pub fn build(&mut self, board: &str, scores: &[i32]) -> Result<()> {
        if self.files.board(board, None).is_some() {
            return Err(Error::Invalid(format!("the board {board} has scores already")));
        }
        let known = self.states(scores.len() as u32);
        if let Some(absent) =
            known.iter().zip(scores).position(|(state, score)| *state == Presence::Absent && *score != 0)
        {
            return Err(Error::UnknownMember(absent as u32));
        }
        let made = self.files.add_board(&mut self.journal, board, |path, number| {
            Board::from_scores(path, number, scores, |member| known[member as usize] == Presence::Listed)
        });
        self.closed(made)
    }
}
