//! Members' tokens that processes share (`src/edge/token_bucket.rs`).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use loom::thread;

use crate::atomics::AtomicU64;
use crate::edge::token_bucket::{Known, LONGS, get, put};
use crate::explore;

fn known(member: &str, until: i64) -> Known {
    Known { member: member.into(), until, expires: until + 1, checked_by: until as u64 }
}

fn bucket() -> Arc<[AtomicU64; LONGS]> {
    Arc::new(std::array::from_fn(|_| AtomicU64::new(0)))
}

/// Two processes put a token each, which may want the same place, while a third asks for one of them: what it gets is that
/// member's, whole, and never the other's.
#[test]
fn a_digest_never_gives_another_members_token() {
    static FOUND: AtomicUsize = AtomicUsize::new(0);
    explore(2, &FOUND, || {
        let bucket = bucket();
        let other = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || put(&*bucket, (2, 2), &known("m2", 20)))
        };
        let reader = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || {
                if let Some(found) = get(&*bucket, (1, 1), 0) {
                    assert_eq!(found, known("m1", 10));
                    FOUND.fetch_add(1, Relaxed);
                }
            })
        };
        put(&*bucket, (1, 1), &known("m1", 10));
        other.join().unwrap();
        reader.join().unwrap();
        let both = [get(&*bucket, (1, 1), 0), get(&*bucket, (2, 2), 0)];
        assert!(both.iter().any(Option::is_some), "of two that want one place one gets it");
    });
}

/// A place goes from one member to another while it is read.
#[test]
fn a_place_that_changes_hands_is_one_members_or_nobodys() {
    static FOUND: AtomicUsize = AtomicUsize::new(0);
    explore(2, &FOUND, || {
        let bucket = bucket();
        // Every place is taken: the one of 1 ends first.
        (1..=4).for_each(|n| put(&*bucket, (n, n), &known("old", 10 * n as i64)));
        let reader = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || {
                for (digest, expected) in [(1, known("old", 10)), (5, known("new", 90))] {
                    if let Some(found) = get(&*bucket, (digest, digest), 0) {
                        assert_eq!(found, expected);
                        FOUND.fetch_add(usize::from(digest == 1), Relaxed);
                    }
                }
            })
        };
        put(&*bucket, (5, 5), &known("new", 90));
        reader.join().unwrap();
        assert_eq!(get(&*bucket, (1, 1), 0), None);
        assert_eq!(get(&*bucket, (5, 5), 0), Some(known("new", 90)));
    });
}
