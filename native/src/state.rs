//! One state of the boards and the journal to change it with: what a batch of changes does.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::board::Board;
use crate::error::{Error, Result};
use crate::files::{Files, Mark, put_text};
use crate::journal::Journal;
use crate::layout::*;
use crate::load::Ids;
use crate::members::{MOST_NAMES, State as Known};

/// Readers get in after so many changes, if not earlier.
const OPENED_EVERY: usize = 64;

/// How long they may: a read takes one to two microseconds.
const OPEN_FOR: Duration = Duration::from_micros(4);

/// So many changes before one is made, its member begins to be fetched from memory.
const FETCH_MEMBER: usize = 8;

/// And so many before, the block that its member turned out to be in.
const FETCH_BLOCK: usize = 3;

/// What happened to a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// It was enrolled, under an id unless it was erased since.
    Joined(Option<String>, u32),
    /// Its score on a board (an index into the batch's names) changed by so many points.
    Scored(usize, i64),
    /// It left the boards.
    Hidden,
    /// It came back.
    Shown,
    /// It has another name number.
    Renamed(u32),
    /// It is gone for good.
    Erased,
}

/// A change, whose it is, and the position of the entry that makes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Op {
    /// Position in the shard.
    pub position: u64,
    /// Member number.
    pub member: u32,
    /// What happened.
    pub change: Change,
}

/// Changes of one shard.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// The boards that `Scored` speaks of.
    pub boards: Vec<String>,
    /// In order of position.
    pub ops: Vec<Op>,
    /// The mark after them.
    pub position: u64,
    /// Its hash.
    pub hash: Vec<u8>,
}

/// The files of a state, open for writing.
pub struct State {
    /// The files.
    pub files: Files,
    journal: Journal,
}

impl State {
    /// An empty state that follows a feed from its start.
    pub fn create(
        folder: &Path,
        number: u64,
        capacity: usize,
        identity: &str,
        epoch: u64,
        rules: &str,
    ) -> Result<State> {
        if identity.len().max(rules.len()) > LONGEST_TEXT || epoch > i64::MAX as u64 {
            return Err(Error::Invalid("identity and rules have up to 255 bytes, an epoch is below 2^63".into()));
        }
        let files = Files::create(folder, number, capacity)?;
        let mut journal = Journal::create(folder)?;
        journal.begin(&files.control);
        put_text(&mut journal, &files.control, IDENTITY, identity.as_bytes())?;
        put_text(&mut journal, &files.control, RULES, rules.as_bytes())?;
        journal.set_long(&files.control, EPOCH, epoch)?;
        journal.commit(&files.control);
        Ok(State { files, journal })
    }

    /// Open a state; what a writer that died left half done is undone.
    pub fn open(folder: &Path) -> Result<State> {
        let mut files = Files::open(folder, true)?;
        files.soil()?;
        let mut journal = Journal::open(folder)?;
        journal.roll_back(&files.control, |number| files.by_number(number))?;
        files.replaced(); // it may have died between replacing a file and saying so
        Ok(State { files, journal })
    }

    /// Take a batch. False where its position is at or before the mark. `alone`: nobody reads this state.
    pub fn apply(&mut self, shard: usize, batch: &Batch, alone: bool) -> Result<bool> {
        let done = self.apply_sections(shard, batch, alone);
        self.closed(done)
    }

    fn apply_sections(&mut self, shard: usize, batch: &Batch, alone: bool) -> Result<bool> {
        let mark = self.files.mark(shard);
        if batch.position <= mark.position {
            return Ok(false);
        }
        let ordered = batch.ops.is_sorted_by_key(|op| op.position);
        if !ordered || batch.ops.last().is_some_and(|op| op.position > batch.position) || batch.hash.len() > 64 {
            return Err(Error::Invalid("ops go by position up to the mark's, whose hash has up to 64 bytes".into()));
        }
        let ops = &batch.ops[batch.ops.partition_point(|op| op.position <= mark.reached)..];
        let boards = self.boards_of(batch, alone)?;
        let mut open = 0; // ops since the lock was closed
        let mut done = 0;
        for group in ops.chunk_by(|one, other| one.position == other.position) {
            if open >= OPENED_EVERY {
                self.reached(shard, ops[done - 1].position)?;
                open = 0;
                if !alone {
                    let since = Instant::now();
                    while since.elapsed() < OPEN_FOR {
                        std::hint::spin_loop();
                    }
                }
            }
            if !self.has_room(group, &boards) {
                if open > 0 {
                    self.reached(shard, ops[done - 1].position)?;
                    open = 0;
                }
                self.make_room(group, &boards)?;
            }
            if open == 0 {
                self.journal.begin(&self.files.control);
            }
            self.prefetch(&ops[done..], &boards);
            if let Err(error) = group.iter().try_for_each(|op| self.take(op, &boards)) {
                return Err(self.undo(shard, &ops[done - open..done], &boards, error));
            }
            open += group.len();
            done += group.len();
        }
        if open == 0 {
            self.journal.begin(&self.files.control);
        }
        let mark =
            Mark { position: batch.position, reached: batch.position.max(mark.reached), hash: batch.hash.clone() };
        self.set_mark(shard, &mark)?;
        self.journal.commit(&self.files.control);
        Ok(true)
    }

