//! What can go wrong, in the words that people read.

use std::fmt;
use std::io;
use std::path::Path;

/// A failure. Each kind is an exception class in Python.
#[derive(Debug)]
pub enum Error {
    /// Another writer has the store.
    Locked(String),
    /// Somebody copies standings, or files have to be written anew: this would take long.
    WouldWait,
    /// Nothing to read yet.
    NotReady,
    /// No consistent read within the deadline.
    Busy,
    /// Standings cannot be finished as they were begun.
    Diverged,
    /// The disk or a limit is used up.
    Full(String),
    /// A file is missing or too short.
    Truncated(String),
    /// A file says what cannot be.
    Corrupt(String),
    /// Not our file.
    Foreign(String),
    /// From a later version of this crate.
    NewerFormat(String),
    /// From an earlier version of this crate.
    OlderFormat(String),
    /// Not closed before the machine went down.
    OtherBoot(String),
    /// A change of a member that never joined.
    UnknownMember(u32),
    /// The caller asked for what cannot be.
    Invalid(String),
    /// This process may open no more files.
    NoDescriptors(String),
    /// Everything else that the operating system says.
    Io(io::Error),
}

/// The result of everything here that can fail.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error of the operating system at a path: a full disk has its own kind.
    pub fn at(path: &Path, error: &io::Error) -> Error {
        let text = format!("{}: {error}", path.display());
        if let Some(libc::EMFILE | libc::ENFILE) = error.raw_os_error() {
            return Error::NoDescriptors(text);
        }
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                Error::Full(text)
            }
            io::ErrorKind::NotFound => Error::Truncated(format!("{} is missing", path.display())),
            kind => Error::Io(io::Error::new(kind, text)),
        }
    }

    /// What a search through the writer's own files found to be impossible.
    pub fn disorder() -> Error {
        Error::Corrupt("a board's blocks are not in order: rebuild it".into())
    }

    /// Whether the files themselves are refused, and only a rebuild helps.
    pub fn is_refusal(&self) -> bool {
        use Error::{Corrupt, Foreign, NewerFormat, OlderFormat, OtherBoot, Truncated};
        matches!(self, Truncated(_) | Corrupt(_) | Foreign(_) | NewerFormat(_) | OlderFormat(_) | OtherBoot(_))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::NotReady => write!(out, "The board has not been built yet."),
            Error::WouldWait => write!(out, "This would take long: let it wait."),
            Error::Busy => write!(out, "No consistent read in time: the writer is too fast, or too slow."),
            Error::Diverged => write!(out, "A member on the way was erased: read the standings again."),
            Error::UnknownMember(member) => write!(out, "Member {member} never joined."),
            Error::Locked(text)
            | Error::Full(text)
            | Error::Truncated(text)
            | Error::Corrupt(text)
            | Error::Foreign(text)
            | Error::NewerFormat(text)
            | Error::OlderFormat(text)
            | Error::OtherBoot(text)
            | Error::NoDescriptors(text)
            | Error::Invalid(text) => write!(out, "{text}"),
            Error::Io(error) => write!(out, "{error}"),
        }
    }
}

impl std::error::Error for Error {}
