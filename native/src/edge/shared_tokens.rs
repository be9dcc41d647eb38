//! Members' checked tokens in memory that several processes share, so that each knows what one of them has checked.
//!
//! A table of fixed size, in buckets of four places (`token_bucket`): nobody waits for anybody, and a process that dies
//! while it writes costs one place.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::atomics::{AtomicU64, Ordering};
use crate::edge::token_bucket::{self, Digest, LONGS, WAYS};
use crate::error::{Error, Result};
use crate::store::mmap::{Access, HEADER, Header, Mmap, SHAPE};

pub use crate::edge::token_bucket::{Known, MOST_ID};

const KIND: u32 = 0x746F_6B00;
const KEY: usize = HEADER; // in words: the digests' key
const FIRST: usize = HEADER + 16;

/// The table.
pub struct SharedTokens {
    map: Mmap,
    buckets: usize,
}

impl SharedTokens {
    /// A new one, with room for some `most` tokens of 128 bytes each; and the file that it lies in, which has no name.
    pub fn create(most: usize) -> Result<(SharedTokens, File)> {
        let buckets = most.div_ceil(WAYS).next_power_of_two();
        let words = (FIRST + buckets * LONGS * 2) as u64;
        let mut shape = [0; SHAPE];
        shape[0] = u32::try_from(buckets).map_err(|_| Error::Full("a table of tokens would be too large".into()))?;
        let (map, file) = Mmap::unnamed(Header { kind: KIND, incarnation: 0, words, shape })?;
        let mut key = [0; 16];
        File::open("/dev/urandom").and_then(|mut random| random.read_exact(&mut key)).map_err(Error::Io)?;
        for (place, half) in [(KEY, &key[..8]), (KEY + 2, &key[8..])] {
            map.long(place).store(u64::from_ne_bytes(half.try_into().expect("eight")), Ordering::Relaxed);
        }
        Ok((SharedTokens { map, buckets }, file))
    }

    /// The one that another process made.
    pub fn open(path: &Path) -> Result<SharedTokens> {
        let map = Mmap::open(path, 0, KIND, Access::Write)?;
        let (words, buckets) = (map.head().words, map.head().shape[0] as usize);
        if !buckets.is_power_of_two() || words != (FIRST + buckets * LONGS * 2) as u64 {
            return Err(Error::Corrupt(format!("{} is divided as no table of tokens is", path.display())));
        }
        Ok(SharedTokens { map, buckets })
    }

    /// The key that all make digests with.
    pub fn key(&self) -> [u8; 16] {
        let mut key = [0; 16];
        key[..8].copy_from_slice(&self.map.long(KEY).load(Ordering::Relaxed).to_ne_bytes());
        key[8..].copy_from_slice(&self.map.long(KEY + 2).load(Ordering::Relaxed).to_ne_bytes());
        key
    }

    /// Tell the others. Too long an id, or a place that is being written, is no loss: then they check for themselves.
    pub fn put(&self, digest: Digest, known: &Known) {
        token_bucket::put(self.bucket(digest), digest, known);
    }

    /// What is known of a digest at an instant.
    pub fn get(&self, digest: Digest, now: i64) -> Option<Known> {
        token_bucket::get(self.bucket(digest), digest, now)
    }

