//! A file as shared memory: an array of atomic 32-bit words behind a checked header.
//!
//! Every file is made as long as it will ever be, with its blocks on the disk reserved, so a full disk is an error when
//! it is made and not a signal when it is written. Files never shrink; a longer one is a new file renamed over the old.
//!
//! The crate forbids `unsafe` (`Cargo.toml`) but here and where the edge takes a descriptor from Python
//! (`python/edge.rs`); each use says why it is sound.

#![expect(unsafe_code, reason = "memory that other processes change, and calls of the operating system")]

use std::array;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::hash::Hasher;
use std::ops::Range;
use std::os::fd::{AsRawFd, FromRawFd};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use siphasher::sip::SipHasher24;

use crate::error::{Error, Result};

/// Words of the header; what a file holds begins after them.
pub const HEADER: usize = 16;

/// Figures in the header that say how a file is divided.
pub const SHAPE: usize = 6;

/// Bytes of a large page.
const LARGE: usize = 1 << 21;

const MAGIC: [u32; 2] = [u32::from_ne_bytes(*b"LAUR"), u32::from_ne_bytes(*b"ELS\n")];
const BYTE_ORDER: u32 = 0x0102_0304;

/// 1: before members could merge.
const FORMAT: u32 = 2;

/// What a file's header says of it, beside magic, byte order, format and checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Which of the files it is.
    pub kind: u32,
    /// A file that replaces another one has another incarnation.
    pub incarnation: u32,
    /// All of its words.
    pub words: u64,
    /// How it is divided; the kind's own matter.
    pub shape: [u32; SHAPE],
}

/// What may be done with a file in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Relaxed loads.
    Read,
    /// Everything, for all to see.
    Write,
    /// Everything, but what is set is seen here alone, and what others set only in pages where nothing was.
    Private,
}

/// A file in memory.
pub struct Mmap {
    base: NonNull<AtomicU32>,
    length: usize,
    room: NonNull<libc::c_void>, // the addresses that were taken for it: as many bytes, and `LARGE` more
    head: Header,
    number: u32,
}

// SAFETY: the mapping is only reached through atomics, and stays where it is until the Mmap is dropped.
unsafe impl Send for Mmap {}
// SAFETY: as above.
unsafe impl Sync for Mmap {}

impl Mmap {
    /// Make a file of zeros beside `path`; `commit` puts it there once it is filled. `number` is what the journal calls
    /// it.
    pub fn create_temp(path: &Path, number: u32, head: Header) -> Result<Mmap> {
        let beside = beside(path);
        // One that was left here may be mapped by nobody: it was never renamed to where readers look.
        let _ = fs::remove_file(&beside);
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create_new(true).mode(0o600).open(&beside);
        let file = file.map_err(|error| Error::at(path, &error))?;
        let bytes = head.words.checked_mul(4).and_then(|bytes| libc::off_t::try_from(bytes).ok());
        let bytes = bytes.ok_or_else(|| Error::Full("a file would be too long".into()))?;
        // SAFETY: a plain call on a descriptor that is open.
        let code = unsafe { libc::posix_fallocate(file.as_raw_fd(), 0, bytes) };
        if code != 0 {
            let _ = fs::remove_file(&beside); // what it did get may be needed elsewhere
            return Err(Error::at(path, &std::io::Error::from_raw_os_error(code)));
        }
        let map = Mmap::over(&file, path, number, head, Access::Write)?;
        // SAFETY: the range is exactly the mapping. A hint too, for file systems that give large pages to nobody who only
        // says that they would help, as `/dev/shm` mostly does. It takes some milliseconds for each, once.
        unsafe { libc::madvise(map.base.as_ptr().cast(), map.length * 4, libc::MADV_COLLAPSE) };
        for (word, value) in map.words().iter().zip(head.encode()) {
            word.store(value, Ordering::Relaxed);
        }
        Ok(map)
    }

