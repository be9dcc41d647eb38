//! Changing a board's blocks: members come and go, blocks and superblocks are split and merged.
//!
//! A full block is split in half; a block that fits into its neighbour's other half is merged with it; superblocks
//! likewise. All under the journal.

use std::sync::atomic::Ordering::Relaxed;

use crate::board::Board;
use crate::board::search::Cursor;
use crate::board::shape::*;
use crate::error::{Error, Result};
use crate::store::journal::Journal;

impl Board {
    /// Give a member another score and the place that goes with it. `block` is where it stood, or 0.
    pub(crate) fn move_to(&self, log: &mut Journal, member: u32, block: u32, before: i32, after: i32) -> Result<()> {
        if block != 0 {
            let new = (after > 0).then(|| place(after, member));
            let to = new.map(|new| self.seek_block(new).ok_or_else(Error::disorder)).transpose()?;
            if let Some(to) = to {
                self.prefetch_block(to.block as u32); // comes while the member is taken out of where it was
            }
            let from = self.cursor_of(member, block).ok_or_else(Error::disorder)?;
            if let (Some(new), Some(to)) = (new, to)
                && from.block == to.block
            {
                let offset = self.seek_within(&to, new).ok_or_else(Error::disorder)?;
                return self.move_within(log, member, &from, offset, before, after);
            }
            self.remove_at(log, member, before, &from)?;
        }
        if after > 0 { self.insert(log, member, after) } else { self.set_score(log, member, after) }
    }

    /// Rank a member that is not ranked.
    pub(crate) fn insert(&self, log: &mut Journal, member: u32, score: i32) -> Result<()> {
        let new = place(score, member);
        self.set_score(log, member, score)?;
        let mut cursor = match self.map.get(ROOT_LENGTH) {
            Some(0) => self.first_block(log, new)?,
            _ => self.seek(new).ok_or_else(Error::disorder)?,
        };
        if cursor.count == BLOCK {
            self.split(log, &cursor)?;
            cursor = self.seek(new).ok_or_else(Error::disorder)?;
        }
        let first = self.block_at(cursor.block);
        log.shift_up(&self.map, first + cursor.offset, first + cursor.count)?;
        log.set(&self.map, first + cursor.offset, member)?;
        self.set_block(log, member, cursor.block as u32)?;
        if cursor.offset == 0 {
            self.set_first(log, &cursor, new)?;
        }
        self.recount(log, &cursor, 1)?;
        self.count(log, score, 1)
    }

    /// Take a ranked member out. Its score stays.
    pub(crate) fn remove(&self, log: &mut Journal, member: u32, score: i32, block: u32) -> Result<()> {
        let cursor = self.cursor_of(member, block).ok_or_else(Error::disorder)?;
        self.remove_at(log, member, score, &cursor)
    }

    fn remove_at(&self, log: &mut Journal, member: u32, score: i32, cursor: &Cursor) -> Result<()> {
        let first = self.block_at(cursor.block);
        log.shift_down(&self.map, first + cursor.offset, first + cursor.count)?;
        self.set_block(log, member, 0)?;
        self.recount(log, cursor, -1)?;
        self.count(log, score, -1)?;
        if cursor.count == 1 {
            return self.drop_block(log, cursor);
        }
        if cursor.offset == 0 {
            self.set_first(log, cursor, self.place_at(first)?)?;
        }
        self.merge(log, cursor, cursor.count - 1)
    }

    /// A member that stays in its block: only those between its old place and its new one move.
    fn move_within(
        &self,
        log: &mut Journal,
        member: u32,
        from: &Cursor,
        to: usize,
        before: i32,
        after: i32,
    ) -> Result<()> {
        let first = self.block_at(from.block);
        self.set_score(log, member, after)?;
        if to > from.offset + 1 {
            log.shift_down(&self.map, first + from.offset, first + to)?;
            log.set(&self.map, first + to - 1, member)?;
        } else if to < from.offset {
            log.shift_up(&self.map, first + to, first + from.offset)?;
            log.set(&self.map, first + to, member)?;
        }
        if to == 0 || from.offset == 0 {
            self.set_first(log, from, self.place_at(first)?)?;
        }
        self.count(log, before, -1)?;
        self.count(log, after, 1)
    }

    /// One more or one less with a score.
    fn count(&self, log: &mut Journal, score: i32, by: i32) -> Result<()> {
        let counts = self.shape.counts;
        if (score as u32) < counts.domain() { counts.change(log, &self.map, score as u32, by) } else { Ok(()) }
    }

