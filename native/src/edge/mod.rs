//! The edge: a thread that accepts connections, answers members' reads without the interpreter, and reads services' orders
//! for it.
//!
//! It answers what needs no wait alone: a plain GET in one piece, a token that was checked before, quota left, a board that
//! can be read. Plain orders it reads as a whole; Python takes many at a time, and gives their answers back together. Every
//! other connection is handed over, descriptor and bytes, and may come back.

pub mod connection;
pub mod counters;
pub mod orders;
pub mod quota;
pub mod request;
pub mod responder;
pub mod response;
pub mod seal;
pub mod seqlock;
pub mod server;
pub mod shared;
pub mod shared_tokens;
pub mod token_bucket;
pub mod token_table;
