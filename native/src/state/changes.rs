//! What happens to members, as the writer is told.

use crate::error::{Error, Result};
use crate::members::MOST_NAMES;
use crate::store::format::LONGEST_TEXT;

/// The number of a board that finds no room: its scores are lost, and readers of it are told.
pub(crate) const NOWHERE: usize = usize::MAX;

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
    /// It became another one.
    Merged(u32),
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

pub(crate) fn check_join(id: Option<&str>, name_number: u32) -> Result<()> {
    if id.is_some_and(|id| id.is_empty() || id.len() > LONGEST_TEXT) {
        return Err(Error::Invalid(format!("an id has 1 to {LONGEST_TEXT} bytes")));
    }
    if name_number >= MOST_NAMES {
        return Err(Error::Invalid(format!("a name number is below {MOST_NAMES}")));
    }
    Ok(())
}
