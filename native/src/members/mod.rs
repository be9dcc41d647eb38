//! Who the members are: the shop's id to the member number and back, name numbers, who is hidden, erased or merged.
//!
//! ```text
//! members   member number -> [digest 0, 1, 2, state (2 bits) and name number]; of who is gone, how: erased, or merged and where
//!           `members/merges.rs` has it
//! slots     [digest 3, member number + 1]: open addressing, where 0 is empty and all ones is a tombstone
//! ids       member number -> [first word of the id in texts, its bytes]
//! texts     the ids themselves, each from a word on
//! ```
//!
//! An id is looked up by its 128-bit keyed digest alone (SipHash-2-4-128; the key is made at random with the files), of
//! which all four words are compared. A search begins where the first two words point, and goes on to an empty place.

pub mod bulk_load;
mod merges;

use std::hash::Hasher;
use std::sync::atomic::Ordering::Relaxed;

use siphasher::sip128::{Hasher128, SipHasher24};

use crate::error::{Error, Result};
use crate::store::format::{KEY, MEMBER_COUNT, SLOTS_USED, TEXT_WORDS};
use crate::store::journal::Journal;
use crate::store::mmap::{HEADER, Mmap};

/// Name numbers are below this.
pub const MOST_NAMES: u32 = 1 << 30;

/// How many merges there may be.
pub const MOST_MERGES: u32 = MOST_NAMES - FIRST_MERGE;

const FIRST_MERGE: u32 = 2; // what comes before says how else one may be gone

pub(crate) const TOMB: u32 = u32::MAX;

/// What is known of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// Its number was never given.
    Absent,
    /// May be ranked.
    Listed,
    /// On no board until it is shown again.
    Hidden,
    /// Gone for good.
    Erased,
    /// It will be erased further on in the feed, and has no id any more; until then it may still become another one.
    Unnamed,
    /// It became another one.
    Merged,
}

/// The five files of the members, and the control file with their figures.
#[derive(Clone, Copy)]
pub struct Members<'a> {
    /// The key of this store's digests.
    pub key: &'a [u8; 16],
    /// See `store/format.rs`.
    pub control: &'a Mmap,
    /// See above.
    pub members: &'a Mmap,
    /// See above.
    pub slots: &'a Mmap,
    /// See above.
    pub ids: &'a Mmap,
    /// See above.
    pub texts: &'a Mmap,
    /// See `members/merges.rs`.
    pub merges: &'a Mmap,
}

/// A digest of an id.
pub type Digest = [u32; 4];