    /// One more or one less in a block, and in all that it is part of.
    fn recount(&self, log: &mut Journal, cursor: &Cursor, by: i32) -> Result<()> {
        log.add(&self.map, self.at(cursor.super_) + 4 + SUPER + cursor.slot, by)?;
        log.add(&self.map, self.totals_at() + cursor.root, by)?;
        log.add(&self.map, self.shape.groups_at + cursor.root / GROUP, by)?;
        log.add(&self.map, RANKED, by)
    }

    fn set_first(&self, log: &mut Journal, cursor: &Cursor, first: u64) -> Result<()> {
        let at = self.at(cursor.super_) + 4 + 2 * SUPER + cursor.slot;
        log.set(&self.map, at, (first >> 32) as u32)?;
        log.set(&self.map, at + SUPER, first as u32)?;
        if cursor.slot == 0 {
            log.set(&self.map, self.firsts_at() + cursor.root, (first >> 32) as u32)?;
            log.set(&self.map, self.firsts_at() + self.shape.supers + cursor.root, first as u32)?;
        }
        Ok(())
    }

    /// The first block of an empty board.
    fn first_block(&self, log: &mut Journal, first: u64) -> Result<Cursor> {
        let super_ = self.take_super(log)?;
        self.open_super(log, 0, super_)?;
        let block = self.take_block(log)?;
        let cursor = Cursor { root: 0, super_, slot: 0, block, offset: 0, count: 0 };
        self.open_slot(log, &cursor, 0, first)?;
        self.set_first(log, &cursor, first)?;
        Ok(cursor)
    }

    /// Move the second half of a full block into a new one behind it.
    fn split(&self, log: &mut Journal, full: &Cursor) -> Result<()> {
        let mut cursor = *full;
        if self.length(cursor.super_)? == SUPER {
            self.split_super(log, &cursor)?;
            let member = self.map.get(self.block_at(cursor.block)).ok_or_else(Error::disorder)?;
            cursor = self.cursor_of(member, cursor.block as u32).ok_or_else(Error::disorder)?;
        }
        let (old, half) = (self.block_at(cursor.block), BLOCK / 2);
        let block = self.take_block(log)?;
        let moved = self.copied(old + half, BLOCK - half);
        log.fill(&self.map, self.block_at(block), &moved)?;
        for member in &moved {
            self.set_block(log, *member, block as u32)?;
        }
        log.set(&self.map, self.at(cursor.super_) + 4 + SUPER + cursor.slot, half as u32)?;
        let after = Cursor { slot: cursor.slot + 1, block, ..cursor };
        self.open_slot(log, &after, moved.len() as u32, self.place_at(old + half)?)
    }

    /// Merge a block with a neighbour in its superblock where both fill no more than half of one; then the superblock.
    fn merge(&self, log: &mut Journal, cursor: &Cursor, count: usize) -> Result<()> {
        let at = self.at(cursor.super_);
        let count_at = |slot: usize| self.map.get(at + 4 + SUPER + slot).unwrap_or(u32::MAX) as usize;
        let left = if cursor.slot + 1 < self.length(cursor.super_)? && count + count_at(cursor.slot + 1) <= BLOCK / 2 {
            cursor.slot
        } else if cursor.slot > 0 && count + count_at(cursor.slot - 1) <= BLOCK / 2 {
            cursor.slot - 1
        } else {
            return Ok(());
        };
        let [into, from] = [left, left + 1].map(|slot| self.map.get(at + 4 + slot).unwrap_or(0) as usize);
        let moved = self.copied(self.block_at(from), count_at(left + 1));
        log.fill(&self.map, self.block_at(into) + count_at(left), &moved)?;
        for member in &moved {
            self.set_block(log, *member, into as u32)?;
        }
        log.set(&self.map, at + 4 + SUPER + left, (count_at(left) + moved.len()) as u32)?;
        self.close_slot(log, &Cursor { slot: left + 1, block: from, ..*cursor })?;
        self.merge_super(log, cursor.root)
    }

    /// Let an emptied block go, and its superblock if that was the last one.
    fn drop_block(&self, log: &mut Journal, cursor: &Cursor) -> Result<()> {
        self.close_slot(log, cursor)?;
        if self.length(cursor.super_)? == 0 {
            return self.close_super(log, cursor.root, cursor.super_);
        }
        if cursor.slot == 0 {
            let block = self.map.get(self.at(cursor.super_) + 4).ok_or_else(Error::disorder)? as usize;
            self.set_first(log, cursor, self.place_at(self.block_at(block))?)?;
        }
        self.merge_super(log, cursor.root)
    }

