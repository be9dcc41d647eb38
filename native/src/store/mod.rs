//! The ground: files as shared memory, how they are divided, and the journal that undoes what was left half done.

pub mod format;
pub mod journal;
pub mod mmap;
pub mod sequence;
