//! A writer cannot advance unseen: whatever it does to its journal, who had looked at it before notices.

use crate::state::files::Files;
use crate::store::format::{CONTROL_WORDS, EPOCH, MARKS};
use crate::store::journal::{Journal, JournalSnapshot};

#[test]
fn whoever_looked_at_the_old_words_notices_every_step_of_the_writer() {
    let folder = tempfile::tempdir().unwrap();
    let files = Files::create(folder.path(), 1, 16).unwrap();
    let (mut journal, control) = (Journal::create(folder.path()).unwrap(), &files.control);
    let noticed = |journal: &mut Journal, step: &dyn Fn(&mut Journal)| {
        let kept = JournalSnapshot::open(folder.path()).unwrap();
        assert!(kept.is_unchanged());
        step(journal);
        !kept.is_unchanged()
    };
    journal.begin(control);
    assert!(noticed(&mut journal, &|journal| journal.set(control, EPOCH, 7).unwrap()), "a word");
    let long = vec![1; CONTROL_WORDS - MARKS];
    let fill = |journal: &mut Journal| journal.fill(control, MARKS, &long).unwrap();
    (0..3).for_each(|_| fill(&mut journal)); // one more does not fit
    assert!(noticed(&mut journal, &fill), "a longer journal");
    assert!(noticed(&mut journal, &|journal| journal.commit(control)), "the end");
    // As empty at its end as it was when it began.
    journal.begin(control);
    let whole = |journal: &mut Journal| {
        journal.set(control, EPOCH, 8).unwrap();
        journal.commit(control);
    };
    assert!(noticed(&mut journal, &whole), "a whole update");
}
