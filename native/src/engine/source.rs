//! Reading without locks: find the files, read, and make sure that nothing changed meanwhile.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::engine::rollback_view::RollbackView;
use crate::engine::writer::{current_folder, lock_file, patiently};
use crate::error::{Error, Result};
use crate::state::files::Files;
use crate::store::format::*;
use crate::store::mmap::Access;
use crate::store::sequence;

/// Where a reader reads: the files, opened again when they are replaced, and how it keeps out of the writer's way.
pub struct Source {
    store: PathBuf,
    deadline: Duration,
    files: Option<Files>,
    previous: Option<RollbackView>, // while a writer stands still inside an update
    retries: u64,
    /// A descriptor to let go of where this process has no other one: enough to open one file after the other.
    spare: Option<File>,
    reported: u64, // the opening of the files that were reported
}

impl Source {
    /// The store need not be there yet.
    pub fn new(store: &Path, deadline: Duration) -> Source {
        Source { store: store.into(), deadline, files: None, previous: None, retries: 0, spare: spare(), reported: 0 }
    }

    /// How often reads were begun again, because the writer was at work.
    pub fn retries(&self) -> u64 {
        self.retries
    }

    /// Let go of the files.
    pub fn close(&mut self) {
        (self.files, self.previous, self.spare) = (None, None, None);
    }

    /// Keep the writer waiting, until this is dropped.
    pub fn lock_export(&self) -> Result<File> {
        let lock = lock_file(&self.store, EXPORT_LOCK)?;
        patiently(|| lock.lock_shared())?;
        Ok(lock)
    }

    /// Read until nothing changed meanwhile. After the deadline, or at once where the writer stood still before: what was
    /// there before its update. `Busy` where it does not let that be read either.
    #[inline]
    pub fn consistent(&mut self, mut read: impl FnMut(&Files, u64) -> Option<()>) -> Result<()> {
        let mut begun = None;
        loop {
            let files = self.opened()?;
            let word = files.control.long(SEQUENCE);
            let before = sequence::before_read(word);
            if files.is_outdated() {
                continue; // replaced since they were opened: this sequence speaks of the new ones
            }
            if before & 1 == 0 {
                let found = read(files, before);
                if sequence::is_unchanged(word, before) {
                    self.previous = None;
                    // Nothing changed, so what cannot be is not half of an update but a damaged file.
                    return if found.is_some() { Ok(()) } else { Err(self.report()) };
                }
                self.retries += 1;
            } else if self.previous.as_ref().is_some_and(|previous| previous.sequence == before) {
                return self.read_previous(before, read);
            }
            let begun = *begun.get_or_insert_with(Instant::now);
            if begun.elapsed() > self.deadline {
                return if before & 1 == 1 { self.read_previous(before, read) } else { Err(Error::Busy) };
            }
            if before & 1 == 1 && begun.elapsed() > SPIN { std::thread::sleep(SPIN) } else { std::hint::spin_loop() }
        }
    }

    /// Read what was there before the update of an odd sequence, in which the writer seems to stand still.
    #[cold]
    fn read_previous(&mut self, odd: u64, mut read: impl FnMut(&Files, u64) -> Option<()>) -> Result<()> {
        let previous = match self.previous.take_if(|previous| previous.sequence == odd && previous.is_unchanged()) {
            Some(previous) => previous,
            // Where it moves after all, the journal may seem to say anything.
            None => RollbackView::of(&self.opened()?.folder, odd).map_err(|_| Error::Busy)?,
        };
        let found = read(&previous.files, odd);
        if !previous.is_unchanged() || !sequence::is_unchanged(self.opened()?.control.long(SEQUENCE), odd) {
            return Err(Error::Busy);
        }
        self.previous = Some(previous);
        found.ok_or_else(Error::disorder)
    }

    /// Tell the writer that what was read cannot be.
    #[cold]
    fn report(&mut self) -> Error {
        if let Some(files) = self.files.as_ref().filter(|files| files.opening != self.reported) {
            self.reported = files.opening;
            report(&self.store, &files.folder);
        }
        Error::disorder()
    }

    /// The files as they are now.
    #[inline]
    pub fn opened(&mut self) -> Result<&Files> {
        if self.files.as_ref().is_some_and(|files| files.control.get(RETIRED) == Some(1)) {
            self.files = None;
        }
        if self.files.as_ref().is_none_or(Files::is_outdated) {
            self.open_now()?;
        }
        self.files.as_ref().ok_or(Error::NotReady)
    }

    /// Open what is new.
    #[cold]
    fn open_now(&mut self) -> Result<()> {
        let mut opened = self.open_again();
        if matches!(opened, Err(Error::NoDescriptors(_))) {
            self.spare = None;
            opened = self.open_again();
        }
        self.spare = self.spare.take().or_else(spare);
        if matches!(opened, Err(Error::Corrupt(_) | Error::Truncated(_) | Error::Foreign(_)))
            && let Ok(Some(folder)) = current_folder(&self.store)
        {
            report(&self.store, &folder);
        }
        opened
    }

    fn open_again(&mut self) -> Result<()> {
        if let Some(files) = &mut self.files {
            match files.refresh() {
                Ok(()) => return Ok(()),
                Err(error @ Error::NoDescriptors(_)) => return Err(error),
                Err(_) => self.files = None, // replaced while it was being opened, or gone with its folder
            }
        }
        self.files = Some(self.open()?);
        self.previous = None;
        Ok(())
    }

    /// Open the current folder. It may be replaced while it is being opened: then the new one is.
    #[cold]
    fn open(&self) -> Result<Files> {
        let mut folder = current_folder(&self.store)?.ok_or(Error::NotReady)?;
        loop {
            let opened = Files::open(&folder, Access::Read).and_then(|mut files| files.refresh().map(|()| files));
            let now = current_folder(&self.store)?.ok_or(Error::NotReady)?;
            if opened.is_ok() || now == folder {
                return opened;
            }
            folder = now;
        }
    }
}

/// Where it cannot be written, the writer may find it by itself.
fn report(store: &Path, folder: &Path) {
    let _ = fs::write(store.join(REPORT), folder.file_name().unwrap_or_default().as_encoded_bytes());
}

fn spare() -> Option<File> {
    File::open("/dev/null").ok()
}

/// How long a reader waits for the writer before it leaves the processor, and how long it then sleeps: the writer may be
/// waiting for this very processor, and to yield is not enough for the kernel to let it run.
const SPIN: Duration = Duration::from_micros(50);