    /// Put the boards in order that were left loose while nobody read them. Costs 50 ns a member with points.
    pub fn put_in_order(&mut self) -> Result<()> {
        let loose: Vec<usize> =
            (0..self.files.boards.len()).filter(|board| self.files.boards[*board].is_loose()).collect();
        if loose.is_empty() {
            return Ok(());
        }
        let states = self.states(self.files.members().capacity() as u32);
        loose.into_iter().try_for_each(|board| {
            self.files.put_in_order(board, |member| states.get(member as usize) == Some(&Known::Listed))
        })
    }

    /// All of the feed up to an instant is in.
    pub fn confirm(&mut self, at: i64) -> Result<()> {
        let State { files, journal } = self;
        journal.begin(&files.control);
        let done = journal
            .set_long(&files.control, CONFIRMED_AT, at as u64)
            .and_then(|()| journal.set(&files.control, CONFIRMED, 1))
            .map(|()| journal.commit(&files.control));
        self.closed(done)
    }

    /// Enrol `first`, `first + 1`, ... at once.
    pub fn load_members(&mut self, first: u32, ids: &Ids, name_numbers: &[u32]) -> Result<()> {
        if ids.count() != name_numbers.len() {
            return Err(Error::Invalid("give a name number for each id".into()));
        }
        let mut joining = ids.some(0..ids.count()).zip(name_numbers);
        joining.try_for_each(|(id, name_number)| check_join(Some(id), *name_number))?;
        self.room_for_members(first as usize + ids.count(), ids.count(), ids.words(0..ids.count()))?;
        self.files.members().load(first, ids, name_numbers)
    }

    /// Make a whole board from scores by member number.
    pub fn build(&mut self, board: &str, scores: &[i32]) -> Result<()> {
        if self.files.board(board, None).is_some() {
            return Err(Error::Invalid(format!("the board {board} has scores already")));
        }
        let known = self.states(scores.len() as u32);
        if let Some(absent) = known.iter().zip(scores).position(|(state, score)| *state == Known::Absent && *score != 0)
        {
            return Err(Error::UnknownMember(absent as u32));
        }
        let made = self.files.add_board(&mut self.journal, board, |path, number| {
            Board::from_scores(path, number, scores, |member| known[member as usize] == Known::Listed)
        });
        self.closed(made)
    }

    /// What is known of all members below a number.
    fn states(&self, members: u32) -> Vec<Known> {
        let known = self.files.members();
        (0..members).map(|member| known.known(member).map_or(Known::Absent, |known| known.0)).collect()
    }

    /// Each step to a member's place is a wait for memory: what the next changes need is fetched while others are made.
    fn prefetch(&self, ops: &[Op], boards: &[usize]) {
        if let Some(op) = ops.get(FETCH_MEMBER) {
            self.files.members().prefetch(op.member);
            if let Change::Scored(board, _) = op.change {
                self.files.boards[boards[board]].prefetch(op.member);
            }
        }
        if let Some(Op { member, change: Change::Scored(board, _), .. }) = ops.get(FETCH_BLOCK) {
            self.files.boards[boards[*board]].prefetch_place(*member);
        }
    }

    fn take(&mut self, op: &Op, boards: &[usize]) -> Result<()> {
        let State { files, journal: log } = self;
        let member = op.member;
        let (state, name_number) = files.members().known(member).ok_or_else(Error::disorder)?;
        if let Change::Joined(id, name_number) = &op.change {
            check_join(id.as_deref(), *name_number)?;
            return match id {
                Some(id) => files.members().join(log, member, id, *name_number),
                None => files.members().join_erased(log, member),
            };
        }
        match (&op.change, state) {
            (_, Known::Absent) => Err(Error::UnknownMember(member)),
            (_, Known::Erased) => Ok(()),
            (Change::Scored(board, points), _) => {
                files.boards[boards[*board]].score(log, member, *points, state == Known::Listed)
            }
            (Change::Hidden, Known::Listed) => {
                files.boards.iter_mut().try_for_each(|board| board.unlist(log, member))?;
                files.members().update(log, member, Known::Hidden, name_number)
            }
            (Change::Shown, Known::Hidden) => {
                files.boards.iter_mut().try_for_each(|board| board.list(log, member))?;
                files.members().update(log, member, Known::Listed, name_number)
            }
            (Change::Renamed(name_number), _) => {
                check_join(None, *name_number)?;
                files.members().update(log, member, state, *name_number)
            }
            (Change::Erased, _) => {
                for board in &mut files.boards {
                    board.unlist(log, member)?;
                    board.drop_sum(log, member)?;
                }
                files.members().erase(log, member)
            }
            (Change::Hidden | Change::Shown | Change::Joined(..), _) => Ok(()),
        }
    }

