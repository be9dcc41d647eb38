//! The version before an update that stopped in its middle: read through the journal, while its writer stands still.
//!
//! A writer that was stopped, or died, inside an update left words of which some are old and some new; the journal has the
//! old one of each that may be new. A reader maps the files once more, for itself alone, and puts the old words back there,
//! as the next writer would for everybody. Pages that it did not touch are still those of the files: all that is read here
//! counts only if the writer has not advanced since. It cannot advance unseen, since it keeps the old words of whatever it
//! changes first: its next step is either in the journal, or changes words that were put back here already. Of a writer
//! that has emptied the journal, and has only to make the sequence even, the new version is read, as whole as the old one.

use std::path::Path;

use crate::error::{Error, Result};
use crate::state::files::Files;
use crate::store::format::SEQUENCE;
use crate::store::journal::JournalSnapshot;
use crate::store::mmap::Access;
use crate::store::sequence;

/// The files of one folder, as they were before the update that is under way.
pub struct RollbackView {
    /// The files, for this reader alone.
    pub files: Files,
    /// The odd sequence of the update.
    pub sequence: u64,
    kept: JournalSnapshot,
}

impl RollbackView {
    /// Put the old words back. Maps every file again, and copies the pages that the update has touched: about a millisecond.
    pub fn of(folder: &Path, odd: u64) -> Result<RollbackView> {
        let kept = JournalSnapshot::open(folder)?;
        let files = Files::open(folder, Access::Private)?;
        if sequence::before_read(files.control.long(SEQUENCE)) != odd {
            return Err(Error::Busy); // it went on, or these are the files of another folder of this name
        }
        kept.restore(|number| files.by_number(number))?;
        Ok(RollbackView { files, sequence: odd, kept })
    }

    /// Whether the writer has not advanced since: then what was read meanwhile was so before the update.
    pub fn is_unchanged(&self) -> bool {
        self.kept.is_unchanged()
    }
}