    /// A file of zeros in memory alone, with no name; another process opens it as `/proc/<process>/fd/<number>`.
    #[cfg(target_os = "linux")]
    pub fn unnamed(head: Header) -> Result<(Mmap, File)> {
        // SAFETY: a plain call with a string that ends in a zero; it gives a descriptor that is ours, or -1.
        let descriptor = unsafe { libc::memfd_create(c"laurels".as_ptr(), libc::MFD_CLOEXEC) };
        if descriptor < 0 {
            return Err(Error::Io(std::io::Error::last_os_error()));
        }
        // SAFETY: it was opened above, and nothing else has it.
        let file = unsafe { File::from_raw_fd(descriptor) };
        file.set_len(head.words * 4).map_err(Error::Io)?;
        let map = Mmap::over(&file, Path::new("memory"), 0, head, Access::Write)?;
        for (word, value) in map.words().iter().zip(head.encode()) {
            word.store(value, Ordering::Relaxed);
        }
        Ok((map, file))
    }

    /// Where there is no such thing.
    #[cfg(not(target_os = "linux"))]
    pub fn unnamed(_: Header) -> Result<(Mmap, File)> {
        Err(Error::Io(std::io::ErrorKind::Unsupported.into()))
    }

    /// Rename a create_temp over what is at `path`.
    pub fn commit(&self, path: &Path) -> Result<()> {
        fs::rename(beside(path), path).map_err(|error| Error::at(path, &error))
    }

    /// Open a file, and check its header. It needs a descriptor only until it is mapped.
    pub fn open(path: &Path, number: u32, kind: u32, access: Access) -> Result<Mmap> {
        let mut options = OpenOptions::new();
        let file = options.read(true).write(access == Access::Write).open(path);
        let file = file.map_err(|error| Error::at(path, &error))?;
        let head = Header::read(&file, path, kind)?;
        Mmap::over(&file, path, number, head, access)
    }

    /// Which incarnation of a file lies at a path now.
    pub fn incarnation_at(path: &Path, kind: u32) -> Result<u32> {
        let file = File::open(path).map_err(|error| Error::at(path, &error))?;
        Ok(Header::read(&file, path, kind)?.incarnation)
    }

    /// The words, header and all.
    pub fn words(&self) -> &[AtomicU32] {
        // SAFETY: `base` points to `length` words of a mapping that lives as long as self; atomics may change under
        // a shared reference. Processes that map the file read-only only load with relaxed order.
        unsafe { std::slice::from_raw_parts(self.base.as_ptr(), self.length) }
    }

    /// Two words as one, at an even index that is never used as single words.
    pub fn long(&self, index: usize) -> &AtomicU64 {
        &self.longs(index, 1)[0]
    }

    /// So many of them.
    pub fn longs(&self, index: usize, count: usize) -> &[AtomicU64] {
        assert!(index.is_multiple_of(2) && count <= self.length / 2 && index <= self.length - count * 2);
        // SAFETY: in bounds and aligned to 8 bytes, since a mapping begins at a page; no other size of access is made.
        unsafe { std::slice::from_raw_parts(self.base.as_ptr().add(index).cast::<AtomicU64>(), count) }
    }

    /// One word, or None outside: what was read while it was being changed may point anywhere.
    #[inline]
    pub fn get(&self, index: usize) -> Option<u32> {
        Some(self.words().get(index)?.load(Ordering::Relaxed))
    }

    /// The sum of some words, beginning anew at 2^32; None where one is outside.
    #[inline]
    pub fn sum(&self, words: Range<usize>) -> Option<u32> {
        let (fours, rest) = self.words().get(words)?.as_chunks();
        let mut sums = [0; 4];
        for four in fours {
            let four = load(four);
            sums = array::from_fn(|lane| u32::wrapping_add(sums[lane], four[lane]));
        }
        let rest = rest.iter().map(|word| word.load(Ordering::Relaxed));
        Some(sums.into_iter().chain(rest).fold(0, u32::wrapping_add))
    }

    /// Where among some words a value first is; None where it is not, or where one is outside.
    #[inline]
    pub fn find(&self, words: Range<usize>, value: u32) -> Option<usize> {
        let words = self.words().get(words)?;
        let (fours, _) = words.as_chunks();
        // Those before the four that hold it need not be looked at one by one.
        let before = 4 * fours.iter().position(|four| load(four).contains(&value)).unwrap_or(fours.len());
        let found = words[before..].iter().position(|word| word.load(Ordering::Relaxed) == value)?;
        Some(before + found)
    }

