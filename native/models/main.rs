//! Models of what several processes read and write at once, over Loom: each runs under every order of its threads, with
//! every value that the memory model lets a load see. `make models`.
//!
//! The files under test are those of `src`, compiled here over Loom's atomics (`atomics`) and over files that are arrays of
//! them (`store/mmap.rs`). Models are small: a few words, two or three threads, one or two turns each. Each ends by telling
//! that what it is about did happen in some order, and the last ones show that a lock with one fence less is found out.
#![allow(dead_code, reason = "the files of src are here for the parts that the models use")]

use std::cell::Cell;
use std::time::Instant;

mod edge;
mod engine;
#[path = "../src/error.rs"]
mod error;
mod journal;
mod left_out;
mod missing_fences;
mod seqlock;
mod state;
mod store;
mod tokens;

/// In place of `src/atomics.rs`.
mod atomics {
    pub use loom::sync::atomic::{AtomicU64, Ordering};

    /// A fence, unless a test leaves it out.
    #[track_caller]
    pub fn fence(order: Ordering) {
        if !crate::left_out::is(std::panic::Location::caller()) {
            loom::sync::atomic::fence(order);
        }
    }
}

thread_local! {
    /// How many were run.
    static ORDERS: Cell<usize> = const { Cell::new(0) };
}

/// Explore a model. `what` counts, over all orders, how often what the model is about happened: more than never.
///
/// Loom remembers of each word the last store, and the last access of any kind: it misses that a load of one thread went
/// before a store of another that had loaded the word itself. So the writer has to be first in the order that it begins
/// with: models write in their own thread, and read in others.
///
/// At most so many `preemptions` of threads that could go on: errors need few, and without a bound there is no end.
/// `LOOM_MAX_PREEMPTIONS` takes the place of what the models say.
fn explore(
    preemptions: usize,
    what: &'static std::sync::atomic::AtomicUsize,
    model: impl Fn() + Sync + Send + 'static,
) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = builder.preemption_bound.or(Some(preemptions));
    builder.max_branches = 100_000;
    let begun = Instant::now();
    builder.check(move || {
        ORDERS.with(|orders| orders.set(orders.get() + 1));
        model();
    });
    let (thread, bound) = (std::thread::current(), builder.preemption_bound.expect("set above"));
    println!(
        "{}: {} orders, {bound} preemptions, {:.1} s",
        thread.name().unwrap_or("?"),
        ORDERS.take(),
        begun.elapsed().as_secs_f32()
    );
    assert!(what.load(std::sync::atomic::Ordering::Relaxed) > 0, "what this is about never happened");
}
