//! What a reader asks of the sequence that the writer makes odd for as long as it is at work (`journal`).

use crate::atomics::{AtomicU64, Ordering, fence};

/// The sequence before a read. Odd: the writer is at work. What is read afterwards is read after this.
#[inline]
pub fn before_read(sequence: &AtomicU64) -> u64 {
    let before = sequence.load(Ordering::Relaxed);
    fence(Ordering::Acquire); // apart: a mapping that is read-only allows relaxed loads alone
    before
}

/// Whether the sequence is still that one: if it is even, all that was read since is of one version.
#[inline]
pub fn is_unchanged(sequence: &AtomicU64, before: u64) -> bool {
    // What was read above was read before the sequence is looked at again.
    fence(Ordering::Acquire);
    sequence.load(Ordering::Relaxed) == before
}