    /// Begin to fetch a word that will be asked for soon. Outside the file: nothing.
    #[inline]
    pub fn prefetch(&self, index: usize) {
        #[cfg(target_arch = "x86_64")]
        if let Some(word) = self.words().get(index) {
            use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            // SAFETY: a hint, which reads nothing; every x86-64 processor has it.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(ptr::from_ref(word).cast()) };
        }
    }

    /// Some of the words, all of which will be written soon: the kernel gets their pages ready at once, not one by one.
    pub fn populated(&self, range: std::ops::Range<usize>) -> &[AtomicU32] {
        const PAGE: usize = 4096 / 4;
        let words = &self.words()[range.clone()];
        let first = range.start / PAGE * PAGE;
        // SAFETY: from the page of the first word to the last one, inside the mapping. A hint: where the kernel does not know
        // it, the pages come when they are written.
        unsafe {
            libc::madvise(self.base.as_ptr().add(first).cast(), (range.end - first) * 4, libc::MADV_POPULATE_WRITE);
        }
        words
    }

    /// The header as it was at opening.
    pub fn head(&self) -> &Header {
        &self.head
    }

    /// What the journal calls it.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Write all of it to the disk; it lies at this path.
    pub fn sync(&self, path: &Path) -> Result<()> {
        // SAFETY: the range is exactly the mapping.
        let failed = unsafe { libc::msync(self.base.as_ptr().cast(), self.length * 4, libc::MS_SYNC) } != 0;
        if failed {
            return Err(Error::Io(std::io::Error::last_os_error()));
        }
        File::open(path).and_then(|file| file.sync_all()).map_err(|error| Error::at(path, &error))
    }

    fn over(file: &File, path: &Path, number: u32, head: Header, access: Access) -> Result<Mmap> {
        let length = usize::try_from(head.words).expect("64-bit");
        let bytes = length * 4;
        // Both the file and its address begin where a large page does, or the kernel could not use any.
        // SAFETY: addresses that nothing uses yet, and that nothing can be read from.
        let room = unsafe {
            libc::mmap(ptr::null_mut(), bytes + LARGE, libc::PROT_NONE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, -1, 0)
        };
        if room == libc::MAP_FAILED {
            return Err(Error::at(path, &std::io::Error::last_os_error()));
        }
        let base = room.wrapping_byte_add(room.addr().wrapping_neg() % LARGE);
        let both = libc::PROT_READ | libc::PROT_WRITE;
        let (protection, kind) = match access {
            Access::Read => (libc::PROT_READ, libc::MAP_SHARED),
            Access::Write => (both, libc::MAP_SHARED),
            Access::Private => (both, libc::MAP_PRIVATE | libc::MAP_NORESERVE),
        };
        // SAFETY: a mapping of a file whose length was checked (files of a store never shrink), inside of what was taken above.
        let mapped = unsafe { libc::mmap(base, bytes, protection, kind | libc::MAP_FIXED, file.as_raw_fd(), 0) };
        if mapped == libc::MAP_FAILED {
            let error = Error::at(path, &std::io::Error::last_os_error());
            // SAFETY: exactly what was taken above.
            unsafe { libc::munmap(room, bytes + LARGE) };
            return Err(error);
        }
        // SAFETY: the range is exactly the mapping. A hint: where the kernel has no large pages for this file, it says so, and
        // nothing is lost. Members lie anywhere, so with small pages every step also waits for the page tables.
        unsafe { libc::madvise(base, bytes, libc::MADV_HUGEPAGE) };
        let [base, room] = [base, room].map(|at| NonNull::new(at).expect("mmap does not give null"));
        Ok(Mmap { base: base.cast(), length, room, head, number })
    }
}

/// Load four words, each as a relaxed load would. What is read on the way to an answer is mostly long rows of words to be
/// added up or searched, and the compiler makes no vector instructions of atomic loads.
#[inline]
#[cfg(target_arch = "x86_64")]
fn load(words: &[AtomicU32; 4]) -> [u32; 4] {
    use std::arch::{asm, x86_64::__m128i};
    let four: __m128i;
    // SAFETY: reads the 16 bytes that were borrowed. Another thread may be writing to them, which assembly may meet like any
    // atomic load: the processor reads each aligned word whole, and what was read is nothing but numbers.
    unsafe {
        asm!("movdqu {}, [{}]", out(xmm_reg) four, in(reg) words, options(nostack, preserves_flags, readonly));
    }
    // SAFETY: both are sixteen bytes that may be anything.
    unsafe { std::mem::transmute(four) }
}

