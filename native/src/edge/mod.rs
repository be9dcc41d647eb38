//! The edge: a thread that accepts connections and answers members' reads without the interpreter.
//!
//! It takes what needs no wait alone: a plain GET in one piece, a token that was checked before, quota left, a board that
//! can be read. Every other connection is handed over, descriptor and bytes, and may come back.

pub mod connection;
pub mod counters;
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
