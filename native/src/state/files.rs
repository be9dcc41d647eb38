//! One state of the boards: the files of a folder, opened together, and what the control file says.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use crate::board::Board;
use crate::error::{Error, Result};
use crate::members::{Members, packed_text};
use crate::store::format::*;
use crate::store::journal::Journal;
use crate::store::mmap::{Access, HEADER, Header, Mmap, make_folder};

/// Words of the ids that room is made for at first, for each member: ids of 24 bytes.
const ID_WORDS: usize = 6;

/// Merges that room is made for at first.
const MERGES_AT_FIRST: usize = 512;

static OPENINGS: AtomicU64 = AtomicU64::new(1);

/// The files of a folder.
pub struct Files {
    /// The folder.
    pub folder: PathBuf,
    /// Whose feed, how far, the seqlock.
    pub control: Mmap,
    /// See `members/mod.rs`.
    pub members: Mmap,
    /// See `members/mod.rs`.
    pub slots: Mmap,
    /// See `members/mod.rs`.
    pub ids: Mmap,
    /// See `members/mod.rs`.
    pub texts: Mmap,
    /// See `members/merges.rs`.
    pub merges: Mmap,
    /// Tells these from all others that this process ever opened.
    pub opening: u64,
    /// The key of the digests of ids.
    pub key: [u8; 16],
    /// The boards, in order of making.
    pub boards: Vec<Board>,
    pub(super) names: Vec<Box<str>>,
    seen: u32,
    access: Access,
    pub(super) looked_at: AtomicU64, // on boards, one after the other: where `look_around` goes on
}

/// How far a shard's feed was followed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// The position of the last batch that is in as a whole.
    pub position: u64,
    /// Its hash.
    pub hash: Vec<u8>,
    /// The last position that is in.
    pub reached: u64,
}

impl Files {
    /// Make the files of an empty state, with room for so many members. `number` is the folder's: sequences of a store
    /// never come again.
    pub fn create(folder: &Path, number: u64, capacity: usize) -> Result<Files> {
        make_folder(folder)?;
        let control = make(folder, CONTROL, CONTROL_FILE, 0, CONTROL_WORDS)?;
        let mut key = [0; 16];
        fs::File::open("/dev/urandom")
            .and_then(|mut file| std::io::Read::read_exact(&mut file, &mut key))
            .map_err(Error::Io)?;
        put_words(&control, KEY, &packed_text(&key));
        put_words(&control, BOOT, &packed_text(&boot()));
        control.long(SEQUENCE).store(number << 40, Relaxed);
        control.words()[TEXT_WORDS].store(HEADER as u32, Relaxed);
        control.words()[FILES].store(1, Relaxed);
        Ok(Files {
            folder: folder.into(),
            members: make(folder, MEMBERS, MEMBERS_FILE, 0, HEADER + 4 * capacity)?,
            slots: make(folder, SLOTS, SLOTS_FILE, 0, HEADER + 2 * places_for(capacity))?,
            ids: make(folder, IDS, IDS_FILE, 0, HEADER + 2 * capacity)?,
            texts: make(folder, TEXTS, TEXTS_FILE, 0, HEADER + ID_WORDS * capacity)?,
            merges: make(folder, MERGES, MERGES_FILE, 0, HEADER + 2 * MERGES_AT_FIRST)?,
            boards: Vec::new(),
            opening: OPENINGS.fetch_add(1, Relaxed),
            key,
            names: Vec::new(),
            seen: 1,
            access: Access::Write,
            looked_at: AtomicU64::new(0),
            control,
        })
    }

    /// Open the files of a folder. Refuses those of another boot unless they were closed.
    pub fn open(folder: &Path, access: Access) -> Result<Files> {
        let open = |name: &str, kind: u32| Mmap::open(&folder.join(name), kind, kind, access);
        let control = open(CONTROL, CONTROL_FILE)?;
        if control.words().len() < CONTROL_WORDS {
            return Err(Error::Corrupt(format!("{} is too short", folder.join(CONTROL).display())));
        }
        if access == Access::Write && control.get(DAMAGED) != Some(0) {
            return Err(Error::Corrupt(format!("{} was found to be damaged: rebuild the board", folder.display())));
        }
        let boot = packed_text(&boot());
        let same_boot = !boot.is_empty() && words_of(&control, BOOT, 4) == boot;
        if !same_boot && control.get(CLEAN) != Some(1) {
            return Err(Error::OtherBoot(format!(
                "{} was not closed before the machine went down: rebuild the board",
                folder.display()
            )));
        }
        let mut files = Files {
            folder: folder.into(),
            seen: control.get(FILES).unwrap_or(0),
            members: open(MEMBERS, MEMBERS_FILE)?,
            slots: open(SLOTS, SLOTS_FILE)?,
            ids: open(IDS, IDS_FILE)?,
            texts: open(TEXTS, TEXTS_FILE)?,
            merges: open(MERGES, MERGES_FILE)?,
            boards: Vec::new(),
            opening: OPENINGS.fetch_add(1, Relaxed),
            key: Members::key(&control),
            names: Vec::new(),
            access,
            looked_at: AtomicU64::new(0),
            control,
        };
        files.open_boards()?;
        Ok(files)
    }

