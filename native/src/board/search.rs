//! Finding one's way through a board's blocks. Readers and the writer walk the same way.
//!
//! What a reader finds may be half changed: every index is checked, and None means that nothing sensible was found. The
//! reader then looks whether the sequence moved, and tries again.

use std::cmp::Ordering::{Equal, Greater, Less};
use std::sync::atomic::Ordering::Relaxed;

use crate::board::Board;
use crate::board::shape::*;

/// Words of a line of the processor's cache.
const LINE: usize = 16;

/// A cursor between two members of the board: before the member at `offset` of a block.
#[derive(Clone, Copy, Debug)]
pub struct Cursor {
    /// Index of the superblock in the root.
    pub root: usize,
    /// The superblock's number.
    pub super_: usize,
    /// Index of the block in the superblock.
    pub slot: usize,
    /// The block's number.
    pub block: usize,
    /// Index in the block.
    pub offset: usize,
    /// How many the block has.
    pub count: usize,
}

impl Board {
    /// Where in its block a ranked member stands. Behind those that the block has may be some that it had once.
    #[inline]
    pub fn offset_of(&self, member: u32, block: u32) -> Option<usize> {
        let first = self.shape.blocks_at + block as usize * BLOCK;
        self.map.find(first..first + BLOCK, member)
    }

    /// The members about a place in a block, as far as they are in the block too, and perhaps some that were.
    #[inline]
    pub fn about(&self, block: u32, offset: usize, around: usize) -> impl Iterator<Item = u32> {
        let first = self.shape.blocks_at + block as usize * BLOCK;
        let about = first + offset.saturating_sub(around)..first + BLOCK.min(offset.saturating_add(around) + 1);
        self.map.words().get(about).unwrap_or_default().iter().map(|word| word.load(Relaxed))
    }

    /// Where a ranked member stands. Some ten steps and a scan of its block.
    pub fn cursor_of(&self, member: u32, block: u32) -> Option<Cursor> {
        self.cursor_at(block, self.offset_of(member, block)?)
    }

    /// Where a ranked member stands that was found in its block. Some ten steps.
    #[inline]
    pub fn cursor_at(&self, block: u32, offset: usize) -> Option<Cursor> {
        let super_ = self.map.get(self.shape.parents_at + block as usize)? as usize;
        let at = self.super_at(super_)?;
        let length = self.map.get(at)? as usize;
        let slot = self.map.find(at + 4..at + 4 + length.min(SUPER), block)?;
        let count = self.map.get(at + 4 + SUPER + slot)? as usize;
        let block = block as usize;
        (offset < count).then_some(Cursor { root: self.map.get(at + 1)? as usize, super_, slot, block, offset, count })
    }

    /// Begin to fetch the block of a member whose pair is at hand.
    pub fn prefetch_place(&self, member: u32) {
        if let Some((_, block)) = self.pair(member) {
            self.prefetch_block(block);
        }
    }

    /// Begin to fetch a block that will be scanned soon.
    #[inline]
    pub fn prefetch_block(&self, block: u32) {
        self.map.prefetch(self.shape.parents_at + block as usize);
        for line in (0..BLOCK).step_by(LINE) {
            self.map.prefetch(self.shape.blocks_at + block as usize * BLOCK + line);
        }
    }

    /// Begin to fetch the superblock of a block, whose number begins to be fetched with the block.
    #[inline]
    pub fn prefetch_super(&self, block: u32) {
        let super_ = self.map.get(self.shape.parents_at + block as usize).unwrap_or(0) as usize;
        for line in (0..4 + 2 * SUPER).step_by(LINE) {
            self.map.prefetch(self.shape.supers_at + super_ * SUPER_WORDS + line);
        }
    }

    /// How many members stand before a cursor.
    #[inline]
    pub fn before(&self, cursor: &Cursor) -> Option<u32> {
        let sum = |first: usize, count: usize| self.map.sum(first..first + count);
        let groups = cursor.root / GROUP;
        let mut before = sum(self.shape.groups_at, groups)?;
        before = before.wrapping_add(sum(self.totals_at() + groups * GROUP, cursor.root - groups * GROUP)?);
        before = before.wrapping_add(sum(self.super_at(cursor.super_)? + 4 + SUPER, cursor.slot)?);
        Some(before.wrapping_add(cursor.offset as u32))
    }

