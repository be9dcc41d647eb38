//! Files that are outgrown: each is written anew beside the old one, and renamed over it. Readers go on with the old one.

use std::path::Path;
use std::sync::atomic::Ordering::Relaxed;

use crate::error::{Error, Result};
use crate::members::{MOST_MERGES, Members};
use crate::state::files::{Files, board_path, places_for};
use crate::store::format::*;
use crate::store::mmap::{HEADER, Header, Mmap};

impl Files {
    /// Make room for members below `members` (half as many again, so that growing stays rare), and for so many more words
    /// of ids. Copies the files; readers go on with the old ones.
    pub fn grow_members(&mut self, members: usize, words: usize) -> Result<()> {
        let used = self.control.get(TEXT_WORDS).ok_or_else(Error::disorder)? as usize;
        if used > self.texts.words().len() {
            return Err(Error::disorder()); // it would take as much of the disk as a damaged word says
        }
        let old = self.members().capacity();
        let capacity = if members > old { members.max(old + old / 2 + 1024) } else { old };
        if capacity > u32::MAX as usize - 1 {
            return Err(Error::Full("there are no more member numbers".into()));
        }
        if capacity > old {
            self.members = longer(&self.folder, MEMBERS, &self.members, HEADER + 4 * capacity)?;
            self.ids = longer(&self.folder, IDS, &self.ids, HEADER + 2 * capacity)?;
        }
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

    /// Make room for more merges.
    pub fn grow_merges(&mut self, more: usize) -> Result<()> {
        let count = self.members().merge_count().ok_or_else(Error::disorder)? as usize;
        if count + more > MOST_MERGES as usize {
            return Err(Error::Full("there are no more merges".into()));
        }
        let words = (HEADER + 2 * (count + more)).max(2 * self.merges.words().len());
        self.merges = longer(&self.folder, MERGES, &self.merges, words)?;
        self.replaced();
        Ok(())
    }

    /// Write the slots anew, for as many members as there is room for: without tombstones.
    pub fn rewrite_slots(&mut self) -> Result<()> {
        let path = self.folder.join(SLOTS);
        let words = (HEADER + 2 * places_for(self.members().capacity())) as u64;
        let head = self.slots.head();
        let head = Header { incarnation: head.incarnation.wrapping_add(1), words, ..*head };
        let slots = Mmap::create_temp(&path, SLOTS_FILE, head)?;
        let used = Members { slots: &slots, ..self.members() }.rehash(&self.slots)?;
        slots.commit(&path)?;
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

    /// Write a unsorted board anew, with everybody in order.
    pub fn put_in_order(&mut self, number: usize, listed: impl Fn(u32) -> bool) -> Result<()> {
        self.boards[number].put_in_order(&board_path(&self.folder, number), listed)?;
        self.replaced();
        Ok(())
    }
}

fn longer(folder: &Path, name: &str, old: &Mmap, words: usize) -> Result<Mmap> {
    let path = folder.join(name);
    let head = Header { incarnation: old.head().incarnation.wrapping_add(1), words: words as u64, ..*old.head() };
    let map = Mmap::create_temp(&path, old.number(), head)?;
    for (new, word) in map.words()[HEADER..].iter().zip(&old.words()[HEADER..]) {
        new.store(word.load(Relaxed), Relaxed);
    }
    map.commit(&path)?;
    Ok(map)
}
