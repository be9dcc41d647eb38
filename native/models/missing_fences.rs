//! Locks with one fence or order less than those of `src`: the models find each of them out.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use loom::sync::atomic::Ordering::{self, Acquire, Relaxed, Release};
use loom::sync::atomic::{AtomicU64, fence};
use loom::thread;

use crate::explore;

/// What each step of a write and of a read orders: as in `seqlock.rs`, but for what a test takes away.
#[derive(Clone, Copy)]
struct Orders {
    odd: bool,
    end: Ordering,
    begin: Ordering,
    again: bool,
}

const ALL: Orders = Orders { odd: true, end: Release, begin: Acquire, again: true };

fn explore_with(orders: Orders) {
    static NEVER_ASKED: AtomicUsize = AtomicUsize::new(1);
    explore(3, &NEVER_ASKED, move || {
        let record: Arc<[AtomicU64; 3]> = Arc::new(std::array::from_fn(|_| AtomicU64::new(0)));
        let writer = {
            let record = Arc::clone(&record);
            thread::spawn(move || {
                record[0].store(1, Relaxed);
                if orders.odd {
                    fence(Release);
                }
                record[1].store(1, Relaxed);
                record[2].store(1, Relaxed);
                record[0].store(2, orders.end);
            })
        };
        let before = record[0].load(orders.begin);
        let words = [1, 2].map(|at: usize| record[at].load(Relaxed));
        if orders.again {
            fence(Acquire);
        }
        if before.is_multiple_of(2) && record[0].load(Relaxed) == before {
            assert_eq!(words, [before / 2; 2]);
        }
        writer.join().unwrap();
    });
}

#[test]
fn with_all_of_them_nothing_is_found() {
    explore_with(ALL);
}

#[test]
#[should_panic(expected = "assertion")]
fn without_the_fence_behind_the_odd_sequence() {
    explore_with(Orders { odd: false, ..ALL });
}

#[test]
#[should_panic(expected = "assertion")]
fn without_the_release_at_the_end() {
    explore_with(Orders { end: Relaxed, ..ALL });
}

#[test]
#[should_panic(expected = "assertion")]
fn without_the_acquire_at_the_beginning() {
    explore_with(Orders { begin: Relaxed, ..ALL });
}

#[test]
#[should_panic(expected = "assertion")]
fn without_the_fence_before_the_sequence_is_looked_at_again() {
    explore_with(Orders { again: false, ..ALL });
}
