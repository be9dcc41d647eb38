//! In place of `src/store/mmap.rs`: files that are arrays of Loom's atomics, with no header.
//!
//! To open and to rename go through a lock, as they do in a kernel. A private mapping follows its file until something is
//! set in a page; then it has that page for itself, as it is word by word at that time.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::panic::Location;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use loom::sync::Mutex;
use loom::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use crate::error::{Error, Result};
use crate::left_out;
use crate::store::format::SEQUENCE;

pub const HEADER: usize = 0;

/// Words of a page.
const PAGE: usize = 2;

thread_local! {
    /// How long a journal is at first, in words; in `src` it is 65,536.
    pub static JOURNAL_WORDS: Cell<u64> = const { Cell::new(16) };
}

loom::lazy_static! {
    static ref DISK: Mutex<HashMap<PathBuf, Arc<File>>> = Mutex::new(HashMap::new());
}

#[derive(Clone, Copy)]
pub struct Header {
    pub kind: u32,
    pub incarnation: u32,
    pub words: u64,
    pub shape: [u32; 6],
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Access {
    Read,
    Write,
    Private,
}

struct File {
    words: Vec<AtomicU32>,
    sequence: AtomicU64,
    head: Header,
}

/// A page of a private mapping: nothing until something is set there.
type Page = Rc<RefCell<Option<[u32; PAGE]>>>;

/// A word as one mapping has it.
pub struct Word {
    file: Arc<File>,
    at: usize,
    page: Option<Page>,
}

/// A mapping.
pub struct Mmap {
    file: Arc<File>,
    words: Vec<Word>,
    number: u32,
}

impl Mmap {
    pub fn create_temp(path: &Path, number: u32, mut head: Header) -> Result<Mmap> {
        if head.words > 1 << 10 {
            head.words = JOURNAL_WORDS.get();
        }
        let words = (0..head.words).map(|_| AtomicU32::new(0)).collect();
        let file = Arc::new(File { words, sequence: AtomicU64::new(0), head });
        DISK.lock().unwrap().insert(path.with_extension("new"), Arc::clone(&file));
        Ok(Mmap::over(file, number, Access::Write))
    }

    pub fn commit(&self, path: &Path) -> Result<()> {
        let mut disk = DISK.lock().unwrap();
        let file = disk.remove(&path.with_extension("new")).expect("made before");
        disk.insert(path.into(), file);
        Ok(())
    }

    pub fn open(path: &Path, number: u32, _kind: u32, access: Access) -> Result<Mmap> {
        let found = DISK.lock().unwrap().get(path).cloned();
        Ok(Mmap::over(found.ok_or(Error::NotReady)?, number, access))
    }

    fn over(file: Arc<File>, number: u32, access: Access) -> Mmap {
        let pages: Vec<Page> = (0..file.words.len().div_ceil(PAGE)).map(|_| Page::default()).collect();
        let page = |at: usize| (access == Access::Private).then(|| Rc::clone(&pages[at / PAGE]));
        let words = (0..file.words.len()).map(|at| Word { file: Arc::clone(&file), at, page: page(at) }).collect();
        Mmap { file, words, number }
    }

    pub fn words(&self) -> &[Word] {
        &self.words
    }

    pub fn get(&self, index: usize) -> Option<u32> {
        Some(self.words().get(index)?.load(Ordering::Relaxed))
    }

    pub fn long(&self, index: usize) -> &AtomicU64 {
        assert_eq!(index, SEQUENCE);
        &self.file.sequence
    }

    pub fn head(&self) -> &Header {
        &self.file.head
    }

    pub fn number(&self) -> u32 {
        self.number
    }
}

impl Word {
    pub fn load(&self, order: Ordering) -> u32 {
        let own = self.page.as_ref().and_then(|page| *page.borrow());
        own.map_or_else(|| self.file.words[self.at].load(order), |page| page[self.at % PAGE])
    }

    /// Released, unless a test leaves that out.
    #[track_caller]
    pub fn store(&self, value: u32, order: Ordering) {
        let order = if left_out::is(Location::caller()) { Ordering::Relaxed } else { order };
        let Some(page) = &self.page else { return self.file.words[self.at].store(value, order) };
        let first = self.at / PAGE * PAGE;
        let known = *page.borrow();
        let mut copy = known.unwrap_or_else(|| {
            std::array::from_fn(|at| self.file.words.get(first + at).map_or(0, |word| word.load(Ordering::Relaxed)))
        });
        copy[self.at % PAGE] = value;
        *page.borrow_mut() = Some(copy);
    }

    pub fn fetch_add(&self, value: u32, order: Ordering) -> u32 {
        assert!(self.page.is_none());
        self.file.words[self.at].fetch_add(value, order)
    }
}