    /// Whether a file was added or replaced since these were opened. Cheap.
    #[inline]
    pub fn is_outdated(&self) -> bool {
        self.control.get(FILES) != Some(self.seen)
    }

    /// Open again what was replaced, and what is new.
    pub fn refresh(&mut self) -> Result<()> {
        while self.is_outdated() {
            let seen = self.control.get(FILES).unwrap_or(0);
            let own = [
                (MEMBERS, MEMBERS_FILE, &mut self.members),
                (SLOTS, SLOTS_FILE, &mut self.slots),
                (IDS, IDS_FILE, &mut self.ids),
                (TEXTS, TEXTS_FILE, &mut self.texts),
                (MERGES, MERGES_FILE, &mut self.merges),
            ];
            for (name, kind, map) in own {
                let path = self.folder.join(name);
                if Mmap::incarnation_at(&path, kind)? != map.head().incarnation {
                    *map = Mmap::open(&path, kind, kind, self.access)?;
                }
            }
            for (number, board) in self.boards.iter_mut().enumerate() {
                let path = board_path(&self.folder, number);
                if Mmap::incarnation_at(&path, BOARD_FILE)? != board.map.head().incarnation {
                    *board = Board::open(&path, number, self.access)?;
                }
            }
            self.open_boards()?;
            self.seen = seen; // not before: it may have broken off
        }
        Ok(())
    }

    /// Whether it was never read, and may be built further.
    pub fn is_unfinished(&self) -> bool {
        self.control.get(CONFIRMED) == Some(0) && self.control.get(LOADING) == Some(0)
    }

    /// Who the members are.
    #[inline]
    pub fn members(&self) -> Members<'_> {
        Members {
            key: &self.key,
            control: &self.control,
            members: &self.members,
            slots: &self.slots,
            ids: &self.ids,
            texts: &self.texts,
            merges: &self.merges,
        }
    }

    /// The number of a board. `last` is where to look first: mostly the same board is asked for again.
    #[inline]
    pub fn board(&self, name: &str, last: Option<usize>) -> Option<usize> {
        let named = |number: &usize| self.names.get(*number).is_some_and(|other| **other == *name);
        last.filter(named).or_else(|| (0..self.names.len()).find(named))
    }

    /// A file by its number in the journal.
    pub fn by_number(&self, number: u32) -> Option<&Mmap> {
        match number {
            CONTROL_FILE => Some(&self.control),
            MEMBERS_FILE => Some(&self.members),
            SLOTS_FILE => Some(&self.slots),
            IDS_FILE => Some(&self.ids),
            TEXTS_FILE => Some(&self.texts),
            MERGES_FILE => Some(&self.merges),
            _ => self.boards.get(number.checked_sub(BOARD_FILE)? as usize).map(|board| &board.map),
        }
    }

    /// Make a board; `make` makes its file.
    pub fn add_board(
        &mut self,
        log: &mut Journal,
        name: &str,
        make: impl FnOnce(&Path, usize) -> Result<Board>,
    ) -> Result<()> {
        let number = self.boards.len();
        if !is_name(name.as_bytes()) {
            return Err(Error::Invalid(format!("{name:?} cannot name a board: up to 124 plain characters")));
        }
        let board = make(&board_path(&self.folder, number), number)?;
        log.begin(&self.control);
        put_text(log, &self.control, BOARD_NAMES + number * NAME_WORDS, name.as_bytes())?;
        log.set(&self.control, BOARDS, number as u32 + 1)?;
        log.commit(&self.control);
        self.boards.push(board);
        self.names.push(name.into());
        self.replaced();
        Ok(())
    }

    /// Tell the readers that files were replaced.
    pub fn replaced(&mut self) {
        self.seen = self.control.words()[FILES].fetch_add(1, Relaxed).wrapping_add(1);
        let sequence = self.control.long(SEQUENCE);
        // Who has begun to read in the old files may finish; who begins now sees the new number.
        std::sync::atomic::fence(std::sync::atomic::Ordering::Release);
        sequence.fetch_add(2, std::sync::atomic::Ordering::Release);
    }

    /// The identity of the feed, its epoch, and its rules.
    pub fn identity(&self) -> (String, u64, String) {
        (text(&self.control, IDENTITY), long(&self.control, EPOCH).unwrap_or(0), text(&self.control, RULES))
    }

    /// How far a shard's feed was followed.
    pub fn mark(&self, shard: usize) -> Mark {
        let at = MARKS + shard * MARK_WORDS;
        Mark {
            position: long(&self.control, at).unwrap_or(0),
            reached: long(&self.control, at + 2).unwrap_or(0),
            hash: bytes(&self.control, at + 4),
        }
    }

    /// Write everything to the disk and say so.
    pub fn sync(&self) -> Result<()> {
        let (members, slots, ids, texts) = (&self.members, &self.slots, &self.ids, &self.texts);
        for (name, map) in [(MEMBERS, members), (SLOTS, slots), (IDS, ids), (TEXTS, texts), (MERGES, &self.merges)] {
            map.sync(&self.folder.join(name))?;
        }
        for (number, board) in self.boards.iter().enumerate() {
            board.map.sync(&board_path(&self.folder, number))?;
        }
        self.control.words()[CLEAN].store(1, Relaxed);
        self.control.sync(&self.folder.join(CONTROL))?;
        fs::File::open(&self.folder).and_then(|folder| folder.sync_all()).map_err(Error::Io)
    }

    /// Say that what is in the files cannot be.
    pub fn say_damaged(&self) {
        self.control.words()[DAMAGED].store(1, Relaxed);
        self.control.long(SEQUENCE).fetch_add(2, std::sync::atomic::Ordering::Release);
    }

    /// Say that the files are being changed under this boot, before they are.
    pub fn mark_dirty(&self) -> Result<()> {
        put_words(&self.control, BOOT, &packed_text(&boot()));
        self.control.words()[CLEAN].store(0, Relaxed);
        self.control.sync(&self.folder.join(CONTROL))
    }

    fn open_boards(&mut self) -> Result<()> {
        let count = (self.control.get(BOARDS).unwrap_or(0) as usize).min(MOST_BOARDS);
        for number in self.boards.len()..count {
            self.boards.push(Board::open(&board_path(&self.folder, number), number, self.access)?);
            let name = text(&self.control, BOARD_NAMES + number * NAME_WORDS);
            if !is_name(name.as_bytes()) {
                return Err(Error::Corrupt(format!("{} names a board that cannot be", self.folder.display())));
            }
            self.names.push(name.into());
        }
        Ok(())
    }
}

