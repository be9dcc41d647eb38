//! Fences of `src`, and stores that release, that a model runs without: it has to find each of them out.

use std::cell::RefCell;
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
    static LEFT_OUT: RefCell<Vec<(&'static str, u32)>> = const { RefCell::new(Vec::new()) };
}

/// Leave out the first fence behind a text, in all that this thread runs from now on.
pub fn leave_out(source: Source, behind: &str) {
    note(source, behind, |line| line.starts_with("fence("));
}

/// Release nothing at the first store behind a text that releases, in all that this thread runs from now on.
pub fn relax(source: Source, behind: &str) {
    note(source, behind, |line| line.contains(".store(") && line.contains("Ordering::Release"));
}

/// Whether what a place orders is left out.
pub fn is(place: &Location<'_>) -> bool {
    LEFT_OUT.with_borrow(|left| left.iter().any(|(name, line)| place.file().ends_with(name) && place.line() == *line))
}

fn note(source: Source, behind: &str, what: impl Fn(&str) -> bool) {
    let lines = source.text.lines().zip(1..);
    let line = lines
        .skip_while(|(line, _)| !line.contains(behind))
        .find_map(|(line, number)| what(line.trim_start()).then_some(number))
        .expect("what is to be left out");
    LEFT_OUT.with_borrow_mut(|left| left.push((source.name, line)));
}
