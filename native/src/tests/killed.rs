//! A writer in another process, killed at any moment: readers go on, and the next writer puts right what was half done.
//!
//! What it writes follows from a seed and the position alone, so whoever reads can work out what there was to read under
//! the version that an answer bears.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use super::naive::{Naive, id};
use super::{PATIENT, assert_agrees};
use crate::engine::reader::Reader;
use crate::engine::writer::{Writer, current_folder};
use crate::error::Error;
use crate::state::changes::{Batch, Change, Op};
use crate::store::format::{CONTROL, CONTROL_FILE, SEQUENCE};
use crate::store::mmap::{Access, Mmap};

const BOARD: &str = "all-time";
const BATCH: u64 = 300;
const MEMBERS: u64 = 150;
// At each square of a position: files grow, but never to what takes longer to read than a fast writer lets stand.
const JOINED: u64 = 8;

/// A number for a seed and a position (splitmix64).
fn rng(seed: u64, position: u64) -> u64 {
    let mut number = seed.wrapping_add(position.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

/// What happens at a position: an enrolment, or points that go from one member to another, or something rare.
fn ops_at(seed: u64, position: u64) -> Vec<Op> {
    let op = |member: u64, change| Op { position, member: member as u32, change };
    if position <= MEMBERS {
        return vec![op(position - 1, Change::Joined(Some(id(position as u32 - 1)), position as u32))];
    }
    let since = position - MEMBERS;
    let members = MEMBERS + JOINED * (since - 1).isqrt();
    if since.isqrt().pow(2) == since {
        let joined = |member| op(member, Change::Joined(Some(id(member as u32)), member as u32));
        return (members..members + JOINED).map(joined).collect();
    }
    let number = rng(seed, position);
    let (one, other, points) = (number % members, (number >> 20) % members, (number >> 40) as i64 % 12);
    match (number >> 56) % 32 {
        0 => vec![op(one, Change::Hidden)],
        1 | 2 => vec![op(one, Change::Shown)],
        3 => vec![op(one, Change::Renamed(number as u32 % 1000))],
        4 if one > 20 => vec![op(one, Change::Erased)],
        5 if one > 20 => vec![op(one, Change::Merged(other as u32))],
        _ => vec![op(one, Change::Scored(0, points)), op(other, Change::Scored(0, 3 - points))],
    }
}

fn batch_from(seed: u64, first: u64) -> Batch {
    let last = first + BATCH - 1;
    let ops = (first..=last).flat_map(|position| ops_at(seed, position)).collect();
    Batch { boards: vec![BOARD.into()], ops, position: last, hash: last.to_ne_bytes().to_vec() }
}

/// Runs in the other process: apply batches from the mark on, until it is killed.
#[test]
#[ignore = "is started, and killed, by other tests"]
fn write_until_killed() {
    let store = std::env::var("LAURELS_TEST_STORE").unwrap();
    let seed = std::env::var("LAURELS_TEST_SEED").unwrap().parse().unwrap();
    let mut writer = Writer::open(Path::new(&store), 16, false).unwrap();
    if writer.followed().is_none() {
        writer.reset("ledger", 1, "").unwrap();
    }
    let mut next = writer.followed().unwrap().mark(0).position + 1;
    loop {
        writer.apply(0, &batch_from(seed, next), true).unwrap();
        writer.confirm(next as i64).unwrap();
        next += BATCH;
    }
}

/// The writer of a test; killed at the latest when the test ends.
struct Killed(Child);

impl Killed {
    fn start(store: &Path, seed: u64) -> Killed {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "tests::killed::write_until_killed", "--ignored", "--nocapture"]);
        command.env("LAURELS_TEST_STORE", store).env("LAURELS_TEST_SEED", seed.to_string());
        Killed(command.stdout(Stdio::null()).spawn().unwrap())
    }
}

impl Killed {
    /// Stop it, or let it go on. Returns when it has stopped.
    fn signal(&self, signal: libc::c_int) {
        let process = libc::pid_t::try_from(self.0.id()).unwrap();
        let mut status = 0;
        // SAFETY: plain calls about a child that has not been waited for.
        #[expect(unsafe_code, reason = "calls of the operating system")]
        unsafe {
            assert_eq!(libc::kill(process, signal), 0);
            if signal == libc::SIGSTOP {
                assert_eq!(libc::waitpid(process, &raw mut status, libc::WUNTRACED), process);
                assert!(libc::WIFSTOPPED(status), "the writer has ended: {status}");
            }
        }
    }
}

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The naive twin at a position; never goes back.
struct Twin {
    naive: Naive,
    seed: u64,
    at: u64,
}

impl Twin {
    fn advance(&mut self, position: u64) -> &Naive {
        assert!(position >= self.at, "the version went back from {} to {position}", self.at);
        for position in self.at + 1..=position {
            for op in ops_at(self.seed, position) {
                self.naive.take(&op, &[BOARD.into()]);
            }
        }
        self.at = position;
        &self.naive
    }
}

