//! The native leaderboard: boards of millions of members in memory-mapped files, one writer, any number of readers.
//!
//! It knows integers, ids and names, not loyalty. From the ground up, each knows those before it alone: `store` (files as
//! shared memory, which is all of the unsafe code but one line; the journal), `board` (one board), `members`, `state` (all
//! that follows from one feed, and what a batch does), `engine` (the writer, the readers), `dashboard` (what people see),
//! `edge` (a thread that answers over HTTP), `python`. Apart from all of it: `http`,
//! `bonuses` (the arithmetic of an award), `awards` (plain orders, a batch in one call), and `fingerprints`.

mod atomics;
pub mod awards;
pub mod board;
pub mod bonuses;
pub mod dashboard;
pub mod edge;
pub mod engine;
pub mod error;
pub mod fingerprints;
pub mod http;
pub mod members;
pub mod state;
pub mod store;
mod threads;

#[cfg(feature = "python")]
mod python;

#[cfg(test)]
mod tests;
