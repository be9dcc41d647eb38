//! The journal and the sequence (`src/store`), and the version before an update that is under way
//! (`src/engine/rollback_view.rs`).
//!
//! An update sets two words that lie on two pages to its number. So whatever is read has two words alike, and the sequence
//! says which.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use loom::sync::atomic::Ordering;
use loom::thread;

use crate::engine::rollback_view::RollbackView;
use crate::explore;
use crate::left_out::{JOURNAL, relax};
use crate::state::files::Files;
use crate::store::format::SEQUENCE;
use crate::store::journal::Journal;
use crate::store::mmap::{Access, JOURNAL_WORDS};
use crate::store::sequence;

const FOLDER: &str = "g1";
/// The number of the update that was made before: old words that are lost are not those that a file has at first.
const FIRST: u32 = 7;
const PLACES: [usize; 2] = [0, 2];
/// Where the journal sets a word.
const SET: &str = "pub fn set(";

/// Begin an update, and set the first of its words, so many.
fn begin(files: &Files, journal: &mut Journal, number: u32, words: usize) {
    journal.begin(&files.control);
    PLACES[..words].iter().for_each(|place| journal.set(&files.members, *place, number).unwrap());
}

fn update(files: &Files, journal: &mut Journal, number: u32) {
    begin(files, journal, number, PLACES.len());
    journal.commit(&files.control);
}

fn values(files: &Files) -> [u32; 2] {
    PLACES.map(|place| files.members.words()[place].load(Ordering::Relaxed))
}

/// What a reader sees, and its sequence: even as it is, odd through the journal. None: the writer moved.
fn seen(files: &Files) -> Option<(u64, [u32; 2])> {
    let word = files.control.long(SEQUENCE);
    let before = sequence::before_read(word);
    if before.is_multiple_of(2) {
        let found = values(files);
        return sequence::is_unchanged(word, before).then_some((before, found));
    }
    let view = RollbackView::of(Path::new(FOLDER), before).ok()?;
    let found = values(&view.files);
    (view.is_unchanged() && sequence::is_unchanged(word, before)).then_some((before, found))
}

/// One writes as `writing` says, one reads; what is read has to be as `version` of the sequence says.
fn beside(preemptions: usize, odd: &'static AtomicUsize, writing: fn(&Files, Journal), version: fn(u64) -> [u32; 2]) {
    explore(preemptions, odd, move || {
        let files = Files::create(Path::new(FOLDER)).unwrap();
        let mut journal = Journal::create(Path::new(FOLDER)).unwrap();
        update(&files, &mut journal, FIRST);
        let reader = Files::open(Path::new(FOLDER), Access::Read).unwrap();
        let reading = thread::spawn(move || {
            if let Some((sequence, found)) = seen(&reader) {
                // Odd: before the update, or after it where all that is left to the writer is to make the sequence even.
                let either = [version(sequence), version(sequence + sequence % 2)];
                assert!(either.contains(&found), "{found:?} at {sequence}");
                odd.fetch_add(sequence as usize % 2, Relaxed);
            }
        });
        writing(&files, journal);
        reading.join().unwrap();
    });
}

/// An update of two words on two pages.
#[test]
fn what_is_read_is_one_version() {
    one_update();
}

fn one_update() {
    static ODD: AtomicUsize = AtomicUsize::new(0);
    let writing = |files: &Files, mut journal| update(files, &mut journal, FIRST + 1);
    beside(2, &ODD, writing, |sequence| [FIRST - 1 + (sequence / 2) as u32; 2]);
}

/// A second update, whose record lies where the first one's first lay; of two words each there is no end.
#[test]
fn what_is_read_beside_two_updates_is_one_version() {
    two_updates();
}

fn two_updates() {
    static ODD: AtomicUsize = AtomicUsize::new(0);
    let writing = |files: &Files, mut journal| {
        update(files, &mut journal, FIRST + 1);
        begin(files, &mut journal, FIRST + 2, 1);
        journal.commit(&files.control);
    };
    beside(2, &ODD, writing, |sequence| match sequence / 2 {
        1 => [FIRST; 2],
        2 => [FIRST + 1; 2],
        _ => [FIRST + 2, FIRST + 1],
    });
}

