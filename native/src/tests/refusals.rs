//! Files that were damaged, cut, taken from elsewhere, or left by a machine that went down are refused by name.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::PATIENT;
use super::naive::id;
use crate::board::shape::{OVERFLOW_LENGTH, RANKED};
use crate::engine::reader::Reader;
use crate::engine::writer::{Writer, current_folder};
use crate::error::Error;
use crate::state::changes::{Batch, Change, Op};
use crate::store::format::{BOOT, MERGE_COUNT, REPORT, TEXT_WORDS, TEXTS_FILE};
use crate::store::mmap::{Access, HEADER, Header, Mmap};

/// A store of one member, closed.
fn closed_store() -> (tempfile::TempDir, PathBuf) {
    let store = tempfile::tempdir().unwrap();
    written(store.path()).close().unwrap();
    let folder = current_folder(store.path()).unwrap().unwrap();
    (store, folder)
}

fn written(store: &Path) -> Writer {
    let mut writer = Writer::open(store, 16, false).unwrap();
    writer.reset("ledger", 1, "").unwrap();
    let op = |position, change| Op { position, member: 0, change };
    let ops = vec![op(1, Change::Joined(Some(id(0)), 0)), op(2, Change::Scored(0, 5))];
    writer.apply(0, &Batch { boards: vec!["all-time".into()], ops, position: 2, hash: vec![] }, true).unwrap();
    writer.confirm(1).unwrap();
    writer
}

fn poke(path: &Path, word: u64, value: u32) {
    OpenOptions::new().write(true).open(path).unwrap().write_all_at(&value.to_ne_bytes(), word * 4).unwrap();
}

/// Both refuse it, with the same error, and a writer that discards begins anew.
fn assert_refused(store: &Path, is_it: impl Fn(&Error) -> bool) {
    let error = Reader::new(store, PATIENT).read("all-time", None, 1, 0).unwrap_err();
    assert!(is_it(&error), "{error:?}");
    let error = Writer::open(store, 16, false).err().unwrap();
    assert!(is_it(&error), "{error:?}");
    let writer = Writer::open(store, 16, true).unwrap();
    assert!(writer.followed().is_none());
    drop(writer);
    let mut reader = Reader::new(store, PATIENT);
    assert!(matches!(reader.read("all-time", None, 1, 0), Err(Error::NotReady)));
    drop(written(store));
    assert_eq!(reader.read("all-time", None, 1, 0).unwrap().ranked, 1);
}

#[test]
fn a_truncated_file_is_refused() {
    for name in ["members", "slots", "ids", "texts", "board-0", "control"] {
        let (store, folder) = closed_store();
        let file = OpenOptions::new().write(true).open(folder.join(name)).unwrap();
        file.set_len(file.metadata().unwrap().len() - 4).unwrap();
        assert_refused(store.path(), |error| matches!(error, Error::Truncated(_)));
    }
}

#[test]
fn a_missing_file_is_refused() {
    let (store, folder) = closed_store();
    fs::remove_file(folder.join("board-0")).unwrap();
    assert_refused(store.path(), |error| matches!(error, Error::Truncated(_)));
}

#[test]
fn a_damaged_header_is_refused() {
    for word in 4..16 {
        let (store, folder) = closed_store();
        poke(&folder.join("members"), word, 0xdead);
        assert_refused(store.path(), |error| matches!(error, Error::Corrupt(_)));
    }
}

#[test]
fn a_foreign_file_is_refused() {
    let (store, folder) = closed_store();
    fs::write(folder.join("slots"), [b'x'; 4096]).unwrap();
    assert_refused(store.path(), |error| matches!(error, Error::Foreign(_)));
}

#[test]
fn a_newer_format_is_refused() {
    let (store, folder) = closed_store();
    poke(&folder.join("control"), 3, 3);
    assert_refused(store.path(), |error| matches!(error, Error::NewerFormat(_)));
}

