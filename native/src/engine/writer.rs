//! The one process that changes a store: which state is read, which one is being built, and the locks.

use std::fs::{self, File, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering::Relaxed;

use crate::error::{Error, Result};
use crate::state::State;
use crate::state::changes::Batch;
use crate::state::files::Files;
use crate::store::format::*;
use crate::store::mmap::{Access, Mmap, make_folder, private};

/// Members on boards that are looked at by the way, at each confirmation of what is there already.
const LOOKED_AT: usize = 32;

/// A store, open for writing.
pub struct Writer {
    store: PathBuf,
    capacity: usize,
    export_lock: File,
    served: Option<State>,
    building: Option<State>,
    damaged: Option<State>, // still read, as stale, until there is another one
    lock: File,
}

impl Writer {
    /// Open a store, or make an empty one; `discard` what is refused.
    pub fn open(store: &Path, capacity: usize, discard: bool) -> Result<Writer> {
        make_folder(store)?;
        let lock = lock_file(store, LOCK)?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => {
                Error::Locked(format!("another process writes {}: stop it first", store.display()))
            }
            TryLockError::Error(error) => Error::at(store, &error),
        })?;
        let mut writer = Writer {
            store: store.into(),
            capacity: capacity.clamp(1, u32::MAX as usize - 1),
            export_lock: lock_file(store, EXPORT_LOCK)?,
            served: None,
            building: None,
            damaged: None,
            lock,
        };
        writer.open_states(discard)?;
        Ok(writer)
    }

    /// The state that is changed now.
    pub fn followed(&self) -> Option<&Files> {
        self.building.as_ref().or(self.served.as_ref()).map(|state| &state.files)
    }

    /// Begin a new, empty state.
    pub fn reset(&mut self, identity: &str, epoch: u64, rules: &str) -> Result<()> {
        if let Some(state) = self.building.take() {
            remove(&state.files.folder)?;
        }
        let newest = folders(&self.store)?.into_iter().map(|folder| folder.0).max().unwrap_or(0);
        let number = newest.checked_add(1).ok_or_else(|| Error::Full("there are no more folders".into()))?;
        let folder = self.store.join(format!("g{number}"));
        let made = State::create(&folder, number, self.capacity, identity, epoch, rules);
        if made.is_err() {
            let _ = remove(&folder); // the first error is the one to tell
        }
        self.building = Some(made?);
        Ok(())
    }

    /// Take a batch of changes. Without `wait`: as far as that takes no longer than the changes themselves, `WouldWait` where
    /// somebody copies standings or files have to be written anew. Given again, it goes on where it was.
    pub fn apply(&mut self, shard: usize, batch: &Batch, wait: bool) -> Result<bool> {
        if shard >= SHARDS {
            return Err(Error::Invalid(format!("shards are from 0 to {}, not {shard}", SHARDS - 1)));
        }
        if let Some(state) = &mut self.building {
            return state.apply(shard, batch, true, wait);
        }
        self.check_reports()?;
        let state = self.served.as_mut().ok_or(Error::NotReady)?;
        match self.export_lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) if !wait => return Err(Error::WouldWait),
            Err(_) => patiently(|| self.export_lock.lock())?,
        }
        let done = state.apply(shard, batch, false, wait);
        self.export_lock.unlock().map_err(Error::Io)?;
        done
    }

    /// All of the feed up to an instant is in: what was built is read from now on.
    pub fn confirm(&mut self, at: i64) -> Result<()> {
        let Some(state) = &mut self.building else {
            self.check_reports()?;
            let state = self.served.as_mut().ok_or(Error::NotReady)?;
            state.files.look_around(LOOKED_AT)?;
            return state.confirm(at);
        };
        if state.files.control.get(LOADING) == Some(1) {
            return Err(Error::Invalid("it is still being loaded".into()));
        }
        state.put_in_order()?;
        state.confirm(at)?;
        let state = self.building.take().ok_or(Error::NotReady)?;
        let name = state.files.folder.file_name().expect("a folder in the store").to_owned();
        let beside = self.store.join("current.new");
        let written = private().truncate(true).open(&beside).and_then(|mut file| {
            file.write_all(name.as_encoded_bytes())?;
            file.sync_all()
        });
        written.map_err(|error| Error::at(&beside, &error))?;
        fs::rename(&beside, self.store.join(CURRENT)).map_err(|error| Error::at(&beside, &error))?;
        let _ = fs::remove_file(self.store.join(REPORT)); // of what is read no more
        for old in [self.served.replace(state), self.damaged.take()].into_iter().flatten() {
            retire(&old.files.control);
            remove(&old.files.folder)?;
        }
        Ok(())
    }

    /// Go on under another epoch.
    pub fn adopt(&mut self, epoch: u64) -> Result<()> {
        self.building.as_mut().or(self.served.as_mut()).ok_or(Error::NotReady)?.adopt(epoch)
    }

    /// Follow nothing any more: what is there cannot be. It is read, as stale, until another state is confirmed.
    pub fn give_up(&mut self) -> Result<()> {
        if let Some(state) = self.building.take() {
            return remove(&state.files.folder);
        }
        if let Some(state) = self.served.take() {
            state.files.say_damaged();
            self.damaged = Some(state);
        }
        Ok(())
    }

    /// Whether a board found no room.
    pub fn is_overfull(&self) -> bool {
        self.followed().is_some_and(|files| files.control.get(OVERFULL) == Some(1))
    }

    /// Has a reader found what cannot be? A look costs less than a microsecond.
    fn check_reports(&self) -> Result<()> {
        let Ok(name) = fs::read(self.store.join(REPORT)) else { return Ok(()) };
        let served = self.served.as_ref().and_then(|state| state.files.folder.file_name());
        let _ = fs::remove_file(self.store.join(REPORT));
        if served.is_some_and(|served| served.as_encoded_bytes() == name) { Err(Error::disorder()) } else { Ok(()) }
    }

    /// The state being built, for what may be done to no other.
    pub fn building(&mut self) -> Result<&mut State> {
        self.building.as_mut().ok_or_else(|| Error::Invalid("this is only possible between reset and confirm".into()))
    }

    /// Check everything.
    pub fn check(&self) -> std::result::Result<(), String> {
        self.served.iter().chain(&self.building).try_for_each(|state| state.files.check())
    }

    /// Write everything to the disk, and let go.
    pub fn close(mut self) -> Result<()> {
        let states = [self.served.take(), self.building.take(), self.damaged.take()];
        states.iter().flatten().try_for_each(|state| state.files.sync())
    }

    /// Open what is read, and what was being built when the last writer ended; remove what is neither.
    fn open_states(&mut self, discard: bool) -> Result<()> {
        let current = current_folder(&self.store).and_then(|folder| {
            folder.map(|folder| Ok((number_of(&folder).unwrap_or(0), State::open(&folder)?))).transpose()
        });
        let number = match current {
            Ok(Some((number, state))) => {
                self.served = Some(state);
                number
            }
            Ok(None) => 0,
            Err(error) if discard && error.is_refusal() => {
                fs::remove_file(self.store.join(CURRENT)).map_err(Error::Io)?;
                0
            }
            Err(error) => return Err(error),
        };
        let mut others = folders(&self.store)?;
        others.sort_unstable();
        for (other, folder) in others.into_iter().rev().filter(|folder| folder.0 != number) {
            let unfinished = if other > number && self.building.is_none() { State::open(&folder).ok() } else { None };
            match unfinished {
                Some(state) if state.files.is_unfinished() => self.building = Some(state),
                _ => {
                    if let Ok(control) = Mmap::open(&folder.join(CONTROL), CONTROL_FILE, CONTROL_FILE, Access::Write) {
                        retire(&control); // readers may still have it
                    }
                    remove(&folder)?;
                }
            }
        }
        Ok(())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // Said aloud: a process that is just being started may share the lock for a moment more.
        let _ = self.lock.unlock();
    }
}