/// Whether a board may bear this name.
fn is_name(name: &[u8]) -> bool {
    let plain = name.iter().all(|byte| (b' '..0x7f).contains(byte) && !b"\"\\".contains(byte));
    plain && (1..=4 * (NAME_WORDS - 1)).contains(&name.len())
}

/// Two words as one number.
#[inline]
pub fn long(map: &Mmap, at: usize) -> Option<u64> {
    Some(u64::from(map.get(at)?) | u64::from(map.get(at + 1)?) << 32)
}

/// A text: its length, and its bytes.
pub fn bytes(map: &Mmap, at: usize) -> Vec<u8> {
    let length = (map.get(at).unwrap_or(0) as usize).min(LONGEST_TEXT);
    let mut bytes: Vec<u8> = words_of(map, at + 1, length.div_ceil(4)).into_iter().flat_map(u32::to_ne_bytes).collect();
    bytes.truncate(length);
    bytes
}

/// Set a text.
pub fn put_text(log: &mut Journal, map: &Mmap, at: usize, bytes: &[u8]) -> Result<()> {
    log.set(map, at, bytes.len() as u32)?;
    log.fill(map, at + 1, &packed_text(bytes))
}

fn text(map: &Mmap, at: usize) -> String {
    String::from_utf8_lossy(&bytes(map, at)).into_owned()
}

fn words_of(map: &Mmap, at: usize, count: usize) -> Vec<u32> {
    (at..at + count).map(|word| map.get(word).unwrap_or(0)).collect()
}

fn put_words(map: &Mmap, at: usize, words: &[u32]) {
    for (word, value) in map.words()[at..].iter().zip(words) {
        word.store(*value, Relaxed);
    }
}

fn make(folder: &Path, name: &str, kind: u32, incarnation: u32, words: usize) -> Result<Mmap> {
    let path = folder.join(name);
    let map = Mmap::create_temp(&path, kind, Header { kind, incarnation, words: words as u64, shape: [0; 6] })?;
    map.commit(&path)?;
    Ok(map)
}

/// Three quarters full when all members are in.
pub(super) fn places_for(capacity: usize) -> usize {
    capacity + capacity / 3 + 64
}

pub(super) fn board_path(folder: &Path, number: usize) -> PathBuf {
    folder.join(format!("board-{number}"))
}

/// Names the present boot of the machine; empty where it cannot be told, and then only closed files are good.
fn boot() -> Vec<u8> {
    let text = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let digits: Vec<u8> =
        text.bytes().filter_map(|byte| (byte as char).to_digit(16)).map(|digit| digit as u8).collect();
    digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).take(16).collect()
}