    /// The cursor before which all places are smaller than this one: where it is or would be. None on an empty board.
    #[inline]
    pub fn seek(&self, wanted: u64) -> Option<Cursor> {
        let mut cursor = self.seek_block(wanted)?;
        cursor.offset = self.seek_within(&cursor, wanted)?;
        Some(cursor)
    }

    /// The block in which a place is or would be; no member is looked at.
    #[inline]
    pub fn seek_block(&self, wanted: u64) -> Option<Cursor> {
        let length = self.map.get(ROOT_LENGTH)? as usize;
        let root = self.last_not_after(self.firsts_at(), self.shape.supers, length, wanted)?;
        let super_ = self.map.get(self.shape.root_at + root)? as usize;
        let at = self.super_at(super_)?;
        let length = self.map.get(at)? as usize;
        let slot = self.last_not_after(at + 4 + 2 * SUPER, SUPER, length, wanted)?;
        self.enter(root, super_, slot)
    }

    /// How many in a block have smaller places.
    #[inline]
    pub fn seek_within(&self, cursor: &Cursor, wanted: u64) -> Option<usize> {
        let first = self.first_of(cursor)?;
        match self.first_after(cursor)? {
            // Every member of the block has the same score, as in most blocks of a large board: their order is that of
            // their numbers, and nothing outside the block need be looked at.
            Some(next) if next >> 32 == first >> 32 => match (wanted >> 32).cmp(&(first >> 32)) {
                Less => Some(0),
                Greater => Some(cursor.count),
                Equal => self.seek_number(cursor, wanted as u32),
            },
            _ => self.seek_place(cursor, wanted),
        }
    }

    /// How many in a block have smaller member numbers, where those ascend.
    fn seek_number(&self, cursor: &Cursor, member: u32) -> Option<usize> {
        let first = self.shape.blocks_at + cursor.block * BLOCK;
        let members = self.map.words().get(first..first + cursor.count)?;
        Some(members.partition_point(|other| other.load(Relaxed) < member))
    }

    /// How many in a block have smaller places, in any block. Looks at seven of them at once: each lies somewhere else in
    /// memory, and to wait for one before asking for the next would take three times as long.
    fn seek_place(&self, cursor: &Cursor, wanted: u64) -> Option<usize> {
        let members = self.shape.blocks_at + cursor.block * BLOCK;
        let smaller = |index: usize| {
            let member = self.map.get(members + index)?;
            Some(usize::from(place(self.pair(member)?.0, member) < wanted))
        };
        let (mut low, mut high) = (0, cursor.count);
        while high - low > 8 {
            let step = (high - low) / 8;
            let mut below = 0;
            for pivot in 1..8 {
                below += smaller(low + pivot * step)?;
            }
            if below < 7 {
                high = low + (below + 1) * step;
            }
            if below > 0 {
                low += below * step + 1;
            }
        }
        let mut below = 0;
        for index in low..high {
            below += smaller(index)?;
        }
        Some(low + below)
    }

    /// The first place of a cursor's block.
    fn first_of(&self, cursor: &Cursor) -> Option<u64> {
        self.first_at(self.super_at(cursor.super_)? + 4 + 2 * SUPER + cursor.slot, SUPER)
    }

    /// The first place of the block after a cursor's; `Some(None)` at the end of the board.
    fn first_after(&self, cursor: &Cursor) -> Option<Option<u64>> {
        let at = self.super_at(cursor.super_)?;
        if cursor.slot + 1 < (self.map.get(at)? as usize).min(SUPER) {
            self.first_at(at + 4 + 2 * SUPER + cursor.slot + 1, SUPER).map(Some)
        } else if cursor.root + 1 < (self.map.get(ROOT_LENGTH)? as usize).min(self.shape.supers) {
            self.first_at(self.firsts_at() + cursor.root + 1, self.shape.supers).map(Some)
        } else {
            Some(None)
        }
    }

    /// A first place: its high word, and `room` words further on the low one.
    fn first_at(&self, at: usize, room: usize) -> Option<u64> {
        Some(u64::from(self.map.get(at)?) << 32 | u64::from(self.map.get(at + room)?))
    }

    /// The cursor before the first member; its count is 0 on an empty board.
    pub fn first(&self) -> Option<Cursor> {
        if self.map.get(ROOT_LENGTH)? == 0 {
            return Some(Cursor { root: 0, super_: 0, slot: 0, block: 0, offset: 0, count: 0 });
        }
        self.enter(0, self.map.get(self.shape.root_at)? as usize, 0)
    }

