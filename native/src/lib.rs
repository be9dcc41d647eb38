//! The native leaderboard: see `README.md` beside this crate for the layout of its files.

#[cfg(feature = "python")]
mod face;
