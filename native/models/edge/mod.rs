//! The rooms of `src/edge` that are modelled.

#[path = "../../src/edge/seqlock.rs"]
pub mod seqlock;
#[path = "../../src/edge/token_bucket.rs"]
pub mod token_bucket;