impl Members<'_> {
    /// The key of the digests, as the control file has it.
    pub fn key(control: &Mmap) -> [u8; 16] {
        let mut key = [0; 16];
        for (four, word) in key.chunks_exact_mut(4).zip(&control.words()[KEY..]) {
            four.copy_from_slice(&word.load(Relaxed).to_ne_bytes());
        }
        key
    }

    /// The digest of an id.
    #[inline]
    pub fn digest(key: &[u8; 16], id: &[u8]) -> Digest {
        let mut hasher = SipHasher24::new_with_key(key);
        hasher.write(id);
        let hash = hasher.finish128();
        [hash.h1 as u32, (hash.h1 >> 32) as u32, hash.h2 as u32, (hash.h2 >> 32) as u32]
    }

    /// The number of a member by its id's digest; `Some(None)`: there is none.
    #[inline]
    pub fn number(&self, digest: &Digest) -> Option<Option<u32>> {
        Some(self.find(digest)?.1)
    }

    /// Begin to fetch what `number` will be asked for soon.
    #[inline]
    pub fn prefetch_number(&self, digest: &Digest) {
        if let Some(slot) = self.probe(digest[0], digest[1]).next() {
            self.slots.prefetch(slot);
        }
    }

    /// Presence and name number; of a merged member, which merge it was.
    #[inline]
    pub fn known(&self, member: u32) -> Option<(Presence, u32)> {
        let at = HEADER + 4 * member as usize + 3;
        let Some(word) = self.members.get(at) else { return Some((Presence::Absent, 0)) };
        let figure = word & (MOST_NAMES - 1);
        Some(match word >> 30 {
            0 => (Presence::Absent, figure),
            1 => (Presence::Listed, figure),
            2 => (Presence::Hidden, figure),
            _ => match figure {
                0 => (Presence::Erased, 0),
                1 => (Presence::Unnamed, 0),
                merged => (Presence::Merged, merged - FIRST_MERGE),
            },
        })
    }

    /// Begin to fetch what `known` will be asked for soon.
    pub fn prefetch(&self, member: u32) {
        self.members.prefetch(HEADER + 4 * member as usize);
    }

    /// The id of a member, as it was when this is called. None: erased, or never there.
    pub fn id(&self, member: u32) -> Option<Vec<u8>> {
        let at = HEADER + 2 * member as usize;
        let (first, length) = (self.ids.get(at)? as usize, self.ids.get(at + 1)? as usize);
        if length == 0 {
            return None;
        }
        let words = self.texts.words().get(first..first + length.div_ceil(4))?;
        let mut bytes: Vec<u8> = words.iter().flat_map(|word| word.load(Relaxed).to_ne_bytes()).collect();
        bytes.truncate(length);
        Some(bytes)
    }

    /// How many members the files have room for.
    pub fn capacity(&self) -> usize {
        (self.members.words().len() - HEADER) / 4
    }

    /// Whether members below `members` and ids of so many words in all, `joining` of them new, find room.
    pub fn has_room(&self, members: usize, joining: usize, words: usize) -> bool {
        let used = |figure: usize| self.control.get(figure).unwrap_or(u32::MAX) as usize;
        let places = (self.slots.words().len() - HEADER) / 2;
        members <= self.capacity()
            && used(SLOTS_USED) + joining <= places - places / 5
            && used(TEXT_WORDS) + words <= self.texts.words().len()
    }

    /// Take in a member that has been erased by now, somewhere further on in the feed: without an id.
    pub fn join_erased(&self, log: &mut Journal, member: u32) -> Result<()> {
        self.count_up_to(log, member)?;
        match self.known(member) {
            Some((Presence::Merged, _)) => Ok(()),
            _ => log.set(self.members, HEADER + 4 * member as usize + 3, packed(Presence::Unnamed, 0)),
        }
    }

    /// Take in a member with an id and a name number.
    pub fn join(&self, log: &mut Journal, member: u32, id: &str, name_number: u32) -> Result<()> {
        let digest = Self::digest(self.key, id.as_bytes());
        let text = self.control.get(TEXT_WORDS).ok_or_else(Error::disorder)?;
        let words = packed_text(id.as_bytes());
        let state = match self.known(member) {
            Some((Presence::Merged, merge)) => packed(Presence::Merged, merge), // told by another shard
            _ => packed(Presence::Listed, name_number),
        };
        log.fill(self.members, HEADER + 4 * member as usize, &[digest[0], digest[1], digest[2], state])?;
        log.fill(self.ids, HEADER + 2 * member as usize, &[text, id.len() as u32])?;
        log.fill(self.texts, text as usize, &words)?;
        log.set(self.control, TEXT_WORDS, text + words.len() as u32)?;
        self.count_up_to(log, member)?;
        let used = self.insert_slot(log, &digest, member)?;
        log.add(self.control, SLOTS_USED, i32::from(used))
    }

    /// Say otherwise whether a member is hidden, or what it is called.
    pub fn update(&self, log: &mut Journal, member: u32, state: Presence, name_number: u32) -> Result<()> {
        log.set(self.members, HEADER + 4 * member as usize + 3, packed(state, name_number))
    }

    /// Forget all but that there was such a member, and for whom it stands if it became another one.
    pub fn erase(&self, log: &mut Journal, member: u32) -> Result<()> {
        let at = HEADER + 4 * member as usize;
        let gone = match self.known(member).ok_or_else(Error::disorder)? {
            (Presence::Merged, merge) => packed(Presence::Merged, merge),
            _ => packed(Presence::Erased, 0),
        };
        let digest = [0, 1, 2].map(|word| self.members.get(at + word).unwrap_or(0));
        if let Some(slot) = self.slot_of(digest[0], digest[1], member).ok_or_else(Error::disorder)? {
            log.fill(self.slots, slot, &[0, TOMB])?;
        }
        log.fill(self.members, at, &[0, 0, 0, gone])?;
        let index = HEADER + 2 * member as usize;
        let [first, length] = [index, index + 1].map(|at| self.ids.get(at).unwrap_or(0) as usize);
        let words = self.texts.words().get(first..first + length.div_ceil(4)).ok_or_else(Error::disorder)?;
        log.fill(self.texts, first, &vec![0; words.len()])?;
        log.fill(self.ids, index, &[0, 0])?;
        log.wipe_at_commit();
        Ok(())
    }

    /// Put every member of other slots into these empty ones, and tell how many. Costs 50 ns a member.
    pub fn rehash(&self, old: &Mmap) -> Result<u32> {
        let mut used = 0;
        for pair in old.words()[HEADER..].chunks_exact(2) {
            let (tag, entry) = (pair[0].load(Relaxed), pair[1].load(Relaxed));
            if entry == 0 || entry == TOMB {
                continue;
            }
            let at = HEADER + 4 * (entry as usize - 1);
            let [low, high] = [at, at + 1].map(|word| self.members.get(word).unwrap_or(0));
            let mut probe = self.probe(low, high);
            let slot = probe.find(|slot| self.slots.get(slot + 1) == Some(0)).ok_or_else(Error::disorder)?;
            self.slots.words()[slot].store(tag, Relaxed);
            self.slots.words()[slot + 1].store(entry, Relaxed);
            used += 1;
        }
        Ok(used)
    }

    pub(crate) fn count_up_to(&self, log: &mut Journal, member: u32) -> Result<()> {
        let count = self.control.get(MEMBER_COUNT).ok_or_else(Error::disorder)?;
        log.set(self.control, MEMBER_COUNT, count.max(member + 1))
    }

    /// Make a digest lead to a member. Whether a place that was empty is used now.
    fn insert_slot(&self, log: &mut Journal, digest: &Digest, member: u32) -> Result<bool> {
        match self.find(digest).ok_or_else(Error::disorder)? {
            // Shards are independent: who was erased may be back under a new number before the old one is read.
            (_, Some(newer)) if newer >= member => Ok(false),
            (slot, Some(_)) => log.set(self.slots, slot + 1, member + 1).map(|()| false),
            (slot, None) => {
                let empty = self.slots.get(slot + 1) == Some(0);
                log.fill(self.slots, slot, &[digest[3], member + 1]).map(|()| empty)
            }
        }
    }

    /// Where a digest is and whose it is; or where it can be put.
    #[inline]
    pub(crate) fn find(&self, digest: &Digest) -> Option<(usize, Option<u32>)> {
        let mut free = None;
        for slot in self.probe(digest[0], digest[1]) {
            let entry = self.slots.get(slot + 1)?;
            if entry == 0 {
                return Some((free.unwrap_or(slot), None));
            }
            if entry == TOMB {
                free = free.or(Some(slot));
            } else if self.slots.get(slot)? == digest[3] {
                let at = HEADER + 4 * (entry as usize - 1);
                let words = self.members.words().get(at..at + 3)?;
                if words.iter().zip(digest).all(|(word, wanted)| word.load(Relaxed) == *wanted) {
                    return Some((slot, Some(entry - 1)));
                }
            }
        }
        free.map(|slot| (slot, None))
    }

    /// The slot that holds a member whose digest begins so.
    fn slot_of(&self, low: u32, high: u32, member: u32) -> Option<Option<usize>> {
        for slot in self.probe(low, high) {
            match self.slots.get(slot + 1)? {
                0 => return Some(None),
                entry if entry == member.wrapping_add(1) => return Some(Some(slot)),
                _ => {}
            }
        }
        Some(None)
    }

    /// Every slot once, from where a digest points.
    #[inline]
    fn probe(&self, low: u32, high: u32) -> impl Iterator<Item = usize> + use<> {
        let places = (self.slots.words().len() - HEADER) / 2;
        let start = (self.start(low, high) - HEADER) / 2;
        (start..places).chain(0..start).map(|place| HEADER + 2 * place)
    }

    /// The slot where a digest points.
    #[inline]
    pub(crate) fn start(&self, low: u32, high: u32) -> usize {
        let places = (self.slots.words().len() - HEADER) / 2;
        HEADER + 2 * ((u128::from(u64::from(high) << 32 | u64::from(low)) * places as u128) >> 64) as usize
    }
}

/// A text as words, the last one filled up with zeros.
pub fn packed_text(bytes: &[u8]) -> Vec<u32> {
    words_of_text(bytes).collect()
}

pub(crate) fn words_of_text(bytes: &[u8]) -> impl Iterator<Item = u32> {
    bytes.chunks(4).map(|four| {
        let mut whole = [0; 4];
        whole[..four.len()].copy_from_slice(four);
        u32::from_ne_bytes(whole)
    })
}

/// The word of a member; `figure` is its name number, or which merge it was.
pub(crate) fn packed(state: Presence, figure: u32) -> u32 {
    let (state, figure) = match state {
        Presence::Absent => (0, figure),
        Presence::Listed => (1, figure),
        Presence::Hidden => (2, figure),
        Presence::Erased => (3, 0),
        Presence::Unnamed => (3, 1),
        Presence::Merged => (3_u32, figure + FIRST_MERGE),
    };
    state << 30 | figure
}
