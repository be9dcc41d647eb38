//! In place of `src/state`.

pub mod files;
