//! A record of some words that several processes may write and read at any time, and for which nobody waits.
//!
//! Its first word is a sequence, odd while the record is being written. A writer that finds it odd, or loses the race to
//! make it so, goes without; a reader that finds it odd, or another one than before, has read nothing. A writer that dies
//! half way leaves it odd for good.

use crate::atomics::{AtomicU64, Ordering, fence};

/// Write a record, unless somebody else does; whether it was written.
pub fn write(record: &[AtomicU64], values: &[u64]) -> bool {
    let (sequence, words) = record.split_first().expect("a record has a sequence");
    let before = sequence.load(Ordering::Relaxed);
    let is_ours = before.is_multiple_of(2)
        && sequence.compare_exchange(before, before + 1, Ordering::Acquire, Ordering::Relaxed).is_ok();
    if is_ours {
        // Whoever sees a word of what follows sees the odd sequence too.
        fence(Ordering::Release);
        for (word, value) in words.iter().zip(values) {
            word.store(*value, Ordering::Relaxed);
        }
        sequence.store(before + 2, Ordering::Release);
    }
    is_ours
}

/// The words of a record, all of one write; None where it is being written. One that never was written is all zeros.
pub fn read<const N: usize>(record: &[AtomicU64]) -> Option<[u64; N]> {
    let (sequence, words) = record.split_first()?;
    let before = sequence.load(Ordering::Acquire);
    let values = std::array::from_fn(|place| words[place].load(Ordering::Relaxed));
    // What was read above was read before the sequence is looked at again.
    fence(Ordering::Acquire);
    (before.is_multiple_of(2) && sequence.load(Ordering::Relaxed) == before).then_some(values)
}

#[cfg(all(test, not(feature = "models")))] // the models compile this file over other atomics
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};

    use super::{read, write};

    fn record() -> [AtomicU64; 5] {
        Default::default()
    }

    #[test]
    fn what_was_written_is_read() {
        let record = record();
        assert_eq!(read(&record), Some([0; 4]));
        assert!(write(&record, &[1, 2, 3, 4]));
        assert_eq!(read(&record), Some([1, 2, 3, 4]));
        assert!(write(&record, &[5, 6]));
        assert_eq!(read(&record), Some([5, 6, 3, 4]));
    }

    #[test]
    fn one_that_is_being_written_is_left_alone() {
        let record = record();
        record[0].store(7, Relaxed);
        assert!(!write(&record, &[1]));
        assert_eq!(read::<4>(&record), None);
    }

    /// Threads write and read one record: what is read was written at once, and what is read later was written later.
    #[test]
    fn nothing_is_ever_read_half_written() {
        const TURNS: u64 = if cfg!(miri) { 60 } else { 100_000 };
        let (record, stop) = (record(), AtomicBool::new(false));
        let (written, found) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|threads| {
            let writers = [1, 2].map(|writer| {
                let (record, written, found) = (&record, &written, &found);
                threads.spawn(move || {
                    // On a busy machine the readers may not have begun by then.
                    for turn in (1..).take_while(|turn| *turn <= TURNS || found.load(Relaxed) == 0) {
                        let is_written = write(record, &[writer, turn, writer * turn, writer + turn]);
                        written.fetch_add(usize::from(is_written), Relaxed);
                    }
                })
            });
            for _ in 0..2 {
                threads.spawn(|| {
                    let mut last = [0; 3];
                    while !stop.load(Relaxed) {
                        if let Some([writer, turn, product, sum]) = read(&record) {
                            assert_eq!((product, sum), (writer * turn, writer + turn));
                            assert!(turn >= last[writer as usize], "it went back");
                            last[writer as usize] = turn;
                            found.fetch_add(1, Relaxed);
                        }
                    }
                });
            }
            for writer in writers {
                writer.join().unwrap();
            }
            stop.store(true, Relaxed);
        });
        let (written, found) = (written.into_inner(), found.into_inner());
        assert!(written > 0 && found > 0, "{written} written, {found} read");
        assert_eq!(record[0].load(Relaxed), 2 * written as u64);
    }
}
