//! The atomics of what several processes read and write at once. Apart from `std`, because the models in `native/models`
//! compile the same files over Loom's atomics, which try every order of threads and of memory.

pub use std::sync::atomic::{AtomicU64, Ordering, fence};