/// The folder that readers read; None where nothing was confirmed yet.
pub fn current_folder(store: &Path) -> Result<Option<PathBuf>> {
    match fs::read_to_string(store.join(CURRENT)) {
        Ok(name) => {
            let folder = store.join(&name);
            if number_of(&folder).is_none() {
                return Err(Error::Corrupt(format!("{} does not name a folder", store.join(CURRENT).display())));
            }
            Ok(Some(folder))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {
            Err(Error::Corrupt(format!("{} is no text", store.join(CURRENT).display())))
        }
        Err(error) => Err(Error::at(&store.join(CURRENT), &error)),
    }
}

/// Open one of the files that are only there to be locked.
pub fn lock_file(store: &Path, name: &str) -> Result<File> {
    let path = store.join(name);
    private().read(true).truncate(false).open(&path).map_err(|error| Error::at(&path, &error))
}

/// Wait for a lock, whatever signals come meanwhile.
pub fn patiently(lock: impl Fn() -> std::io::Result<()>) -> Result<()> {
    loop {
        match lock() {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            done => return done.map_err(Error::Io),
        }
    }
}

fn retire(control: &Mmap) {
    if let Some(word) = control.words().get(RETIRED) {
        word.store(1, Relaxed);
    }
}

fn remove(folder: &Path) -> Result<()> {
    fs::remove_dir_all(folder).map_err(|error| Error::at(folder, &error))
}

fn folders(store: &Path) -> Result<Vec<(u64, PathBuf)>> {
    let entries = fs::read_dir(store).map_err(|error| Error::at(store, &error))?;
    let paths = entries.map(|entry| entry.map(|entry| entry.path()).map_err(|error| Error::at(store, &error)));
    paths.filter_map(|path| path.map(|path| Some((number_of(&path)?, path))).transpose()).collect()
}

fn number_of(folder: &Path) -> Option<u64> {
    folder.file_name()?.to_str()?.strip_prefix('g')?.parse().ok()
}
