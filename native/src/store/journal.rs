//! The undo journal: what the words were before an update, kept until the update is whole.
//!
//! All changes of what readers see go through `set` and its sisters here, between `begin` and `commit`. The journal is
//! in a mapped file like everything else, so it outlives the process: if the writer dies in between, the next one puts
//! the old words back (`roll_back`) and nobody has ever seen the half of an update. A record is appended whole before the
//! words it saves are changed: it is `[file, first word, count, the old words ...]`.
//!
//! It also keeps the seqlock: the sequence is odd from `begin` to `commit`. A reader that finds the writer stopped in between
//! may look at the old words too (`JournalSnapshot`).

use std::path::{Path, PathBuf};

use crate::atomics::{Ordering, fence};
use crate::error::{Error, Result};
use crate::store::format::{JOURNAL, JOURNAL_FILE, SEQUENCE};
use crate::store::mmap::{Access, HEADER, Header, Mmap};

const USED: usize = HEADER; // words of records
const ENDED: usize = HEADER + 1; // counts the updates that ended here, so that `USED` need not be
const FIRST: usize = HEADER + 2;
const LEAST_WORDS: u64 = 1 << 16;
const MOVED: u32 = u32::MAX; // in `USED`: the update goes on in a longer journal

/// The writer's journal.
pub struct Journal {
    path: PathBuf,
    map: Mmap,
    used: usize,
    open: bool,
    wipe: bool,
}

impl Journal {
    /// An empty journal in a store's folder.
    pub fn create(folder: &Path) -> Result<Journal> {
        let path = folder.join(JOURNAL);
        let head = Header { kind: JOURNAL_FILE, incarnation: 0, words: LEAST_WORDS, shape: [0; 6] };
        let map = Mmap::create_temp(&path, u32::MAX, head)?;
        map.commit(&path)?;
        Ok(Journal { path, map, used: 0, open: false, wipe: false })
    }

    /// The journal that is there.
    pub fn open(folder: &Path) -> Result<Journal> {
        let path = folder.join(JOURNAL);
        let map = Mmap::open(&path, u32::MAX, JOURNAL_FILE, Access::Write)?;
        let used = map.words()[USED].load(Ordering::Acquire) as usize;
        Ok(Journal { path, map, used, open: false, wipe: true })
    }

    /// Keep readers out: what is set from here to `commit` they see at once or not at all.
    pub fn begin(&mut self, control: &Mmap) {
        let sequence = control.long(SEQUENCE);
        // Released: who sees it sees too that the journal was emptied before.
        sequence.store(sequence.load(Ordering::Relaxed) | 1, Ordering::Release);
        fence(Ordering::Release);
        self.open = true;
    }

    /// Let readers in, and forget the old words.
    pub fn commit(&mut self, control: &Mmap) {
        // Before `USED` is what it was at `begin`: a reader of the old words must not take the one moment for the other.
        self.map.words()[ENDED].fetch_add(1, Ordering::Release);
        self.map.words()[USED].store(0, Ordering::Release);
        if std::mem::take(&mut self.wipe) {
            // Whoever puts back a word that was overwritten here sees that the update has ended.
            fence(Ordering::Release);
            for word in &self.map.words()[FIRST..FIRST + self.used] {
                word.store(0, Ordering::Relaxed);
            }
        }
        self.used = 0;
        self.open = false;
        let sequence = control.long(SEQUENCE);
        sequence.store((sequence.load(Ordering::Relaxed) | 1) + 1, Ordering::Release);
    }

