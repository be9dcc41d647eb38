//! Any feed, in any batches, gives what the naive twin gives; an error leaves what was before it.

use std::sync::atomic::Ordering::Relaxed;

use proptest::prelude::*;

use super::naive::{Naive, id};
use super::{PATIENT, assert_agrees};
use crate::engine::reader::Reader;
use crate::engine::writer::Writer;
use crate::error::Error;
use crate::members::Members;
use crate::members::bulk_load::{Ids, Rows};
use crate::state::changes::{Batch, Change, Op};
use crate::store::format::LOADING;

const MEMBERS: u32 = 120;
const BOARDS: [&str; 2] = ["all-time", "month:2026-10"];

/// What may happen to a member that joined; a few points, so that there are ties, and a few sums beyond 32 bits.
fn changes() -> impl Strategy<Value = (u32, Change)> {
    let points = prop_oneof![
        30 => -9_i64..12,
        4 => 4000_i64..4200,
        1 => Just(i64::from(i32::MAX)),
        1 => Just(-i64::from(i32::MAX))
    ];
    let change = prop_oneof![
        20 => (0..BOARDS.len(), points).prop_map(|(board, points)| Change::Scored(board, points)),
        2 => Just(Change::Hidden),
        2 => Just(Change::Shown),
        1 => (0_u32..1000).prop_map(Change::Renamed),
        1 => Just(Change::Erased),
        2 => (0..MEMBERS).prop_map(Change::Merged),
    ];
    (0..MEMBERS, change)
}

fn batch(ops: &[(u32, Change)], first: u64) -> Batch {
    let ops: Vec<Op> = (first..)
        .zip(ops)
        .map(|(position, (member, change))| Op { position, member: *member, change: change.clone() })
        .collect();
    let position = first + ops.len() as u64;
    Batch { boards: BOARDS.map(String::from).to_vec(), ops, position, hash: vec![7; 32] }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn any_feed_gives_what_the_naive_board_gives(
        changes in proptest::collection::vec(changes(), 0..1500),
        length in 1_usize..400,
        capacity in 1_usize..200,
        built in 0_usize..5,
    ) {
        let store = tempfile::tempdir().unwrap();
        let mut writer = Writer::open(store.path(), capacity, false).unwrap();
        let mut reader = Reader::new(store.path(), PATIENT);
        let mut naive = Naive::default();
        writer.reset("ledger", 1, "").unwrap();
        let joined: Vec<_> = (0..MEMBERS).map(|member| (member, Change::Joined(Some(id(member)), member))).collect();
        let all = [joined, changes].concat();
        let mut first = 1;
        for (index, some) in all.chunks(length).enumerate() {
            let batch = batch(some, first);
            prop_assert!(writer.apply(3, &batch, true).unwrap());
            prop_assert!(!writer.apply(3, &batch, true).unwrap());
            naive.apply(&batch);
            writer.check().unwrap();
            first = batch.position + 1;
            if index < built && first <= all.len() as u64 {
                drop(writer); // a rebuild that is interrupted goes on
                writer = Writer::open(store.path(), capacity, false).unwrap();
                continue;
            }
            writer.confirm(5).unwrap();
            writer.check().unwrap();
            for board in BOARDS {
                assert_agrees(&mut reader, &naive, board, &[0, 1, some[0].0]);
            }
            prop_assert_eq!(reader.read("", None, 0, 0).unwrap().version.text(), format!("1.3-{}", batch.position));
        }
        let everybody: Vec<u32> = (0..MEMBERS).collect();
        assert_agrees(&mut reader, &naive, BOARDS[0], &everybody);
        writer.close().unwrap();
        let writer = Writer::open(store.path(), capacity, false).unwrap();
        writer.check().unwrap();
        assert_agrees(&mut reader, &naive, BOARDS[1], &everybody);
    }
}

fn rows<'a>(numbers: &'a [u32], ids: &'a Ids, names: &'a [u32]) -> Rows<'a> {
    Rows { numbers, ids, names, hidden: &[0; 100_000][..numbers.len()] }
}

#[test]
fn a_board_built_from_scores_is_the_board_that_grew() {
    let store = tempfile::tempdir().unwrap();
    let mut writer = Writer::open(store.path(), 10, false).unwrap();
    writer.reset("ledger", 1, "").unwrap();
    let mut ids = Ids::default();
    (0..500).for_each(|member| ids.push(&id(member)));
    let scores: Vec<i32> = (0..500).map(|member| (member * member) % 97 - 3).collect();
    let names: Vec<u32> = (0..500).collect();
    writer.building().unwrap().load_members(&rows(&(0..500).collect::<Vec<_>>(), &ids, &names)).unwrap();
    writer.building().unwrap().build("all-time", &scores).unwrap();
    writer.check().unwrap();
    let mut naive = Naive::default();
    let joined: Vec<_> = (0..500).map(|member| (member, Change::Joined(Some(id(member)), member))).collect();
    naive.apply(&batch(&joined, 1));
    let scored: Vec<_> =
        (0..500).zip(&scores).map(|(member, score)| (member, Change::Scored(0, i64::from(*score)))).collect();
    naive.apply(&batch(&scored, 1));
    writer.confirm(1).unwrap();
    let mut reader = Reader::new(store.path(), PATIENT);
    assert_agrees(&mut reader, &naive, BOARDS[0], &[0, 250, 499]);
    let order: Vec<_> = naive.places(BOARDS[0]).iter().map(|row| (row.points, row.member)).collect();
    assert_eq!(reader.order(BOARDS[0]).unwrap(), order);
    assert_eq!(reader.ids(&order[..2]).unwrap(), [id(order[0].1), id(order[1].1)]);
}