/// In the middle of an update its journal moves into a longer file.
#[test]
fn what_is_read_while_the_journal_moves_is_one_version() {
    static ODD: AtomicUsize = AtomicUsize::new(0);
    JOURNAL_WORDS.set(6); // one record; after the first update there is room for two
    let writing = |files: &Files, mut journal| {
        begin(files, &mut journal, FIRST + 1, PLACES.len());
        journal.set(&files.members, 1, 1).unwrap();
        journal.commit(&files.control);
    };
    beside(2, &ODD, writing, |sequence| [FIRST - 1 + (sequence / 2) as u32; 2]);
}

/// A writer dies in the middle of an update; the next one puts it back, and makes another.
#[test]
fn what_is_read_while_an_update_is_undone_is_one_version() {
    undone();
}

fn undone() {
    static ODD: AtomicUsize = AtomicUsize::new(0);
    let writing = |files: &Files, mut journal| {
        begin(files, &mut journal, FIRST + 1, 1);
        drop(journal);
        let mut journal = Journal::open(Path::new(FOLDER)).unwrap();
        journal.roll_back(&files.control, |number| files.by_number(number)).unwrap();
        begin(files, &mut journal, FIRST + 2, 1);
        journal.commit(&files.control);
    };
    beside(2, &ODD, writing, |sequence| if sequence < 6 { [FIRST; 2] } else { [FIRST + 2, FIRST] });
}

/// Of a reader that looks at no journal: an odd sequence is nothing to it.
fn seen_even(files: &Files) -> Option<(u64, [u32; 2])> {
    let word = files.control.long(SEQUENCE);
    let before = sequence::before_read(word);
    let found = before.is_multiple_of(2).then(|| values(files))?;
    sequence::is_unchanged(word, before).then_some((before, found))
}

/// What of an update is not released word by word is kept from readers by the fence behind the odd sequence.
#[test]
fn what_is_read_of_words_that_are_not_released_is_one_version() {
    relax(JOURNAL, SET);
    unreleased();
}

fn unreleased() {
    static EVEN: AtomicUsize = AtomicUsize::new(0);
    explore(2, &EVEN, || {
        let files = Files::create(Path::new(FOLDER)).unwrap();
        let mut journal = Journal::create(Path::new(FOLDER)).unwrap();
        update(&files, &mut journal, FIRST);
        let reader = Files::open(Path::new(FOLDER), Access::Read).unwrap();
        let reading = thread::spawn(move || {
            if let Some((sequence, found)) = seen_even(&reader) {
                assert_eq!(found, [FIRST - 1 + (sequence / 2) as u32; 2], "at {sequence}");
                EVEN.fetch_add(1, Relaxed);
            }
        });
        update(&files, &mut journal, FIRST + 1);
        reading.join().unwrap();
    });
}

/// Each model finds out what it runs without: every fence, and that each word of an update is released.
mod without {
    use super::{SET, one_update, two_updates, undone, unreleased};
    use crate::left_out::{JOURNAL, SEQUENCE, leave_out, relax};

    #[test]
    #[should_panic(expected = " at ")]
    fn the_fence_behind_the_odd_sequence() {
        relax(JOURNAL, SET);
        leave_out(JOURNAL, "pub fn begin");
        unreleased();
    }

    #[test]
    #[should_panic(expected = " at ")]
    fn the_release_of_each_word() {
        relax(JOURNAL, SET);
        one_update();
    }

    #[test]
    #[should_panic(expected = " at ")]
    fn the_fence_before_old_words_are_overwritten() {
        leave_out(JOURNAL, "sees that the update has ended");
        undone();
    }

    #[test]
    #[should_panic(expected = " at ")]
    fn the_fence_before_the_figures_are_looked_at_again() {
        leave_out(JOURNAL, "pub fn is_unchanged");
        two_updates();
    }

    #[test]
    #[should_panic(expected = " at ")]
    fn the_fence_behind_the_first_look_at_the_sequence() {
        leave_out(SEQUENCE, "pub fn before_read");
        one_update();
    }

    #[test]
    #[should_panic(expected = " at ")]
    fn the_fence_before_the_second_look_at_the_sequence() {
        leave_out(SEQUENCE, "pub fn is_unchanged");
        one_update();
    }
}
