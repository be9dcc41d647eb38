//! Readers beside a writer that never rests: every answer is compared, in full, with what its version says.
//!
//! Each position gives one point to one member, all members in turn and in a scattered order. So the board at a position
//! is known without keeping it: who has had a turn in this round is before everybody else, and among equals the smaller
//! number is first. A turn takes its member across many blocks, which are split and merged all the time.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use super::PATIENT;
use super::naive::id;
use crate::engine::reader::{Me, Reader, Row, Snapshot};
use crate::engine::writer::Writer;
use crate::error::Error;
use crate::state::changes::{Batch, Change, Op};

const BOARD: &str = "all-time";
const MEMBERS: u64 = 1021; // a prime, so that any stride reaches everybody
const STRIDE: u64 = 389;
const SECTION: u64 = 100; // positions in a batch
const LEAST_VERSIONS: u64 = 50; // fewer would mean that the reads did not meet the writer
const AROUND: usize = 2;
const TOP: usize = 10;

/// The boards of a round: for every number of turns that were had, who stands where.
struct Rounds {
    orders: Vec<Vec<u32>>,    // members in board order
    positions: Vec<Vec<u32>>, // where each member stands, from 0
}

impl Rounds {
    fn new() -> Rounds {
        let turn = |turn: u64| (turn * STRIDE % MEMBERS) as u32;
        let order = |turns: u64| {
            let (mut had, mut waits): (Vec<u32>, Vec<u32>) =
                ((0..turns).map(turn).collect(), (turns..MEMBERS).map(turn).collect());
            had.sort_unstable();
            waits.sort_unstable();
            had.extend(waits);
            had
        };
        let orders: Vec<Vec<u32>> = (0..MEMBERS).map(order).collect();
        let place = |order: &Vec<u32>| {
            let mut places = vec![0; order.len()];
            order.iter().zip(0..).for_each(|(member, place)| places[*member as usize] = place);
            places
        };
        let positions = orders.iter().map(place).collect();
        Rounds { orders, positions }
    }

    /// The row at a place, when so many turns were had since everybody joined.
    fn row(&self, turns: u64, place: usize) -> Row {
        let (round, turns) = (turns / MEMBERS, turns % MEMBERS);
        let member = self.orders[turns as usize][place];
        let had = (place as u64) < turns;
        let (rank, points) = if had { (1, round + 1) } else { (turns as u32 + 1, round) };
        Row { rank, member, name_number: member, points: points as i32 }
    }

    /// Compare a read of a member, all of it.
    fn check(&self, snapshot: &Snapshot, member: u32) {
        let turns = snapshot.version.reached[0] - MEMBERS;
        let had = turns % MEMBERS;
        let place = self.positions[had as usize][member as usize] as usize;
        let tied = if (place as u64) < had { had } else { MEMBERS - had } as u32;
        let me = Me { row: self.row(turns, place), hidden: false, position: place as u32 + 1, tied };
        assert_eq!(snapshot.me, Some(me), "after {turns} turns");
        let around = place.saturating_sub(AROUND)..(place + AROUND + 1).min(MEMBERS as usize);
        assert!(snapshot.around.iter().copied().eq(around.map(|place| self.row(turns, place))), "after {turns} turns");
        assert!(snapshot.top.iter().copied().eq((0..TOP).map(|place| self.row(turns, place))), "after {turns} turns");
    }
}

/// Everybody joins, then takes turns.
fn op_at(position: u64) -> Op {
    let (member, change) = match position {
        1..=MEMBERS => (position as u32 - 1, Change::Joined(Some(id(position as u32 - 1)), position as u32 - 1)),
        _ => (((position - MEMBERS - 1) * STRIDE % MEMBERS) as u32, Change::Scored(0, 1)),
    };
    Op { position, member, change }
}

fn apply(writer: &mut Writer, first: u64, last: u64) {
    let ops = (first..=last).map(op_at).collect();
    writer.apply(0, &Batch { boards: vec![BOARD.into()], ops, position: last, hash: Vec::new() }, true).unwrap();
}

/// Ends the writer, also where a check fails.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

fn read_beside_a_writer(reads: u64, deadline: Duration) {
    let store = tempfile::tempdir().unwrap();
    let mut writer = Writer::open(store.path(), 16, false).unwrap();
    writer.reset("ledger", 1, "").unwrap();
    apply(&mut writer, 1, 2 * MEMBERS); // all have a turn, so all are ranked
    writer.confirm(1).unwrap();
    let (done, rounds) = (AtomicBool::new(false), Rounds::new());
    let ids: Vec<String> = (0..MEMBERS as u32).map(id).collect();
    let mut reader = Reader::new(store.path(), deadline);
    let (mut read, mut versions, mut last, mut busy) = (0, 0, 0, 0);
    let applied = std::thread::scope(|scope| {
        let writing = scope.spawn(|| {
            let mut position = 2 * MEMBERS;
            while !done.load(Relaxed) {
                apply(&mut writer, position + 1, position + SECTION);
                position += SECTION;
            }
            writer.check().unwrap();
            position - 2 * MEMBERS
        });
        let stop = Stop(&done);
        while read < reads || versions < LEAST_VERSIONS {
            let member = (read * 7 % MEMBERS) as u32;
            read += 1;
            let snapshot = match reader.read(BOARD, Some(&ids[member as usize]), TOP, AROUND) {
                Err(Error::Busy) if deadline < PATIENT => {
                    busy += 1;
                    continue;
                }
                snapshot => snapshot.unwrap(),
            };
            assert!(snapshot.version.reached[0] >= last, "the version went back");
            versions += u64::from(snapshot.version.reached[0] > last);
            last = snapshot.version.reached[0];
            rounds.check(snapshot, member);
        }
        drop(stop);
        writing.join().unwrap()
    });
    let retries = reader.retries();
    println!(
        "{read} reads of {versions} versions beside {applied} changes: {retries} begun again, {busy} given up, none torn"
    );
}

#[test]
fn every_read_beside_a_writer_is_of_one_version() {
    read_beside_a_writer(2_000, PATIENT);
}

#[test]
fn every_read_of_what_was_before_an_update_is_of_one_version() {
    read_beside_a_writer(2_000, Duration::ZERO); // not waiting for the writer, but looking into its journal at once
}

#[test]
#[ignore = "takes half a minute: cargo test --release ten_million -- --ignored --nocapture"]
fn ten_million_reads_beside_a_writer_are_each_of_one_version() {
    read_beside_a_writer(10_000_000, PATIENT);
}