    /// Put everything back as it was at `begin`, and let readers in. `map_of` finds a file by its number. May itself be
    /// interrupted, and done again.
    pub fn roll_back<'a>(&mut self, control: &Mmap, map_of: impl Fn(u32) -> Option<&'a Mmap>) -> Result<()> {
        restore(&self.map, self.used, map_of)?;
        self.commit(control);
        Ok(())
    }

    /// Whether readers are kept out.
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// Overwrite the old words at the next `commit`: among them is something to be forgotten.
    pub fn wipe_at_commit(&mut self) {
        self.wipe = true;
    }

    /// Set one word.
    #[inline]
    pub fn set(&mut self, map: &Mmap, index: usize, value: u32) -> Result<()> {
        let word = map.words().get(index).ok_or_else(Error::disorder)?;
        let old = word.load(Ordering::Relaxed);
        if old != value {
            self.save(map, index, 1)?;
            word.store(value, Ordering::Release);
        }
        Ok(())
    }

    /// Set two words from one number, the low half first.
    pub fn set_long(&mut self, map: &Mmap, index: usize, value: u64) -> Result<()> {
        self.set(map, index, value as u32)?;
        self.set(map, index + 1, (value >> 32) as u32)
    }

    /// Add to a word, which must not go out of its range.
    #[inline]
    pub fn add(&mut self, map: &Mmap, index: usize, change: i32) -> Result<()> {
        let old = map.get(index).ok_or_else(Error::disorder)?;
        self.set(map, index, old.checked_add_signed(change).ok_or_else(Error::disorder)?)
    }

    /// Set words one after another.
    pub fn fill(&mut self, map: &Mmap, index: usize, values: &[u32]) -> Result<()> {
        self.save(map, index, values.len())?;
        for (word, value) in map.words()[index..].iter().zip(values) {
            word.store(*value, Ordering::Release);
        }
        Ok(())
    }

    /// Move words `first..end` up by one place; `first` keeps its old value until it is set.
    pub fn shift_up(&mut self, map: &Mmap, first: usize, end: usize) -> Result<()> {
        self.save(map, first, end + 1 - first)?;
        let words = &map.words()[first..=end];
        for index in (1..words.len()).rev() {
            words[index].store(words[index - 1].load(Ordering::Relaxed), Ordering::Release);
        }
        Ok(())
    }

    /// Move words `first + 1..end` down by one place, over the first.
    pub fn shift_down(&mut self, map: &Mmap, first: usize, end: usize) -> Result<()> {
        self.save(map, first, end - first)?;
        let words = &map.words()[first..end];
        for index in 1..words.len() {
            words[index - 1].store(words[index].load(Ordering::Relaxed), Ordering::Release);
        }
        Ok(())
    }

    #[inline]
    fn save(&mut self, map: &Mmap, index: usize, count: usize) -> Result<()> {
        let saved = map.words().get(index..index.wrapping_add(count)).ok_or_else(Error::disorder)?;
        let at = FIRST + self.used;
        if at + 3 + count > self.map.words().len() {
            self.grow(3 + count)?;
        }
        let words = &self.map.words()[at..at + 3 + count];
        let first = u32::try_from(index).map_err(|_| Error::Full("a file is beyond 16 GiB".into()))?;
        words[0].store(map.number(), Ordering::Relaxed);
        words[1].store(first, Ordering::Relaxed);
        words[2].store(count as u32, Ordering::Relaxed);
        for (kept, old) in words[3..].iter().zip(saved) {
            kept.store(old.load(Ordering::Relaxed), Ordering::Relaxed);
        }
        self.used += 3 + count;
        self.map.words()[USED].store(self.used as u32, Ordering::Release);
        Ok(())
    }

    /// Move into a longer file. In the middle of an update too: the records are the same in both.
    fn grow(&mut self, more: usize) -> Result<()> {
        let words = (2 * self.map.words().len()).max(FIRST + self.used + more) as u64;
        let head = Header { words, ..*self.map.head() };
        let longer = Mmap::create_temp(&self.path, u32::MAX, head)?;
        for (new, old) in longer.words()[HEADER..].iter().zip(&self.map.words()[HEADER..]) {
            new.store(old.load(Ordering::Relaxed), Ordering::Relaxed);
        }
        longer.commit(&self.path)?;
        self.map.words()[USED].store(MOVED, Ordering::Release);
        self.map = longer;
        Ok(())
    }
}

/// The journal of a writer that stands still inside an update, as a reader sees it.
pub struct JournalSnapshot {
    map: Mmap,
    ended: u32,
    used: u32,
}

impl JournalSnapshot {
    /// The journal of a folder, as it is now.
    pub fn open(folder: &Path) -> Result<JournalSnapshot> {
        let map = Mmap::open(&folder.join(JOURNAL), u32::MAX, JOURNAL_FILE, Access::Read)?;
        let (ended, used) = figures(&map);
        Ok(JournalSnapshot { map, ended, used })
    }

    /// Put the old words back into maps that are the reader's own.
    pub fn restore<'a>(&self, map_of: impl Fn(u32) -> Option<&'a Mmap>) -> Result<()> {
        restore(&self.map, self.used as usize, map_of)
    }

    /// Whether the writer has not advanced since this was opened. Every change that was read before this is called follows, in
    /// the writer's order, one of the figures that are compared here.
    pub fn is_unchanged(&self) -> bool {
        fence(Ordering::Acquire);
        let (ended, used) = figures(&self.map);
        (ended, used) == (self.ended, self.used)
    }
}

/// How many updates ended, and the words of the present one, in a map that may be read-only: there nothing but a relaxed
/// load is allowed, so the fences stand apart. An update ends by `ENDED` first, then `USED`: read the other way round, an
/// end in between does not look like the state before it.
fn figures(map: &Mmap) -> (u32, u32) {
    let used = map.words()[USED].load(Ordering::Relaxed);
    fence(Ordering::Acquire);
    let ended = map.words()[ENDED].load(Ordering::Relaxed);
    fence(Ordering::Acquire);
    (ended, used)
}

/// Put the old words of so many words of records back, the oldest last.
fn restore<'a>(journal: &Mmap, used: usize, map_of: impl Fn(u32) -> Option<&'a Mmap>) -> Result<()> {
    let words = journal.words();
    let word = |at: usize| words.get(at).map(|word| word.load(Ordering::Relaxed) as usize);
    let mut records = Vec::new();
    let mut at = FIRST;
    while at < FIRST + used {
        let count = word(at + 2).ok_or_else(damaged)?;
        records.push((at, count));
        at += 3 + count;
    }
    for (at, count) in records.into_iter().rev() {
        let (file, first) = (word(at).ok_or_else(damaged)?, word(at + 1).ok_or_else(damaged)?);
        let target = map_of(file as u32).ok_or_else(damaged)?.words();
        for offset in 0..count {
            let old = word(at + 3 + offset).ok_or_else(damaged)?;
            target.get(first + offset).ok_or_else(damaged)?.store(old as u32, Ordering::Relaxed);
        }
    }
    Ok(())
}

fn damaged() -> Error {
    Error::Corrupt("the journal is damaged".into())
}
