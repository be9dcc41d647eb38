//! Heads of answers, byte for byte as Python's side writes them.

use std::fs::File;
use std::hash::Hasher;
use std::io::{Read, Result};
use std::time::{Duration, UNIX_EPOCH};

use siphasher::sip128::{Hasher128, SipHasher24};

/// Makes ids of requests, and the date of each second once.
pub struct Stamps {
    key: [u8; 16],
    made: u64,
    second: u64,
    date: String,
}

impl Stamps {
    /// Its ids are random.
    pub fn new() -> Result<Stamps> {
        let mut key = [0; 16];
        File::open("/dev/urandom")?.read_exact(&mut key)?;
        Ok(Stamps { key, made: 0, second: 0, date: String::new() })
    }

    /// The date at an instant in microseconds.
    pub fn date(&mut self, now: i64) -> &str {
        let second = u64::try_from(now).unwrap_or(0) / 1_000_000;
        if self.second != second || self.date.is_empty() {
            self.second = second;
            self.date = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(second));
        }
        &self.date
    }

    /// Write the id of a request: the client's own where it is sane, else a new one.
    pub fn write_id(&mut self, sent: Option<&[u8]>, out: &mut Vec<u8>) {
        if let Some(sane) = sent.filter(|sent| is_sane(sent)) {
            out.extend_from_slice(sane);
            return;
        }
        self.made += 1;
        let mut hasher = SipHasher24::new_with_key(&self.key);
        hasher.write_u64(self.made);
        let (high, low) = hasher.finish128().as_u64();
        for shift in (0..64).step_by(4).rev() {
            out.push(hex(high >> shift));
        }
        for shift in (0..64).step_by(4).rev() {
            out.push(hex(low >> shift));
        }
    }
}

/// Write a tag: that of a version, and of a body under a query.
pub fn write_tag(as_of: &str, body: &[u8], query: u32, out: &mut Vec<u8>) {
    let mut sum = crc32fast::Hasher::new_with_initial(query);
    sum.update(body);
    let sum = sum.finalize();
    out.push(b'"');
    out.extend_from_slice(as_of.as_bytes());
    out.push(b'-');
    for shift in (0..32).step_by(4).rev() {
        out.push(hex(u64::from(sum >> shift)));
    }
    out.push(b'"');
}

/// Whether a client that sent this `If-None-Match` has the answer with this tag.
pub fn matches(sent: &[u8], tag: &[u8]) -> bool {
    sent.split(|byte| *byte == b',').any(|one| {
        let one = one.trim_ascii();
        let one = one.strip_prefix(b"W/").unwrap_or(one);
        one == tag || one == b"*"
    })
}

/// Write a whole number.
pub fn write_number(number: impl itoa::Integer, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

fn is_sane(id: &[u8]) -> bool {
    (1..=128).contains(&id.len()) && id.iter().all(|byte| byte.is_ascii_alphanumeric() || b"._:@+=/-".contains(byte))
}

fn hex(digit: u64) -> u8 {
    b"0123456789abcdef"[(digit & 15) as usize]
}
