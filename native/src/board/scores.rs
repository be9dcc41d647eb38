//! What members' scores are, exactly, and what a change of one does.

use std::sync::atomic::Ordering::Relaxed;

use crate::board::Board;
use crate::board::shape::*;
use crate::error::{Error, Result};
use crate::store::journal::Journal;

impl Board {
    /// Change a member's sum by so many points; `listed`: neither hidden nor erased.
    pub fn score(&mut self, log: &mut Journal, member: u32, points: i64, listed: bool) -> Result<()> {
        if member as usize >= self.shape.capacity {
            return Err(Error::disorder());
        }
        let (before, block) = self.pair(member).ok_or_else(Error::disorder)?;
        let sum = self
            .sum(member)
            .ok_or_else(Error::disorder)?
            .checked_add(points)
            .ok_or_else(|| Error::Invalid(format!("the sum of member {member} leaves 64 bits")))?;
        let after = sum.clamp(-MOST_POINTS, MOST_POINTS) as i32;
        self.keep_overflow(log, member, (sum != i64::from(after)).then_some(sum))?;
        if listed && (before != after || block == 0) && !self.is_unsorted() {
            self.move_to(log, member, block, before, after)
        } else {
            self.set_score(log, member, after)
        }
    }

    /// Rank a member that was not listed so far, if its score allows.
    pub fn list(&mut self, log: &mut Journal, member: u32) -> Result<()> {
        let (score, block) = self.pair(member).ok_or_else(Error::disorder)?;
        if score > 0 && block == 0 && !self.is_unsorted() { self.insert(log, member, score) } else { Ok(()) }
    }

    /// Take a member out of the ranking; its sum stays.
    pub fn unlist(&mut self, log: &mut Journal, member: u32) -> Result<()> {
        let (score, block) = self.pair(member).ok_or_else(Error::disorder)?;
        if block == 0 { Ok(()) } else { self.remove(log, member, score, block) }
    }

    /// Forget the sum of a member that is not in the ranking.
    pub fn drop_sum(&mut self, log: &mut Journal, member: u32) -> Result<()> {
        self.keep_overflow(log, member, None)?;
        if self.pair(member).is_some_and(|pair| pair.0 != 0) { self.set_score(log, member, 0) } else { Ok(()) }
    }

    /// Take sums of members that have none, on a board that is unsorted and read by nobody; there is room for them, also
    /// for those beyond. The journal is needed for those alone.
    pub(crate) fn load(&self, log: &mut Journal, members: &[u32], sums: &[i64]) -> Result<()> {
        for (member, sum) in members.iter().zip(sums) {
            let shown = (*sum).clamp(-MOST_POINTS, MOST_POINTS);
            let at = self.shape.pairs_at + 2 * *member as usize;
            self.map.words().get(at).ok_or_else(Error::disorder)?.store(shown as i32 as u32, Relaxed);
            if shown != *sum {
                self.keep_overflow(log, *member, Some(*sum))?;
            }
        }
        Ok(())
    }

    /// A member's exact sum.
    pub fn sum(&self, member: u32) -> Option<i64> {
        let (score, _) = self.pair(member)?;
        if i64::from(score).abs() < MOST_POINTS {
            return Some(i64::from(score));
        }
        match self.overflow(member)? {
            Some(at) => Some((u64::from(self.map.get(at + 1)?) | u64::from(self.map.get(at + 2)?) << 32) as i64),
            None => Some(i64::from(score)),
        }
    }

    /// How many sums beyond the range are kept; None where that is more than there is room for.
    pub(crate) fn overflow_length(&self) -> Option<u32> {
        self.map.get(OVERFLOW_LENGTH).filter(|length| *length as usize <= self.shape.overflow)
    }

    /// Where a member's sum beyond the range is kept.
    fn overflow(&self, member: u32) -> Option<Option<usize>> {
        for at in (0..self.overflow_length()? as usize).map(|entry| OVERFLOW + 4 * entry) {
            if self.map.get(at)? == member {
                return Some(Some(at));
            }
        }
        Some(None)
    }

    /// Keep the exact sum of a member, or forget it.
    fn keep_overflow(&self, log: &mut Journal, member: u32, sum: Option<i64>) -> Result<()> {
        let length = self.overflow_length().ok_or_else(Error::disorder)?;
        if length == 0 && sum.is_none() {
            return Ok(());
        }
        let end = OVERFLOW + 4 * length as usize;
        match (self.overflow(member).ok_or_else(Error::disorder)?, sum) {
            (Some(at), Some(sum)) => log.set_long(&self.map, at + 1, sum as u64),
            (None, Some(sum)) => {
                log.fill(&self.map, end, &[member, sum as u32, (sum as u64 >> 32) as u32])?;
                log.set(&self.map, OVERFLOW_LENGTH, length + 1)
            }
            (Some(at), None) => {
                let last = [end - 4, end - 3, end - 2].map(|word| self.map.get(word).unwrap_or(0));
                log.fill(&self.map, at, &last)?;
                log.set(&self.map, OVERFLOW_LENGTH, length - 1)
            }
            (None, None) => Ok(()),
        }
    }
}
