//! One state of the boards and the journal to change it with: what a batch of changes does.

mod apply;
mod bulk_load;
pub mod changes;
mod check;
pub mod files;
mod grow;
mod look_around;

use std::path::Path;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use crate::board::Board;
use crate::error::{Error, Result};
use crate::members::Presence;
use crate::state::changes::{Batch, Change, NOWHERE, Op};
use crate::state::files::{Files, Mark, put_text};
use crate::store::format::*;
use crate::store::journal::Journal;
use crate::store::mmap::Access;

/// Readers get in after so many changes, if not earlier.
const OPENED_EVERY: usize = 64;

/// How long they may: a read takes one to two microseconds.
const OPEN_FOR: Duration = Duration::from_micros(4);

/// So many changes before one is made, its member begins to be fetched from memory.
const FETCH_MEMBER: usize = 8;

/// And so many before, the block that its member turned out to be in.
const FETCH_BLOCK: usize = 3;

/// The files of a state, open for writing.
pub struct State {
    /// The files.
    pub files: Files,
    pub(crate) journal: Journal,
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
            return Err(Error::Invalid("identity and rules have up to 4,096 bytes, an epoch is below 2^63".into()));
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
        let mut files = Files::open(folder, Access::Write)?;
        files.mark_dirty()?;
        let mut journal = Journal::open(folder)?;
        journal.roll_back(&files.control, |number| files.by_number(number))?;
        files.replaced(); // it may have died between replacing a file and saying so
        Ok(State { files, journal })
    }

    /// Take a batch. False where its position is at or before the mark. `alone`: nobody reads this state. `wait`: also where
    /// files have to be written anew; otherwise it stops there, at a whole position (`WouldWait`).
    pub fn apply(&mut self, shard: usize, batch: &Batch, alone: bool, wait: bool) -> Result<bool> {
        let done = self.apply_sections(shard, batch, alone, wait);
        self.closed(done)
    }

    fn apply_sections(&mut self, shard: usize, batch: &Batch, alone: bool, wait: bool) -> Result<bool> {
        let mark = self.files.mark(shard);
        if batch.position <= mark.position {
            return Ok(false);
        }
        let ordered = batch.ops.is_sorted_by_key(|op| op.position);
        if !ordered || batch.ops.last().is_some_and(|op| op.position > batch.position) || batch.hash.len() > 64 {
            return Err(Error::Invalid("ops go by position up to the mark's, whose hash has up to 64 bytes".into()));
        }
        if let Some(op) = batch.ops.iter().find(|op| op.member > MOST_MEMBER) {
            return Err(Error::Invalid(format!("member numbers are up to {MOST_MEMBER}, not {}", op.member)));
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
                if !wait {
                    return Err(Error::WouldWait);
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

    /// Put the boards in order that were left unsorted while nobody read them. Costs 50 ns a member with points.
    pub fn put_in_order(&mut self) -> Result<()> {
        let unsorted: Vec<usize> =
            (0..self.files.boards.len()).filter(|board| self.files.boards[*board].is_unsorted()).collect();
        if unsorted.is_empty() {
            return Ok(());
        }
        let states = self.states(self.files.members().capacity() as u32);
        unsorted.into_iter().try_for_each(|board| {
            self.files.put_in_order(board, |member| states.get(member as usize) == Some(&Presence::Listed))
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

    /// What is known of all members below a number.
    pub(crate) fn states(&self, members: u32) -> Vec<Presence> {
        let known = self.files.members();
        (0..members).map(|member| known.known(member).map_or(Presence::Absent, |known| known.0)).collect()
    }

    /// Each step to a member's place is a wait for memory: what the next changes need is fetched while others are made.
    fn prefetch(&self, ops: &[Op], boards: &[usize]) {
        if let Some(op) = ops.get(FETCH_MEMBER) {
            self.files.members().prefetch(op.member);
            if let Change::Scored(board, _) = op.change
                && let Some(board) = self.files.boards.get(boards[board])
            {
                board.prefetch(op.member);
            }
        }
        if let Some(Op { member, change: Change::Scored(board, _), .. }) = ops.get(FETCH_BLOCK)
            && let Some(board) = self.files.boards.get(boards[*board])
        {
            board.prefetch_place(*member);
        }
    }

    /// Go on under another epoch of the same history.
    pub fn adopt(&mut self, epoch: u64) -> Result<()> {
        if epoch > i64::MAX as u64 {
            return Err(Error::Invalid("an epoch is below 2^63".into()));
        }
        let State { files, journal } = self;
        journal.begin(&files.control);
        let done = journal.set_long(&files.control, EPOCH, epoch).map(|()| journal.commit(&files.control));
        self.closed(done)
    }

    /// Undo what an error left open, so that readers get in.
    pub(crate) fn closed<T>(&mut self, done: Result<T>) -> Result<T> {
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

    pub(crate) fn set_mark(&mut self, shard: usize, mark: &Mark) -> Result<()> {
        let at = MARKS + shard * MARK_WORDS;
        self.journal.set_long(&self.files.control, at, mark.position)?;
        self.journal.set_long(&self.files.control, at + 2, mark.reached)?;
        put_text(&mut self.journal, &self.files.control, at + 4, &mark.hash)
    }

    /// The numbers of a batch's boards; those that are new are made. One that finds no room any more is `NOWHERE`, and from
    /// then on it is said of every board that is not there: the others go on.
    fn boards_of(&mut self, batch: &Batch, alone: bool) -> Result<Vec<usize>> {
        for name in &batch.boards {
            if self.files.board(name, None).is_none() {
                if self.files.boards.len() == MOST_BOARDS {
                    self.files.control.words()[OVERFULL].store(1, Relaxed);
                    continue;
                }
                let capacity = self.files.members().capacity();
                let make = |path: &Path, number| Board::create(path, number, capacity, alone);
                self.files.add_board(&mut self.journal, name, make)?;
            }
        }
        Ok(batch.boards.iter().map(|name| self.files.board(name, None).unwrap_or(NOWHERE)).collect())
    }
}