    /// Put a block with so many members into its superblock's slot.
    fn open_slot(&self, log: &mut Journal, cursor: &Cursor, count: u32, first: u64) -> Result<()> {
        let at = self.at(cursor.super_);
        let length = self.length(cursor.super_)?;
        let values = [cursor.block as u32, count, (first >> 32) as u32, first as u32];
        for (column, value) in values.into_iter().enumerate() {
            let column = at + 4 + column * SUPER;
            log.shift_up(&self.map, column + cursor.slot, column + length)?;
            log.set(&self.map, column + cursor.slot, value)?;
        }
        log.set(&self.map, at, length as u32 + 1)?;
        log.set(&self.map, self.shape.parents_at + cursor.block, cursor.super_ as u32)
    }

    /// Take a block that holds nothing any more out of its superblock.
    fn close_slot(&self, log: &mut Journal, cursor: &Cursor) -> Result<()> {
        let at = self.at(cursor.super_);
        let length = self.length(cursor.super_)?;
        for column in (0..4).map(|column| at + 4 + column * SUPER) {
            log.shift_down(&self.map, column + cursor.slot, column + length)?;
        }
        log.set(&self.map, at, length as u32 - 1)?;
        let free = self.map.get(FREE_BLOCK).ok_or_else(Error::disorder)?;
        log.set(&self.map, self.block_at(cursor.block), free)?;
        log.set(&self.map, FREE_BLOCK, cursor.block as u32)?;
        log.add(&self.map, BLOCKS_USED, -1)
    }

    /// Move the second half of a full superblock into a new one behind it.
    fn split_super(&self, log: &mut Journal, cursor: &Cursor) -> Result<()> {
        let (at, half) = (self.at(cursor.super_), SUPER / 2);
        let super_ = self.take_super(log)?;
        self.open_super(log, cursor.root + 1, super_)?;
        self.move_slots(log, cursor.super_, half, super_, 0, SUPER - half)?;
        log.set(&self.map, at, half as u32)?;
        self.set_root(log, cursor.root)?;
        self.set_root(log, cursor.root + 1)?;
        self.regroup(log)
    }

    /// Merge a superblock with a neighbour where both fill no more than half of one.
    fn merge_super(&self, log: &mut Journal, root: usize) -> Result<()> {
        let length = self.map.get(ROOT_LENGTH).ok_or_else(Error::disorder)? as usize;
        let super_of = |root: usize| self.map.get(self.shape.root_at + root).unwrap_or(u32::MAX) as usize;
        for left in [root, root.wrapping_sub(1)] {
            if left.wrapping_add(1) >= length || left >= length {
                continue;
            }
            let (into, from) = (super_of(left), super_of(left + 1));
            let (have, more) = (self.length(into)?, self.length(from)?);
            if have + more <= SUPER / 2 {
                self.move_slots(log, from, 0, into, have, more)?;
                log.set(&self.map, self.at(into), (have + more) as u32)?;
                self.set_root(log, left)?;
                return self.close_super(log, left + 1, from);
            }
        }
        Ok(())
    }

    /// Copy slots from one superblock to another, and tell their blocks.
    fn move_slots(
        &self,
        log: &mut Journal,
        from: usize,
        first: usize,
        into: usize,
        to: usize,
        count: usize,
    ) -> Result<()> {
        for column in (0..4).map(|column| 4 + column * SUPER) {
            log.fill(&self.map, self.at(into) + column + to, &self.copied(self.at(from) + column + first, count))?;
        }
        for block in self.copied(self.at(into) + 4 + to, count) {
            log.set(&self.map, self.shape.parents_at + block as usize, into as u32)?;
        }
        log.set(&self.map, self.at(into), (to + count) as u32)
    }

    /// Put an empty superblock into the root.
    fn open_super(&self, log: &mut Journal, root: usize, super_: usize) -> Result<()> {
        let length = self.map.get(ROOT_LENGTH).ok_or_else(Error::disorder)? as usize;
        for (column, value) in [super_ as u32, 0, 0, 0].into_iter().enumerate() {
            let column = self.shape.root_at + column * self.shape.supers;
            log.shift_up(&self.map, column + root, column + length)?;
            log.set(&self.map, column + root, value)?;
        }
        log.set(&self.map, ROOT_LENGTH, length as u32 + 1)?;
        self.renumber(log, root)
    }