/// Load four words.
#[inline]
#[cfg(not(target_arch = "x86_64"))]
fn load(words: &[AtomicU32; 4]) -> [u32; 4] {
    array::from_fn(|lane| words[lane].load(Ordering::Relaxed))
}

impl Drop for Mmap {
    fn drop(&mut self) {
        // SAFETY: the addresses were taken by `over`, and nothing borrows from them any more.
        unsafe { libc::munmap(self.room.as_ptr(), self.length * 4 + LARGE) };
    }
}

impl Header {
    pub(crate) fn encode(&self) -> [u32; HEADER] {
        let mut words = [0; HEADER];
        words[..2].copy_from_slice(&MAGIC);
        words[2] = BYTE_ORDER;
        words[3] = FORMAT;
        words[4] = self.kind;
        words[5] = self.incarnation;
        words[6] = self.words as u32;
        words[7] = (self.words >> 32) as u32;
        words[8..14].copy_from_slice(&self.shape);
        let sum = checksum(&words[..14]);
        words[14] = sum as u32;
        words[15] = (sum >> 32) as u32;
        words
    }

    fn read(file: &File, path: &Path, kind: u32) -> Result<Header> {
        let mut bytes = [0; HEADER * 4];
        let length = file.metadata().map_err(|error| Error::at(path, &error))?.len();
        if length < bytes.len() as u64 {
            return Err(Error::Truncated(format!("{} has {length} bytes: too short", path.display())));
        }
        file.read_exact_at(&mut bytes, 0).map_err(|error| Error::at(path, &error))?;
        let mut words = [0; HEADER];
        for (word, four) in words.iter_mut().zip(bytes.chunks_exact(4)) {
            *word = u32::from_ne_bytes(four.try_into().expect("four"));
        }
        if words[..2] != MAGIC || words[2] != BYTE_ORDER {
            return Err(Error::Foreign(format!(
                "{} is not a file of this kind of machine's leaderboard",
                path.display()
            )));
        }
        if words[3] > FORMAT {
            return Err(Error::NewerFormat(format!(
                "{} has format {}, and this version reads {FORMAT}",
                path.display(),
                words[3]
            )));
        }
        if words[3] < FORMAT {
            return Err(Error::OlderFormat(format!(
                "{} has format {}, and this version reads {FORMAT}: rebuild the board",
                path.display(),
                words[3]
            )));
        }
        let sum = checksum(&words[..14]);
        if (words[14], words[15]) != (sum as u32, (sum >> 32) as u32) || words[4] != kind {
            return Err(Error::Corrupt(format!("{} has a damaged header", path.display())));
        }
        let head = Header {
            kind,
            incarnation: words[5],
            words: u64::from(words[6]) | u64::from(words[7]) << 32,
            shape: words[8..14].try_into().expect("six"),
        };
        // What a header says is not to be trusted, though its checksum is right: 2^62 words have no bytes that can be told.
        match head.words.checked_mul(4) {
            Some(bytes) if head.words >= HEADER as u64 && bytes <= length => Ok(head),
            Some(bytes) if head.words >= HEADER as u64 && bytes < 1 << 62 => {
                Err(Error::Truncated(format!("{} has {length} bytes of {bytes}", path.display())))
            }
            _ => Err(Error::Corrupt(format!("{} tells a length that cannot be", path.display()))),
        }
    }
}

fn beside(path: &Path) -> PathBuf {
    path.with_extension("new")
}

fn checksum(words: &[u32]) -> u64 {
    let mut hasher = SipHasher24::new();
    for word in words {
        hasher.write_u32(*word);
    }
    hasher.finish()
}

/// Make a folder for its owner alone, unless it is there.
pub fn make_folder(path: &Path) -> Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|error| Error::at(path, &error))
}

/// The options of a file for its owner alone, made where it is not there.
pub fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true).mode(0o600);
    options
}
