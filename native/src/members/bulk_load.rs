//! Enrolling many members at once, in a state that nobody reads yet: without the journal, on several processors.
//!
//! What is written here cannot be undone word by word, so the control file says meanwhile that it is under way
//! (`LOADING`). A writer that dies in between leaves a state that the next one throws away: it was never served, and all
//! of it is in the ledger.

use std::mem::replace;
use std::ops::Range;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;

use crate::error::{Error, Result};
use crate::members::{Digest, Members, Presence, TOMB, packed, words_of_text};
use crate::store::format::{LOADING, MEMBER_COUNT, SLOTS_USED, TEXT_WORDS};
use crate::store::mmap::HEADER;
use crate::threads::threads;

/// Words of slots that lie in the cache together: 128 kB.
const REACH: usize = 1 << 15;

/// So many members before one is put into its slot, the slot begins to be fetched from memory.
const AHEAD: usize = 16;

/// Ids of members, packed: they are passed through several times, and would lie anywhere.
#[derive(Default)]
pub struct Ids {
    texts: String,
    ends: Vec<usize>,
}

impl Ids {
    /// One more.
    pub fn push(&mut self, id: &str) {
        self.texts.push_str(id);
        self.ends.push(self.texts.len());
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.ends.len()
    }

    /// Some of them.
    pub fn some(&self, range: Range<usize>) -> impl Iterator<Item = &str> {
        let mut begin = if range.start == 0 { 0 } else { self.ends[range.start - 1] };
        self.ends[range].iter().map(move |end| &self.texts[replace(&mut begin, *end)..*end])
    }

    /// How many words some of them fill.
    pub fn words(&self, range: Range<usize>) -> usize {
        self.some(range).map(|id| id.len().div_ceil(4)).sum()
    }
}

/// Members to be taken in at once, a row each; numbers ascend.
pub struct Rows<'a> {
    /// Member numbers.
    pub numbers: &'a [u32],
    /// Their ids; an empty one of who was erased.
    pub ids: &'a Ids,
    /// Their name numbers.
    pub names: &'a [u32],
    /// 1 of who is hidden.
    pub hidden: &'a [u8],
}

impl Rows<'_> {
    fn row(&self, index: usize) -> (usize, &str, Presence, u32) {
        let id = self.ids.some(index..index + 1).next().unwrap_or_default();
        let state = match (id, self.hidden[index]) {
            ("", _) => Presence::Unnamed,
            (_, 0) => Presence::Listed,
            _ => Presence::Hidden,
        };
        (self.numbers[index] as usize, id, state, self.names[index])
    }

    /// From the first number to behind the last one, of some rows.
    fn span(&self, rows: &Range<usize>) -> Range<usize> {
        match self.numbers.get(rows.clone()) {
            Some([first, .., last]) => *first as usize..*last as usize + 1,
            Some([only]) => *only as usize..*only as usize + 1,
            _ => 0..0,
        }
    }
}

/// Stands for the digest of nobody.
const NO_DIGEST: Digest = [0; 4];