    /// Take a superblock without blocks out of the root.
    fn close_super(&self, log: &mut Journal, root: usize, super_: usize) -> Result<()> {
        let length = self.map.get(ROOT_LENGTH).ok_or_else(Error::disorder)? as usize;
        for column in (0..4).map(|column| self.shape.root_at + column * self.shape.supers) {
            log.shift_down(&self.map, column + root, column + length)?;
            log.set(&self.map, column + length - 1, 0)?;
        }
        log.set(&self.map, ROOT_LENGTH, length as u32 - 1)?;
        let free = self.map.get(FREE_SUPER).ok_or_else(Error::disorder)?;
        log.fill(&self.map, self.at(super_), &[0, 0, free])?;
        log.set(&self.map, FREE_SUPER, super_ as u32 + 1)?;
        self.renumber(log, root)?;
        self.regroup(log)
    }

    /// Tell the superblocks from a root index on where they are.
    fn renumber(&self, log: &mut Journal, from: usize) -> Result<()> {
        let length = self.map.get(ROOT_LENGTH).ok_or_else(Error::disorder)? as usize;
        for root in from..length {
            let super_ = self.map.get(self.shape.root_at + root).ok_or_else(Error::disorder)? as usize;
            log.set(&self.map, self.at(super_) + 1, root as u32)?;
        }
        Ok(())
    }

    /// Work out a root entry's members and first place from its superblock.
    fn set_root(&self, log: &mut Journal, root: usize) -> Result<()> {
        let super_ = self.map.get(self.shape.root_at + root).ok_or_else(Error::disorder)? as usize;
        let at = self.at(super_);
        let total = self.copied(at + 4 + SUPER, self.length(super_)?).iter().sum();
        log.set(&self.map, self.totals_at() + root, total)?;
        let first = [0, SUPER].map(|column| self.map.get(at + 4 + 2 * SUPER + column).unwrap_or(0));
        log.set(&self.map, self.firsts_at() + root, first[0])?;
        log.set(&self.map, self.firsts_at() + self.shape.supers + root, first[1])
    }

    /// Count the groups anew.
    fn regroup(&self, log: &mut Journal) -> Result<()> {
        for group in 0..self.shape.supers.div_ceil(GROUP) {
            let first = group * GROUP;
            let total = self.copied(self.totals_at() + first, GROUP.min(self.shape.supers - first)).iter().sum();
            log.set(&self.map, self.shape.groups_at + group, total)?;
        }
        Ok(())
    }

    fn take_block(&self, log: &mut Journal) -> Result<usize> {
        let free = self.map.get(FREE_BLOCK).ok_or_else(Error::disorder)?;
        log.add(&self.map, BLOCKS_USED, 1)?;
        if free != 0 {
            let next = self.map.get(self.block_at(free as usize)).ok_or_else(Error::disorder)?;
            log.set(&self.map, FREE_BLOCK, next)?;
            return Ok(free as usize);
        }
        let next = self.map.get(NEXT_BLOCK).ok_or_else(Error::disorder)?;
        log.set(&self.map, NEXT_BLOCK, next + 1)?;
        if next as usize <= self.shape.blocks { Ok(next as usize) } else { Err(Error::disorder()) }
    }

    fn take_super(&self, log: &mut Journal) -> Result<usize> {
        let free = self.map.get(FREE_SUPER).ok_or_else(Error::disorder)?;
        if free != 0 {
            let super_ = free as usize - 1;
            let next = self.map.get(self.at(super_) + 2).ok_or_else(Error::disorder)?;
            log.set(&self.map, FREE_SUPER, next)?;
            return Ok(super_);
        }
        let next = self.map.get(NEXT_SUPER).ok_or_else(Error::disorder)?;
        log.set(&self.map, NEXT_SUPER, next + 1)?;
        if (next as usize) < self.shape.supers { Ok(next as usize) } else { Err(Error::disorder()) }
    }

    pub(crate) fn at(&self, super_: usize) -> usize {
        self.super_at(super_).unwrap_or(usize::MAX / 2) // overflow every file: the next access says so
    }

    pub(crate) fn block_at(&self, block: usize) -> usize {
        self.shape.blocks_at + block * BLOCK
    }

    fn length(&self, super_: usize) -> Result<usize> {
        self.map.get(self.at(super_)).map(|length| length as usize).ok_or_else(Error::disorder)
    }

    fn place_at(&self, at: usize) -> Result<u64> {
        let member = self.map.get(at).ok_or_else(Error::disorder)?;
        Ok(place(self.pair(member).ok_or_else(Error::disorder)?.0, member))
    }

    fn copied(&self, at: usize, count: usize) -> Vec<u32> {
        let words = self.map.words().get(at..at + count).unwrap_or(&[]);
        words.iter().map(|word| word.load(Relaxed)).collect()
    }
}
