//! Four places in shared memory for the tokens of some digests. Each is a record of `seqlock`; a new entry takes the place
//! of the one that ends first.

use crate::atomics::{AtomicU64, Ordering};
use crate::edge::seqlock;

/// Places of a bucket.
pub const WAYS: usize = 4;

/// Words of eight bytes of a bucket.
pub const LONGS: usize = WAYS * PLACE;

/// The longest member id that is kept here, in bytes. Longer ones are checked by each process for itself.
pub const MOST_ID: usize = ID_LONGS * 8 - 1;

// What a place holds behind its sequence, in words of eight bytes. The models have shorter ids: each word doubles their work.
const ID_LONGS: usize = if cfg!(feature = "models") { 1 } else { 10 };
const PLACE: usize = 1 + ID + ID_LONGS;
const DIGEST: usize = 0;
const UNTIL: usize = 2;
const EXPIRES: usize = 3;
const CHECKED_BY: usize = 4;
const ID: usize = 5; // its length in the first byte

/// Of the header that a token came in.
pub type Digest = (u64, u64);

/// What is known of a digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Whose token it is.
    pub member: String,
    /// Until when that is remembered.
    pub until: i64,
    /// When the token expires.
    pub expires: i64,
    /// Which key it was checked with.
    pub checked_by: u64,
}

/// Keep what is known of a digest, unless its id is too long or another process writes at its place.
pub fn put(bucket: &[AtomicU64], digest: Digest, known: &Known) {
    let id = known.member.as_bytes();
    if id.len() > MOST_ID {
        return;
    }
    let mut bytes = [0; ID_LONGS * 8];
    bytes[0] = id.len() as u8;
    bytes[1..=id.len()].copy_from_slice(id);
    let mut values = [0; PLACE - 1];
    values[DIGEST..UNTIL].copy_from_slice(&[digest.0, digest.1]);
    values[UNTIL..ID].copy_from_slice(&[known.until as u64, known.expires as u64, known.checked_by]);
    for (word, eight) in values[ID..].iter_mut().zip(bytes.as_chunks().0) {
        *word = u64::from_ne_bytes(*eight);
    }
    seqlock::write(place_for(bucket, digest), &values);
}

/// What is known of a digest at an instant.
pub fn get(bucket: &[AtomicU64], digest: Digest, now: i64) -> Option<Known> {
    bucket.chunks_exact(PLACE).filter(|place| digest_in(place) == digest).find_map(|place| {
        let values: [u64; PLACE - 1] = seqlock::read(place)?;
        let until = values[UNTIL] as i64;
        if (values[DIGEST], values[DIGEST + 1]) != digest || until <= now {
            return None;
        }
        let mut bytes = [0; ID_LONGS * 8];
        for (eight, word) in bytes.as_chunks_mut().0.iter_mut().zip(&values[ID..]) {
            *eight = word.to_ne_bytes();
        }
        let member = std::str::from_utf8(bytes.get(1..=usize::from(bytes[0]))?).ok()?.to_owned();
        Some(Known { member, until, expires: values[EXPIRES] as i64, checked_by: values[CHECKED_BY] })
    })
}

/// Where an entry goes: where the same one is, else where the one is that ends first.
fn place_for(bucket: &[AtomicU64], digest: Digest) -> &[AtomicU64] {
    let places = || bucket.chunks_exact(PLACE);
    let ends = |place: &&[AtomicU64]| place[1 + UNTIL].load(Ordering::Relaxed) as i64;
    let same = places().find(|place| digest_in(place) == digest);
    same.or_else(|| places().min_by_key(ends)).expect("a bucket has places")
}

/// The digest in a place, as far as one can tell without asking for its sequence.
fn digest_in(place: &[AtomicU64]) -> Digest {
    (place[1 + DIGEST].load(Ordering::Relaxed), place[2 + DIGEST].load(Ordering::Relaxed))
}