    fn bucket(&self, digest: Digest) -> &[AtomicU64] {
        let bucket = digest.0 as usize & (self.buckets - 1);
        self.map.longs(FIRST + bucket * LONGS * 2, LONGS)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::os::fd::AsRawFd;
    use std::path::PathBuf;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

    use proptest::prelude::*;

    use super::{Known, LONGS, MOST_ID, SharedTokens, WAYS};

    fn known(member: &str, until: i64) -> Known {
        Known { member: member.into(), until, expires: until + 7, checked_by: member.len() as u64 }
    }

    /// What only this digest and this turn lead to.
    fn of(n: u64, turn: u64) -> Known {
        let member = format!("{n}-{turn}-").repeat(1 + (turn % 5) as usize);
        Known { member, until: (n + turn) as i64 + 1, expires: (n * turn) as i64, checked_by: n ^ turn }
    }

    #[test]
    fn two_that_map_one_file_know_the_same() {
        let (here, file) = SharedTokens::create(100).unwrap();
        let there = SharedTokens::open(&PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()))).unwrap();
        assert_eq!(here.key(), there.key());
        assert_ne!(here.key(), [0; 16]);
        here.put((1, 2), &known("m1", 10));
        assert_eq!(there.get((1, 2), 9), Some(known("m1", 10)));
        assert_eq!(there.get((1, 2), 10), None, "it is over");
        assert_eq!(there.get((1, 3), 9), None);
        there.put((1, 2), &known("m1", 20));
        assert_eq!(here.get((1, 2), 10), Some(known("m1", 20)));
    }

    #[test]
    fn an_id_that_is_too_long_is_not_shared() {
        let (table, _file) = SharedTokens::create(1).unwrap();
        let longest = "x".repeat(MOST_ID);
        table.put((1, 1), &known(&longest, 10));
        assert_eq!(table.get((1, 1), 0).unwrap().member, longest);
        table.put((2, 2), &known(&"x".repeat(MOST_ID + 1), 10));
        assert_eq!(table.get((2, 2), 0), None);
    }

    #[test]
    fn a_place_whose_writer_died_is_never_read() {
        let (table, _file) = SharedTokens::create(1).unwrap();
        table.put((1, 1), &known("m1", 10));
        for place in table.bucket((1, 1)).chunks_exact(LONGS / WAYS) {
            place[0].fetch_or(1, Relaxed);
        }
        assert_eq!(table.get((1, 1), 0), None);
        table.put((1, 1), &known("m1", 10));
        assert_eq!(table.get((1, 1), 0), None, "and its entry is kept nowhere else, which is no loss but of time");
    }

    proptest! {
        /// Beside a map of what was put last: what is found is that, and what ends last is found.
        #[test]
        fn as_a_map_has_it(puts in prop::collection::vec((0u64..40, 1i64..1000), 1..200)) {
            let (table, _file) = SharedTokens::create(16).unwrap();
            let mut last = HashMap::new();
            for (n, until) in puts {
                let entry = known(&format!("m{n}"), until);
                table.put((n, n), &entry);
                last.insert(n, entry.clone());
                prop_assert_eq!(table.get((n, n), 0), Some(entry), "what was put last is there");
                for (n, entry) in &last {
                    if let Some(found) = table.get((*n, *n), 0) {
                        prop_assert_eq!(&found, entry);
                    }
                }
            }
        }
    }

    /// Threads write and read the same few places: what is found is always one entry, whole.
    #[test]
    fn nothing_is_ever_read_half_written() {
        const TURNS: u64 = 100_000;
        let (table, _file) = SharedTokens::create(4).unwrap();
        let (stop, found) = (AtomicBool::new(false), AtomicUsize::new(0));
        std::thread::scope(|threads| {
            let writers: Vec<_> = (0..2)
                .map(|writer| {
                    let (table, found) = (&table, &found);
                    threads.spawn(move || {
                        // On a busy machine the readers may not have begun by then.
                        for turn in (0..).take_while(|turn| *turn < TURNS || found.load(Relaxed) == 0) {
                            let n = (turn * 2 + writer) % 6;
                            table.put((n, n + 1), &of(n, turn));
                        }
                    })
                })
                .collect();
            for _ in 0..2 {
                threads.spawn(|| {
                    while !stop.load(Relaxed) {
                        for n in 0..6 {
                            if let Some(read) = table.get((n, n + 1), 0) {
                                let turn = read.checked_by ^ n;
                                assert_eq!(read, of(n, turn));
                                found.fetch_add(1, Relaxed);
                            }
                        }
                    }
                });
            }
            for writer in writers {
                writer.join().unwrap();
            }
            stop.store(true, Relaxed);
        });
        assert!(found.into_inner() > 0, "else nothing was looked at");
    }
}