    /// The member after a cursor, and step over it; `Some(None)` at the end of the board.
    #[inline]
    pub fn next(&self, cursor: &mut Cursor) -> Option<Option<u32>> {
        if cursor.offset >= cursor.count {
            if cursor.count == 0 {
                return Some(None);
            }
            let at = self.super_at(cursor.super_)?;
            if cursor.slot + 1 < self.map.get(at)? as usize {
                *cursor = self.enter(cursor.root, cursor.super_, cursor.slot + 1)?;
            } else if cursor.root + 1 < self.map.get(ROOT_LENGTH)? as usize {
                let super_ = self.map.get(self.shape.root_at + cursor.root + 1)? as usize;
                *cursor = self.enter(cursor.root + 1, super_, 0)?;
            } else {
                return Some(None);
            }
        }
        let member = self.map.get(self.shape.blocks_at + cursor.block * BLOCK + cursor.offset)?;
        cursor.offset += 1;
        Some(Some(member))
    }

    /// Step back over up to so many members, towards the first. Tells over how many.
    #[inline]
    pub fn back(&self, cursor: &mut Cursor, steps: usize) -> Option<usize> {
        let mut left = steps;
        while left > cursor.offset {
            left -= cursor.offset;
            cursor.offset = 0;
            let (root, super_, slot) = if cursor.slot > 0 {
                (cursor.root, cursor.super_, cursor.slot - 1)
            } else if cursor.root > 0 {
                let super_ = self.map.get(self.shape.root_at + cursor.root - 1)? as usize;
                (cursor.root - 1, super_, (self.map.get(self.super_at(super_)?)? as usize).checked_sub(1)?)
            } else {
                return Some(steps - left);
            };
            *cursor = self.enter(root, super_, slot)?;
            cursor.offset = cursor.count;
        }
        cursor.offset -= left;
        Some(steps)
    }

    /// The competition rank of a score above 0.
    #[inline]
    pub fn rank(&self, score: i32) -> Option<u32> {
        let counts = self.shape.counts;
        if (score as u32) < counts.domain() {
            let overflow = self.ranked()?.wrapping_sub(counts.total(&self.map)?);
            Some(counts.above(&self.map, score as u32)?.wrapping_add(overflow).wrapping_add(1))
        } else {
            Some(self.before_place(place(score, 0))?.wrapping_add(1))
        }
    }

    /// The competition rank of a score above 0, and how many have exactly that.
    #[inline]
    pub fn rank_and_tied(&self, score: i32) -> Option<(u32, u32)> {
        let rank = self.rank(score)?;
        if (score as u32) < self.shape.counts.domain() {
            Some((rank, self.shape.counts.of(&self.map, score as u32)?))
        } else {
            let after = self.before_place(place(score, u32::MAX))?;
            Some((rank, after.wrapping_add(1).wrapping_sub(rank)))
        }
    }

    fn before_place(&self, place: u64) -> Option<u32> {
        if self.map.get(ROOT_LENGTH)? == 0 { Some(0) } else { self.before(&self.seek(place)?) }
    }

    pub(crate) fn super_at(&self, super_: usize) -> Option<usize> {
        (super_ < self.shape.supers).then_some(self.shape.supers_at + super_ * SUPER_WORDS)
    }

    pub(crate) fn totals_at(&self) -> usize {
        self.shape.root_at + self.shape.supers
    }

    pub(crate) fn firsts_at(&self) -> usize {
        self.shape.root_at + 2 * self.shape.supers
    }

    fn enter(&self, root: usize, super_: usize, slot: usize) -> Option<Cursor> {
        let at = self.super_at(super_)?;
        let block = self.map.get(at + 4 + slot)? as usize;
        let count = (self.map.get(at + 4 + SUPER + slot)? as usize).min(BLOCK);
        // An empty block stands nowhere; one that seems empty is being changed, and could be walked through for ever.
        (slot < SUPER && count > 0).then_some(Cursor { root, super_, slot, block, offset: 0, count })
    }

    /// The last of some first places (`room` high words, then as many low ones) that is not after `wanted`, or 0.
    fn last_not_after(&self, at: usize, room: usize, length: usize, wanted: u64) -> Option<usize> {
        let (mut low, mut high) = (1, length.min(room));
        while low < high {
            let middle = (low + high) / 2;
            if self.first_at(at + middle, room)? <= wanted { low = middle + 1 } else { high = middle }
        }
        (length > 0).then_some(low - 1)
    }
}
