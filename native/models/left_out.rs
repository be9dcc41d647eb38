//! Fences of `src` that a model runs without: it has to find each of them out.

use std::cell::Cell;
use std::panic::Location;

/// A file of `src` with its text.
#[derive(Clone, Copy)]
pub struct Source {
    name: &'static str,
    text: &'static str,
}

pub const JOURNAL: Source = Source { name: "store/journal.rs", text: include_str!("../src/store/journal.rs") };
pub const SEQUENCE: Source = Source { name: "store/sequence.rs", text: include_str!("../src/store/sequence.rs") };

thread_local! {
    static LEFT_OUT: Cell<Option<(&'static str, u32)>> = const { Cell::new(None) };
}

/// Leave out the first fence behind a text, in all that this thread runs from now on.
pub fn leave_out(source: Source, behind: &str) {
    let lines = source.text.lines().zip(1..);
    let line = lines
        .skip_while(|(line, _)| !line.contains(behind))
        .find_map(|(line, number)| line.trim_start().starts_with("fence(").then_some(number))
        .expect("a fence");
    LEFT_OUT.set(Some((source.name, line)));
}

/// Whether the fence at a place is left out.
pub fn is(place: &Location<'_>) -> bool {
    LEFT_OUT.get().is_some_and(|(name, line)| place.file().ends_with(name) && place.line() == line)
}
