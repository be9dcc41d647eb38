//! The native leaderboard: boards of millions of members in memory-mapped files, one writer, any number of readers.
//!
//! It knows integers, ids and names, not loyalty. `layout` says where everything lies. The rooms, from the ground up:
//! `map` (a file as atomic words; all unsafe code), `journal` (undo, seqlock), `counts`, `board`, `blocks`, `reshape`,
//! `lay_out` (one board), `members`, `merges`, `load` (many at once), `files` (one state), `state` (what a batch does), `check`,
//! `writer`, `mended`, `source` and `reader` (a store), `names`, `render` (what people see), `face` (Python). Apart from all
//! of it: `head` (a request's).

pub mod blocks;
pub mod board;
mod bulk;
pub mod changes;
mod check;
pub mod counts;
pub mod error;
pub mod files;
pub mod head;
pub mod journal;
mod lay_out;
pub mod layout;
pub mod load;
pub mod map;
pub mod members;
mod mended;
mod merges;
pub mod names;
pub mod reader;
pub mod render;
mod reshape;
mod source;
pub mod state;
pub mod writer;

#[cfg(feature = "python")]
mod face;

#[cfg(test)]
mod tests;