impl Members<'_> {
    /// Take in members. There is room for them, and none of them is there but as one that was merged.
    pub fn load(&self, rows: &Rows<'_>) -> Result<()> {
        let control = self.control.words();
        let before = control[LOADING].swap(1, Relaxed);
        let count = rows.numbers.len();
        let each = count.div_ceil(threads(count)).max(1);
        let mut digests = vec![NO_DIGEST; count];
        let mut text = control[TEXT_WORDS].load(Relaxed);
        thread::scope(|scope| {
            for (part, digests) in digests.chunks_mut(each).enumerate() {
                let some = part * each..part * each + digests.len();
                let begins = text;
                text += rows.ids.words(some.clone()) as u32;
                scope.spawn(move || self.write(rows, some, begins..text, digests));
            }
        });
        let used = self.fill_slots(rows.numbers, &digests)?;
        control[TEXT_WORDS].store(text, Relaxed);
        control[SLOTS_USED].fetch_add(used, Relaxed);
        control[MEMBER_COUNT].fetch_max(rows.span(&(0..count)).end as u32, Relaxed);
        control[LOADING].store(before, Relaxed);
        Ok(())
    }

    /// Write all but the slots. `texts` are the words that the ids fill.
    fn write(&self, rows: &Rows<'_>, some: Range<usize>, texts: Range<u32>, digests: &mut [Digest]) {
        let span = rows.span(&some);
        self.members.populated(HEADER + 4 * span.start..HEADER + 4 * span.end);
        self.ids.populated(HEADER + 2 * span.start..HEADER + 2 * span.end);
        let mut text = texts.start;
        let mut free = self.texts.populated(texts.start as usize..texts.end as usize).iter();
        for (index, digest) in some.zip(digests) {
            let (number, id, state, name) = rows.row(index);
            let known = &self.members.words()[HEADER + 4 * number..HEADER + 4 * number + 4];
            let merged = matches!(self.known(number as u32), Some((Presence::Merged, _)));
            if !merged {
                known[3].store(packed(state, name), Relaxed);
            }
            if id.is_empty() {
                continue;
            }
            *digest = Self::digest(self.key, id.as_bytes());
            known.iter().zip(&digest[..3]).for_each(|(word, value)| word.store(*value, Relaxed));
            let index = &self.ids.words()[HEADER + 2 * number..HEADER + 2 * number + 2];
            index[0].store(text, Relaxed);
            index[1].store(id.len() as u32, Relaxed);
            for word in words_of_text(id.as_bytes()) {
                if let Some(place) = free.next() {
                    place.store(word, Relaxed);
                }
                text += 1;
            }
        }
    }

    /// Make the digests lead to members; tells how many places are used that were empty.
    ///
    /// Each thread has a part of the slots for its own. The few that are not settled at a glance come last, alone.
    fn fill_slots(&self, numbers: &[u32], digests: &[Digest]) -> Result<u32> {
        let end = self.slots.words().len();
        let each = (end - HEADER).div_ceil(threads(digests.len())).next_multiple_of(2);
        let fresh = self.control.get(SLOTS_USED) == Some(0);
        let parts = thread::scope(|scope| {
            let begin = |begin: usize| {
                let mine = begin..end.min(begin + each);
                scope.spawn(move || {
                    if fresh {
                        self.slots.populated(mine.clone());
                    }
                    self.fill_some_slots(numbers, digests, mine)
                })
            };
            let threads: Vec<_> = (HEADER..end).step_by(each).map(begin).collect();
            threads.into_iter().map(|thread| thread.join().map_err(|_| Error::disorder())).collect::<Result<Vec<_>>>()
        })?;
        let mut used = 0;
        for (some, left) in parts {
            used += some;
            for index in left {
                used += u32::from(self.fill_slot(&digests[index], numbers[index])?);
            }
        }
        Ok(used)
    }

    /// The same for those whose search begins among `mine`; gives back the indices of those that meet the end, a tombstone,
    /// or perhaps themselves.
    fn fill_some_slots(&self, numbers: &[u32], digests: &[Digest], mine: Range<usize>) -> (u32, Vec<usize>) {
        let (mut used, mut left) = (0, Vec::new());
        let targets = self.targets(digests, &mine);
        for (at, target) in targets.iter().enumerate() {
            if let Some(later) = targets.get(at + AHEAD) {
                self.slots.prefetch(later.slot as usize);
            }
            let mut pairs = self.slots.words()[target.slot as usize..mine.end].chunks_exact(2);
            let ends =
                |pair: &&[AtomicU32]| [0, TOMB].contains(&pair[1].load(Relaxed)) || pair[0].load(Relaxed) == target.tag;
            match pairs.find(ends) {
                Some(pair) if pair[1].load(Relaxed) == 0 => {
                    pair[0].store(target.tag, Relaxed);
                    pair[1].store(numbers[target.index as usize] + 1, Relaxed);
                    used += 1;
                }
                _ => left.push(target.index as usize),
            }
        }
        (used, left)
    }

    /// Where the searches begin that begin among `mine`, so sorted that one reach of the slots comes after the other.
    fn targets(&self, digests: &[Digest], mine: &Range<usize>) -> Vec<Target> {
        let all = || {
            let target = |(index, digest): (u32, &Digest)| Target {
                slot: self.start(digest[0], digest[1]) as u32,
                tag: digest[3],
                index,
            };
            (0..)
                .zip(digests)
                .filter(|(_, digest)| **digest != NO_DIGEST)
                .map(target)
                .filter(|target| mine.contains(&(target.slot as usize)))
        };
        let reach = |target: &Target| (target.slot as usize - mine.start) / REACH;
        let mut next_in = vec![0; mine.len() / REACH + 1];
        all().for_each(|target| next_in[reach(&target)] += 1);
        let mut count = 0;
        for next in &mut next_in {
            count += replace(next, count); // from here on, it is where the next one of this reach goes
        }
        let mut targets = vec![Target::default(); count];
        for target in all() {
            let next = &mut next_in[reach(&target)];
            targets[*next] = target;
            *next += 1;
        }
        targets
    }

    /// Make a digest lead to a member, whatever is in its way. Whether a place that was empty is used now.
    fn fill_slot(&self, digest: &Digest, member: u32) -> Result<bool> {
        let (slot, known) = self.find(digest).ok_or_else(Error::disorder)?;
        if known.is_some_and(|newer| newer >= member) {
            return Ok(false);
        }
        let pair = &self.slots.words()[slot..slot + 2];
        pair[0].store(digest[3], Relaxed);
        Ok(pair[1].swap(member + 1, Relaxed) == 0)
    }
}

/// Where the search of a digest begins.
#[derive(Clone, Copy, Default)]
struct Target {
    slot: u32,
    tag: u32,
    index: u32,
}
