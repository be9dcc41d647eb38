//! Members that became another one: which number stands for whom.
//!
//! ```text
//! merges   [member, the one that goes on], in the order in which they were told
//! ```
//!
//! `members` leads here: a merged member's word has its place in this file instead of a name number. That one may have
//! become another one in turn, and so on; whoever writes shortens the way, whoever reads walks it.

use std::sync::atomic::Ordering::Relaxed;

use crate::error::{Error, Result};
use crate::members::{Members, Presence, packed};
use crate::store::format::{LOADING, MERGE_COUNT};
use crate::store::journal::Journal;
use crate::store::mmap::HEADER;

impl Members<'_> {
    /// The member that a number stands for: mostly itself. None where the merges lead nowhere.
    #[inline]
    pub fn root(&self, member: u32) -> Option<u32> {
        match self.known(member)? {
            (Presence::Merged, merge) => self.walk(merge),
            _ => Some(member),
        }
    }

    #[cold]
    fn walk(&self, mut merge: u32) -> Option<u32> {
        for _ in 0..self.merge_count()? {
            let into = self.into(merge)?;
            match self.known(into)? {
                (Presence::Merged, next) => merge = next,
                _ => return Some(into),
            }
        }
        None
    }

    /// The same for who writes: the next time it is one step.
    pub(crate) fn root_in_one(&self, log: &mut Journal, member: u32) -> Result<u32> {
        let root = self.root(member).ok_or_else(Error::disorder)?;
        let mut next = member;
        while let Some((Presence::Merged, merge)) = self.known(next) {
            next = self.into(merge).ok_or_else(Error::disorder)?;
            log.set(self.merges, HEADER + 2 * merge as usize + 1, root)?;
        }
        Ok(root)
    }

    /// How many members became another one; None where that is more than there is room for.
    pub fn merge_count(&self) -> Option<u32> {
        let room = (self.merges.words().len() - HEADER) / 2;
        self.control.get(MERGE_COUNT).filter(|count| *count as usize <= room)
    }

    /// Whether so many more may.
    pub fn has_room_to_merge(&self, more: usize) -> bool {
        self.merge_count().is_some_and(|count| HEADER + 2 * (count as usize + more) <= self.merges.words().len())
    }

    /// Let a member stand for another one from now on. It keeps its id.
    pub(crate) fn merge(&self, log: &mut Journal, member: u32, into: u32) -> Result<()> {
        let count = self.merge_count().ok_or_else(Error::disorder)?;
        log.fill(self.merges, HEADER + 2 * count as usize, &[member, into])?;
        log.set(self.control, MERGE_COUNT, count + 1)?;
        self.count_up_to(log, member)?;
        log.set(self.members, HEADER + 4 * member as usize + 3, packed(Presence::Merged, count))
    }

    /// The members that became this one, on however long a way. Reads all merges.
    pub(crate) fn merged_into(&self, root: u32) -> Result<Vec<u32>> {
        let count = self.merge_count().ok_or_else(Error::disorder)?;
        let member = |merge: u32| self.merges.get(HEADER + 2 * merge as usize);
        let members = (0..count).filter_map(member);
        Ok(members.filter(|member| self.root(*member) == Some(root)).collect())
    }

    /// Take in merges at once, without the journal, in a state that nobody reads. There is room for them.
    pub(crate) fn load_merges(&self, merges: &[(u32, u32)]) -> Result<()> {
        if self.control.get(LOADING) != Some(1) {
            return Err(Error::disorder());
        }
        let first = self.merge_count().ok_or_else(Error::disorder)?;
        for (count, (member, into)) in (first..).zip(merges) {
            for (word, value) in self.merges.words()[HEADER + 2 * count as usize..].iter().zip([*member, *into]) {
                word.store(value, Relaxed);
            }
            self.members.words()[HEADER + 4 * *member as usize + 3].store(packed(Presence::Merged, count), Relaxed);
        }
        self.control.words()[MERGE_COUNT].store(first + merges.len() as u32, Relaxed);
        Ok(())
    }

    fn into(&self, merge: u32) -> Option<u32> {
        self.merges.get(HEADER + 2 * merge as usize + 1)
    }
}