fn seed() -> u64 {
    let given = std::env::var("LAURELS_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = given
        .unwrap_or_else(|| u64::from(std::process::id()) << 32 | u64::from(Instant::now().elapsed().subsec_nanos()));
    println!("LAURELS_TEST_SEED={seed} repeats this");
    seed
}

#[test]
fn readers_beside_a_writer_see_only_what_existed_and_the_next_writer_mends_what_a_killed_one_left() {
    let (store, seed) = (tempfile::tempdir().unwrap(), seed());
    let mut twin = Twin { naive: Naive::default(), seed, at: 0 };
    let mut reader = Reader::new(store.path(), Duration::from_millis(50));
    let (mut round, mut inside, mut reads) = (0, 0, 0);
    while round < 25 || inside == 0 {
        assert!(round < 1000, "no writer was killed inside an update, so nothing was tried");
        round += 1;
        let child = Killed::start(store.path(), seed);
        let begun = Instant::now();
        let enough = Duration::from_micros(20_000 + rng(seed, round) % 60_000);
        let mut first = None;
        while first.is_none_or(|first: Instant| first.elapsed() < enough) {
            assert!(begun.elapsed() < PATIENT, "the writer does not write");
            match reader.read(BOARD, Some(&id(7)), usize::MAX / 4, 2) {
                Ok(snapshot) => {
                    let position = snapshot.version.reached[0];
                    let (top, me, around) = (snapshot.top.clone(), snapshot.me, snapshot.around.clone());
                    if position > twin.at {
                        first.get_or_insert_with(Instant::now); // the writer of this round is at work
                    }
                    let naive = twin.advance(position);
                    assert_eq!(top, naive.places(BOARD), "at {position}");
                    assert_eq!((me, around), naive.view(BOARD, 7, 2), "at {position}");
                    reads += 1;
                }
                Err(Error::NotReady | Error::Busy) => std::thread::yield_now(),
                Err(error) => panic!("{error}"),
            }
        }
        drop(child);
        let folder = current_folder(store.path()).unwrap().unwrap();
        let control = Mmap::open(&folder.join(CONTROL), CONTROL_FILE, CONTROL_FILE, Access::Read).unwrap();
        inside += control.long(SEQUENCE).load(Relaxed) % 2;
        let left = compare(&mut reader, &mut twin);
        let writer = Writer::open(store.path(), 16, false).unwrap();
        writer.check().unwrap();
        assert_eq!(compare(&mut reader, &mut twin), left, "undone is what readers did not see");
    }
    println!("{inside} of {round} writers were killed inside an update; {reads} reads beside them");
}

/// Compare all that there is to read with the twin, and tell at which position.
fn compare(reader: &mut Reader, twin: &mut Twin) -> u64 {
    let reached = reader.read(BOARD, None, 0, 0).unwrap().version.reached[0];
    let everybody: Vec<u32> = (0..200).collect();
    assert_agrees(reader, twin.advance(reached), BOARD, &everybody);
    reached
}

#[test]
fn readers_beside_a_writer_that_is_stopped_inside_an_update_see_what_was_before_it() {
    let (store, seed) = (tempfile::tempdir().unwrap(), seed());
    let mut twin = Twin { naive: Naive::default(), seed, at: 0 };
    let mut reader = Reader::new(store.path(), Duration::from_millis(1));
    let child = Killed::start(store.path(), seed);
    let begun = Instant::now();
    while !matches!(reader.read(BOARD, None, 0, 0), Ok(snapshot) if snapshot.version.reached[0] > MEMBERS) {
        assert!(begun.elapsed() < PATIENT, "the writer does not write");
        std::thread::yield_now();
    }
    let (mut inside, mut tries) = (0, 0);
    while inside < 25 {
        assert!(begun.elapsed() < 2 * PATIENT, "stopped {tries} times, {inside} of them inside an update");
        tries += 1;
        std::thread::sleep(Duration::from_micros(rng(seed, tries) % 5_000)); // where in its work it is stopped
        child.signal(libc::SIGSTOP);
        let folder = current_folder(store.path()).unwrap().unwrap();
        let control = Mmap::open(&folder.join(CONTROL), CONTROL_FILE, CONTROL_FILE, Access::Read).unwrap();
        let sequence = control.long(SEQUENCE).load(Relaxed);
        inside += sequence % 2;
        let before = compare(&mut reader, &mut twin);
        assert_eq!(
            compare(&mut Reader::new(store.path(), Duration::ZERO), &mut twin),
            before,
            "a reader that comes now"
        );
        assert_eq!(control.long(SEQUENCE).load(Relaxed), sequence, "it was not stopped");
        child.signal(libc::SIGCONT);
    }
    println!("stopped {tries} times, {inside} of them inside an update");
}

#[test]
fn a_second_writer_is_refused() {
    let store = tempfile::tempdir().unwrap();
    let writer = Writer::open(store.path(), 16, false).unwrap();
    assert!(matches!(Writer::open(store.path(), 16, false), Err(Error::Locked(_))));
    drop(writer);
    Writer::open(store.path(), 16, false).unwrap();
}
