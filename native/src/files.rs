//! One state of the boards: the files of a folder, opened together, and what the control file says.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use crate::board::Board;
use crate::error::{Error, Result};
use crate::journal::Journal;
use crate::layout::*;
use crate::map::{HEAD, Head, Map, make_folder};
use crate::members::{Members, packed_text};

/// Words of the ids that room is made for at first, for each member: ids of 24 bytes.
const ID_WORDS: usize = 6;

static OPENINGS: AtomicU64 = AtomicU64::new(1);

/// The files of a folder.
pub struct Files {
    /// The folder.
    pub folder: PathBuf,
    /// Whose feed, how far, the seqlock.
    pub control: Map,
    /// See `members.rs`.
    pub members: Map,
    /// See `members.rs`.
    pub slots: Map,
    /// See `members.rs`.
    pub ids: Map,
    /// See `members.rs`.
    pub texts: Map,
    /// Tells these from all others that this process ever opened.
    pub opening: u64,
    /// The key of the digests of ids.
    pub key: [u8; 16],
    /// The boards, in order of making.
    pub boards: Vec<Board>,
    names: Vec<Box<str>>,
    seen: u32,
    writable: bool,
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
        control.words()[TEXT_WORDS].store(HEAD as u32, Relaxed);
        control.words()[FILES].store(1, Relaxed);
        Ok(Files {
            folder: folder.into(),
            members: make(folder, MEMBERS, MEMBERS_FILE, 0, HEAD + 4 * capacity)?,
            slots: make(folder, SLOTS, SLOTS_FILE, 0, HEAD + 2 * places_for(capacity))?,
            ids: make(folder, IDS, IDS_FILE, 0, HEAD + 2 * capacity)?,
            texts: make(folder, TEXTS, TEXTS_FILE, 0, HEAD + ID_WORDS * capacity)?,
            boards: Vec::new(),
            opening: OPENINGS.fetch_add(1, Relaxed),
            key,
            names: Vec::new(),
            seen: 1,
            writable: true,
            control,
        })
    }

    /// Open the files of a folder. Refuses those of another boot unless they were closed.
    pub fn open(folder: &Path, writable: bool) -> Result<Files> {
        let open = |name: &str, kind: u32| Map::open(&folder.join(name), kind, kind, writable);
        let control = open(CONTROL, CONTROL_FILE)?;
        if control.words().len() < CONTROL_WORDS {
            return Err(Error::Corrupt(format!("{} is too short", folder.join(CONTROL).display())));
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
            boards: Vec::new(),
            opening: OPENINGS.fetch_add(1, Relaxed),
            key: Members::key(&control),
            names: Vec::new(),
            writable,
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
            self.seen = self.control.get(FILES).unwrap_or(0);
            for (name, kind) in [(MEMBERS, MEMBERS_FILE), (SLOTS, SLOTS_FILE), (IDS, IDS_FILE), (TEXTS, TEXTS_FILE)] {
                let path = self.folder.join(name);
                let map = match kind {
                    MEMBERS_FILE => &mut self.members,
                    SLOTS_FILE => &mut self.slots,
                    IDS_FILE => &mut self.ids,
                    _ => &mut self.texts,
                };
                if Map::incarnation_at(&path, kind)? != map.head().incarnation {
                    *map = Map::open(&path, kind, kind, self.writable)?;
                }
            }
            for (number, board) in self.boards.iter_mut().enumerate() {
                let path = board_path(&self.folder, number);
                if Map::incarnation_at(&path, BOARD_FILE)? != board.map.head().incarnation {
                    *board = Board::open(&path, number, self.writable)?;
                }
            }
            self.open_boards()?;
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
        }
    }

    /// The number of a board. `last` is where to look first: mostly the same board is asked for again.
    #[inline]
    pub fn board(&self, name: &str, last: Option<usize>) -> Option<usize> {
        let named = |number: &usize| self.names.get(*number).is_some_and(|other| **other == *name);
        last.filter(named).or_else(|| (0..self.names.len()).find(named))
    }

    /// Every file in memory.
    pub fn maps(&mut self) -> impl Iterator<Item = &mut Map> {
        let own = [&mut self.control, &mut self.members, &mut self.slots, &mut self.ids, &mut self.texts];
        own.into_iter().chain(self.boards.iter_mut().map(|board| &mut board.map))
    }

    /// A file by its number in the journal.
    pub fn by_number(&self, number: u32) -> Option<&Map> {
        match number {
            CONTROL_FILE => Some(&self.control),
            MEMBERS_FILE => Some(&self.members),
            SLOTS_FILE => Some(&self.slots),
            IDS_FILE => Some(&self.ids),
            TEXTS_FILE => Some(&self.texts),
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
        let plain = name.bytes().all(|byte| (b' '..0x7f).contains(&byte) && byte != b'"' && byte != b'\\');
        if !plain || name.len() > 4 * (NAME_WORDS - 1) {
            return Err(Error::Invalid(format!("{name:?} cannot name a board: up to 124 plain characters")));
        }
        if number == MOST_BOARDS {
            return Err(Error::Full(format!("there are {MOST_BOARDS} boards already")));
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

    /// Make room for members below `members` (half as many again, so that growing stays rare), and for so many more words
    /// of ids. Copies the files; readers go on with the old ones.
    pub fn grow_members(&mut self, members: usize, words: usize) -> Result<()> {
        let old = self.members().capacity();
        let capacity = if members > old { members.max(old + old / 2 + 1024) } else { old };
        if capacity > u32::MAX as usize - 1 {
            return Err(Error::Full("there are no more member numbers".into()));
        }
        if capacity > old {
            self.members = longer(&self.folder, MEMBERS, &self.members, HEAD + 4 * capacity)?;
            self.ids = longer(&self.folder, IDS, &self.ids, HEAD + 2 * capacity)?;
        }
        let used = self.control.get(TEXT_WORDS).unwrap_or(u32::MAX) as usize;
        if used + words > self.texts.words().len() {
            let wanted = used + words + (used / 2).max(4 * capacity / 2);
            if used + words > u32::MAX as usize {
                return Err(Error::Full("the ids fill 16 GiB".into()));
            }
            self.texts = longer(&self.folder, TEXTS, &self.texts, wanted.min(u32::MAX as usize))?;
        }
        self.replaced();
        Ok(())
    }

    /// Write the slots anew, for as many members as there is room for: without tombstones.
    pub fn rewrite_slots(&mut self) -> Result<()> {
        let path = self.folder.join(SLOTS);
        let words = (HEAD + 2 * places_for(self.members().capacity())) as u64;
        let head = self.slots.head();
        let head = Head { incarnation: head.incarnation + 1, words, ..*head };
        let slots = Map::draft(&path, SLOTS_FILE, head)?;
        let used = Members { slots: &slots, ..self.members() }.rehash(&self.slots)?;
        slots.publish(&path)?;
        self.control.words()[SLOTS_USED].store(used, Relaxed);
        self.slots = slots;
        self.replaced();
        Ok(())
    }

    /// Write a board anew, with room for members below `members`.
    pub fn rewrite_board(&mut self, number: usize, members: usize) -> Result<()> {
        let board = &mut self.boards[number];
        let old = board.shape.capacity;
        let capacity = if members > old { members.max(old + old / 2 + 1024) } else { old };
        board.rewrite(&board_path(&self.folder, number), capacity)?;
        self.replaced();
        Ok(())
    }

    /// Write a loose board anew, with everybody in order.
    pub fn put_in_order(&mut self, number: usize, listed: impl Fn(u32) -> bool) -> Result<()> {
        self.boards[number].put_in_order(&board_path(&self.folder, number), listed)?;
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
        for map in [&self.members, &self.slots, &self.ids, &self.texts] {
            map.sync()?;
        }
        for board in &self.boards {
            board.map.sync()?;
        }
        self.control.words()[CLEAN].store(1, Relaxed);
        self.control.sync()?;
        fs::File::open(&self.folder).and_then(|folder| folder.sync_all()).map_err(Error::Io)
    }

    /// Say that the files are being changed under this boot, before they are.
    pub fn soil(&self) -> Result<()> {
        put_words(&self.control, BOOT, &packed_text(&boot()));
        self.control.words()[CLEAN].store(0, Relaxed);
        self.control.sync()
    }

    fn open_boards(&mut self) -> Result<()> {
        let count = (self.control.get(BOARDS).unwrap_or(0) as usize).min(MOST_BOARDS);
        for number in self.boards.len()..count {
            self.boards.push(Board::open(&board_path(&self.folder, number), number, self.writable)?);
            let name = text(&self.control, BOARD_NAMES + number * NAME_WORDS);
            self.names.push(name.into());
        }
        Ok(())
    }
}

/// Two words as one number.
#[inline]
pub fn long(map: &Map, at: usize) -> Option<u64> {
    Some(u64::from(map.get(at)?) | u64::from(map.get(at + 1)?) << 32)
}

/// A text: its length, and its bytes.
pub fn bytes(map: &Map, at: usize) -> Vec<u8> {
    let length = (map.get(at).unwrap_or(0) as usize).min(LONGEST_TEXT);
    let mut bytes: Vec<u8> = words_of(map, at + 1, length.div_ceil(4)).into_iter().flat_map(u32::to_ne_bytes).collect();
    bytes.truncate(length);
    bytes
}

/// Set a text.
pub fn put_text(log: &mut Journal, map: &Map, at: usize, bytes: &[u8]) -> Result<()> {
    log.set(map, at, bytes.len() as u32)?;
    log.fill(map, at + 1, &packed_text(bytes))
}

fn text(map: &Map, at: usize) -> String {
    String::from_utf8_lossy(&bytes(map, at)).into_owned()
}

fn words_of(map: &Map, at: usize, count: usize) -> Vec<u32> {
    (at..at + count).map(|word| map.get(word).unwrap_or(0)).collect()
}

fn put_words(map: &Map, at: usize, words: &[u32]) {
    for (word, value) in map.words()[at..].iter().zip(words) {
        word.store(*value, Relaxed);
    }
}

fn make(folder: &Path, name: &str, kind: u32, incarnation: u32, words: usize) -> Result<Map> {
    let path = folder.join(name);
    let map = Map::draft(&path, kind, Head { kind, incarnation, words: words as u64, shape: [0; 6] })?;
    map.publish(&path)?;
    Ok(map)
}

fn longer(folder: &Path, name: &str, old: &Map, words: usize) -> Result<Map> {
    let path = folder.join(name);
    let head = Head { incarnation: old.head().incarnation + 1, words: words as u64, ..*old.head() };
    let map = Map::draft(&path, old.number(), head)?;
    for (new, word) in map.words()[HEAD..].iter().zip(&old.words()[HEAD..]) {
        new.store(word.load(Relaxed), Relaxed);
    }
    map.publish(&path)?;
    Ok(map)
}

/// Three quarters full when all members are in.
fn places_for(capacity: usize) -> usize {
    capacity + capacity / 3 + 64
}

fn board_path(folder: &Path, number: usize) -> PathBuf {
    folder.join(format!("board-{number}"))
}

/// Names the present boot of the machine; empty where it cannot be told, and then only closed files are good.
fn boot() -> Vec<u8> {
    let text = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let digits: Vec<u8> =
        text.bytes().filter_map(|byte| (byte as char).to_digit(16)).map(|digit| digit as u8).collect();
    digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).take(16).collect()
}
