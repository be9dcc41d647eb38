//! In place of `src/state/files.rs`: a folder of a control file and of one file of members.

use std::path::Path;

use crate::error::Result;
use crate::store::format::*;
use crate::store::mmap::{Access, Header, Mmap};

/// Words of members: on two pages.
const WORDS: u64 = 4;

/// The files.
pub struct Files {
    /// Has the sequence.
    pub control: Mmap,
    /// What is changed.
    pub members: Mmap,
}

impl Files {
    /// Make them.
    pub fn create(folder: &Path) -> Result<Files> {
        for (name, kind) in [(CONTROL, CONTROL_FILE), (MEMBERS, MEMBERS_FILE)] {
            let head = Header { kind, incarnation: 0, words: WORDS, shape: [0; 6] };
            Mmap::create_temp(&folder.join(name), kind, head)?.commit(&folder.join(name))?;
        }
        Files::open(folder, Access::Write)
    }

    /// Open them.
    pub fn open(folder: &Path, access: Access) -> Result<Files> {
        let open = |name: &str, kind| Mmap::open(&folder.join(name), kind, kind, access);
        Ok(Files { control: open(CONTROL, CONTROL_FILE)?, members: open(MEMBERS, MEMBERS_FILE)? })
    }

    /// What the journal calls by a number.
    pub fn by_number(&self, number: u32) -> Option<&Mmap> {
        [&self.control, &self.members].into_iter().find(|map| map.number() == number)
    }
}
