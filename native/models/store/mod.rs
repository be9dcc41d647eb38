//! The rooms of `src/store`, over files that are arrays of Loom's atomics.

#[path = "../../src/store/format.rs"]
pub mod format;
#[path = "../../src/store/journal.rs"]
pub mod journal;
pub mod mmap;
#[path = "../../src/store/sequence.rs"]
pub mod sequence;