/// So many members that several threads share them; some ids come twice, and slots are filled from two loads.
#[test]
fn members_loaded_at_once_are_found_by_their_ids() {
    let members = 100_000_u32;
    let store = tempfile::tempdir().unwrap();
    let mut writer = Writer::open(store.path(), members as usize / 2, false).unwrap();
    writer.reset("ledger", 1, "").unwrap();
    let id_of = |member: u32| if member % 1000 == 999 { id(member - 999) } else { id(member) };
    for (first, end) in [(0, members / 3), (members / 3, members)] {
        let mut ids = Ids::default();
        (first..end).for_each(|member| ids.push(&id_of(member)));
        let names: Vec<u32> = (first..end).collect();
        let short = rows(&names, &ids, &names[1..]);
        assert!(matches!(writer.building().unwrap().load_members(&short), Err(Error::Invalid(_))));
        writer.building().unwrap().load_members(&rows(&names, &ids, &names)).unwrap();
        writer.check().unwrap();
    }
    let files = writer.followed().unwrap();
    for member in 0..members {
        let newest = if member % 1000 == 0 && member + 999 < members { member + 999 } else { member };
        let digest = Members::digest(&files.key, id(member).as_bytes());
        let number = files.members().number(&digest).unwrap();
        assert_eq!(number, (member % 1000 != 999).then_some(newest));
        assert_eq!(files.members().id(member).unwrap(), id_of(member).as_bytes());
    }
}

#[test]
fn a_state_that_was_left_half_loaded_is_thrown_away() {
    let store = tempfile::tempdir().unwrap();
    let mut writer = Writer::open(store.path(), 10, false).unwrap();
    writer.reset("ledger", 1, "").unwrap();
    writer.followed().unwrap().control.words()[LOADING].store(1, Relaxed);
    drop(writer);
    assert!(Writer::open(store.path(), 10, false).unwrap().followed().is_none());
}

#[test]
fn an_error_leaves_all_that_was_before_it() {
    let store = tempfile::tempdir().unwrap();
    let mut writer = Writer::open(store.path(), 10, false).unwrap();
    writer.reset("ledger", 1, "").unwrap();
    let joined: Vec<_> = (0..200).map(|member| (member, Change::Joined(Some(id(member)), member))).collect();
    writer.apply(0, &batch(&joined, 1), true).unwrap();
    writer.confirm(1).unwrap();
    let mut changes: Vec<_> = (0..150).map(|member| (member, Change::Scored(0, 5))).collect();
    changes[130] = (999, Change::Hidden);
    let bad = batch(&changes, 300);
    assert!(matches!(writer.apply(0, &bad, true), Err(Error::UnknownMember(999))));
    writer.check().unwrap();
    let mut reader = Reader::new(store.path(), PATIENT);
    assert_eq!(reader.read("all-time", None, 0, 0).unwrap().ranked, 130);
    assert_eq!(reader.read("all-time", None, 0, 0).unwrap().version.reached[0], 429);
    changes[130] = (130, Change::Scored(0, 5));
    assert!(writer.apply(0, &batch(&changes, 300), true).unwrap());
    assert_eq!(reader.read("all-time", None, 0, 0).unwrap().ranked, 150);
}

#[test]
fn an_erased_id_is_in_no_file() {
    let store = tempfile::tempdir().unwrap();
    let mut writer = Writer::open(store.path(), 10, false).unwrap();
    writer.reset("ledger", 1, "").unwrap();
    let secret = "somebody@example.com";
    let ops =
        [(0, Change::Joined(Some(secret.into()), 0)), (0, Change::Scored(0, 7)), (1, Change::Joined(Some(id(1)), 1))];
    writer.apply(0, &batch(&ops, 1), true).unwrap();
    writer.confirm(1).unwrap();
    let holds = || {
        let folders = std::fs::read_dir(store.path()).unwrap().map(|entry| entry.unwrap().path());
        let files = folders.filter(|path| path.is_dir()).flat_map(|folder| std::fs::read_dir(folder).unwrap());
        let mut bytes = files.flat_map(|file| std::fs::read(file.unwrap().path()));
        bytes.any(|bytes| bytes.windows(secret.len()).any(|some| some == secret.as_bytes()))
    };
    assert!(holds());
    writer.apply(0, &batch(&[(0, Change::Erased)], 10), true).unwrap();
    assert!(!holds());
    writer.check().unwrap();
}
