//! The record of the edge (`src/edge/seqlock.rs`).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use loom::thread;

use crate::atomics::AtomicU64;
use crate::edge::seqlock::{read, write};
use crate::explore;

fn record() -> Arc<[AtomicU64; 3]> {
    Arc::new(std::array::from_fn(|_| AtomicU64::new(0)))
}

/// Two write and one reads, twice: what is read was written at once, and the second time not before the first.
#[test]
fn what_is_read_is_one_write() {
    static READ: AtomicUsize = AtomicUsize::new(0);
    explore(3, &READ, || {
        let record = record();
        let other = {
            let record = Arc::clone(&record);
            thread::spawn(move || write(&*record, &[2, 20]))
        };
        let reader = {
            let record = Arc::clone(&record);
            thread::spawn(move || {
                let [first, second]: [Option<[u64; 2]>; 2] = [read(&*record), read(&*record)];
                for [one, ten] in first.iter().chain(&second) {
                    assert_eq!(*ten, one * 10);
                    READ.fetch_add(usize::from(*one > 0), Relaxed);
                }
                if let (Some([1..=2, _]), Some([later, _])) = (first, second) {
                    assert_ne!(later, 0, "it went back");
                }
            })
        };
        let written = [write(&*record, &[1, 10]), other.join().unwrap()];
        reader.join().unwrap();
        assert!(written.contains(&true), "of two writers one goes first");
        let end: [u64; 2] = read(&*record).expect("nobody writes any more");
        assert!(written[end[0] as usize - 1], "what nobody wrote");
    });
}

/// One writes twice, one reads: of the second write it sees nothing or all.
#[test]
fn a_second_write_is_seen_whole() {
    static READ: AtomicUsize = AtomicUsize::new(0);
    explore(3, &READ, || {
        let record = record();
        let reader = {
            let record = Arc::clone(&record);
            thread::spawn(move || {
                if let Some([one, ten]) = read(&*record) {
                    assert_eq!(ten, one * 10);
                    READ.fetch_add(usize::from(one == 1), Relaxed);
                }
            })
        };
        assert!(write(&*record, &[1, 10]));
        assert!(write(&*record, &[2, 20]));
        reader.join().unwrap();
    });
}