    /// Undo what an error left open, so that readers get in.
    fn closed<T>(&mut self, done: Result<T>) -> Result<T> {
        if done.is_err() && self.journal.is_open() {
            self.journal.roll_back(&self.files.control, |number| self.files.by_number(number))?;
        }
        done
    }

    /// Undo what is under way, and do again what went well before an error, so that a batch stops between two positions.
    fn undo(&mut self, shard: usize, good: &[Op], boards: &[usize], error: Error) -> Error {
        let files = &self.files;
        let undone = self.journal.roll_back(&files.control, |number| files.by_number(number));
        let again = undone.and_then(|()| {
            let Some(last) = good.last() else { return Ok(()) };
            self.journal.begin(&self.files.control);
            good.iter().try_for_each(|op| self.take(op, boards))?;
            self.reached(shard, last.position)
        });
        again.err().unwrap_or(error)
    }

    /// Let readers in between two positions.
    fn reached(&mut self, shard: usize, position: u64) -> Result<()> {
        let mark = Mark { reached: position, ..self.files.mark(shard) };
        self.set_mark(shard, &mark)?;
        self.journal.commit(&self.files.control);
        Ok(())
    }

    fn set_mark(&mut self, shard: usize, mark: &Mark) -> Result<()> {
        let at = MARKS + shard * MARK_WORDS;
        self.journal.set_long(&self.files.control, at, mark.position)?;
        self.journal.set_long(&self.files.control, at + 2, mark.reached)?;
        put_text(&mut self.journal, &self.files.control, at + 4, &mark.hash)
    }

    /// The numbers of a batch's boards; those that are new are made.
    fn boards_of(&mut self, batch: &Batch, alone: bool) -> Result<Vec<usize>> {
        for name in &batch.boards {
            if self.files.board(name, None).is_none() {
                let capacity = self.files.members().capacity();
                let make = |path: &Path, number| Board::create(path, number, capacity, alone);
                self.files.add_board(&mut self.journal, name, make)?;
            }
        }
        Ok(batch.boards.iter().filter_map(|name| self.files.board(name, None)).collect())
    }

    fn has_room(&self, group: &[Op], boards: &[usize]) -> bool {
        let changes = group.len() + 1;
        group.iter().all(|op| match &op.change {
            Change::Joined(id, _) => {
                let words = id.as_ref().map_or(0, |id| id.len().div_ceil(4)) * changes;
                self.files.members().has_room(op.member as usize + 1, changes, words)
            }
            Change::Scored(board, _) => self.files.boards[boards[*board]].has_room(op.member as usize + 1, changes),
            Change::Shown => self.files.boards.iter().all(|board| board.has_room(0, changes)),
            _ => true,
        })
    }

    fn make_room(&mut self, group: &[Op], boards: &[usize]) -> Result<()> {
        let changes = group.len() + 1;
        for op in group {
            let members = op.member as usize + 1;
            match &op.change {
                Change::Joined(id, _) => {
                    self.room_for_members(
                        members,
                        changes,
                        id.as_ref().map_or(0, |id| id.len().div_ceil(4)) * changes,
                    )?;
                }
                Change::Scored(board, _) if !self.files.boards[boards[*board]].has_room(members, changes) => {
                    if self.files.members().known(op.member).is_some_and(|known| known.0 == Known::Absent) {
                        continue; // an error soon: no reason to make a file for it
                    }
                    self.files.rewrite_board(boards[*board], members)?;
                }
                Change::Shown => {
                    for board in 0..self.files.boards.len() {
                        if !self.files.boards[board].has_room(0, changes) {
                            self.files.rewrite_board(board, 0)?;
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn room_for_members(&mut self, members: usize, joining: usize, words: usize) -> Result<()> {
        if !self.files.members().has_room(members, 0, words) {
            self.files.grow_members(members, words)?;
        }
        if !self.files.members().has_room(members, joining, words) {
            self.files.rewrite_slots()?;
        }
        Ok(())
    }
}

fn check_join(id: Option<&str>, name_number: u32) -> Result<()> {
    if id.is_some_and(|id| id.is_empty() || id.len() > LONGEST_TEXT) {
        return Err(Error::Invalid("an id has 1 to 255 bytes".into()));
    }
    if name_number >= MOST_NAMES {
        return Err(Error::Invalid(format!("a name number is below {MOST_NAMES}")));
    }
    Ok(())
}
