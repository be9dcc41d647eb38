//! How work over many members is shared.

use std::num::NonZero;
use std::thread;

/// More threads than this only wait for the same memory.
const MOST_THREADS: usize = 8;

/// Fewer members than this are not worth a thread.
const WORTH_A_THREAD: usize = 1 << 14;

/// How many threads so many members are worth.
pub(crate) fn threads(members: usize) -> usize {
    let processors = thread::available_parallelism().map_or(1, NonZero::get);
    processors.min(MOST_THREADS).min(members / WORTH_A_THREAD).max(1)
}