#[test]
fn an_older_format_is_refused() {
    let (store, folder) = closed_store();
    poke(&folder.join("control"), 3, 1);
    assert_refused(store.path(), |error| matches!(error, Error::OlderFormat(_)));
}

#[test]
fn a_header_that_tells_an_impossible_length_is_refused() {
    for words in [0, 15, 1 << 60, 1 << 61, 1 << 62, u64::MAX / 4 + 2, u64::MAX] {
        let (store, folder) = closed_store();
        let path = folder.join("texts");
        let head = Header { words, ..*Mmap::open(&path, TEXTS_FILE, TEXTS_FILE, Access::Read).unwrap().head() };
        let file = File::options().write(true).open(&path).unwrap();
        let bytes: Vec<u8> = head.encode().into_iter().flat_map(u32::to_ne_bytes).collect();
        file.write_all_at(&bytes, 0).unwrap();
        assert_refused(store.path(), |error| matches!(error, Error::Corrupt(_) | Error::Truncated(_)));
    }
}

#[test]
fn files_of_another_boot_are_refused_unless_they_were_closed() {
    let (store, folder) = closed_store();
    poke(&folder.join("control"), BOOT as u64, 1);
    assert_eq!(Reader::new(store.path(), PATIENT).read("all-time", None, 1, 0).unwrap().ranked, 1);
    drop(Writer::open(store.path(), 16, false).unwrap()); // not closed now
    poke(&folder.join("control"), BOOT as u64, 1);
    assert_refused(store.path(), |error| matches!(error, Error::OtherBoot(_)));
}

#[test]
fn a_board_that_points_nowhere_is_an_error_and_not_a_crash() {
    let (store, folder) = closed_store();
    let words = fs::metadata(folder.join("board-0")).unwrap().len() / 4;
    for word in 16..words.min(4000) {
        poke(&folder.join("board-0"), word, u32::MAX - word as u32);
    }
    let mut reader = Reader::new(store.path(), PATIENT);
    let error = reader.read("all-time", Some(&id(0)), 10, 2).unwrap_err();
    assert!(matches!(error, Error::Corrupt(_)), "{error:?}");
}

/// The bytes that the files of a state take.
fn bytes_in(folder: &Path) -> u64 {
    fs::read_dir(folder).unwrap().map(|file| file.unwrap().metadata().unwrap().len()).sum()
}

/// A figure that is larger than what it counts has room for would take as much memory, which ends the process, or as much of
/// the disk.
#[test]
fn no_memory_and_no_disk_is_taken_for_a_damaged_figure() {
    let joined = |member| Change::Joined(Some(id(member)), member);
    for (name, word, change) in [
        ("board-0", RANKED, (9000, joined(9000))), // a longer board
        ("board-0", OVERFLOW_LENGTH, (9000, joined(9000))),
        ("ids", HEADER + 1, (0, Change::Erased)),
        ("control", TEXT_WORDS, (1, joined(1))),
        ("control", MERGE_COUNT, (1, Change::Merged(0))),
    ] {
        let (store, folder) = closed_store();
        poke(&folder.join(name), word as u64, u32::MAX >> 2);
        let before = bytes_in(&folder);
        if word == RANKED {
            let error = Reader::new(store.path(), PATIENT).order("all-time").unwrap_err();
            assert!(matches!(error, Error::Corrupt(_)), "{error:?}");
            fs::remove_file(store.path().join(REPORT)).unwrap(); // let the writer come across it by itself
        }
        let mut writer = Writer::open(store.path(), 16, false).unwrap();
        let (member, change) = change;
        let ops = vec![Op { position: 3, member, change }, Op { position: 4, member, change: Change::Scored(0, 5) }];
        let batch = Batch { boards: vec!["all-time".into()], ops, position: 4, hash: vec![] };
        let error = writer.apply(0, &batch, true).unwrap_err();
        assert!(matches!(error, Error::Corrupt(_)), "{name} {word}: {error:?}");
        assert!(bytes_in(&folder) < before + (1 << 22), "{name} {word}");
    }
}
