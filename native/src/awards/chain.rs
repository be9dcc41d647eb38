//! The end of a shard's feed, and the hash of what is put behind it.

use sha2::{Digest, Sha256};

/// The format of entries that are written now.
const FORMAT: i64 = 2;

/// Of a hash in that format.
const BYTES: usize = 16;

/// An entry without details, refund or reason, as the hash has it.
#[derive(Default)]
pub struct Entry<'a> {
    /// What it records, in plain letters.
    pub kind: &'a str,
    /// The member's number.
    pub member: i64,
    /// What it adds.
    pub points: i64,
    /// Of its amount.
    pub currency: Option<&'a str>,
    /// Minor units.
    pub amount: Option<i64>,
    /// In whose numbers the order is.
    pub source: Option<&'a str>,
    /// The order's id.
    pub order_id: Option<&'a str>,
    /// What it was judged by.
    pub program_version: Option<i64>,
    /// Of an enrolment.
    pub name_number: Option<i64>,
    /// Who handed it in.
    pub actor: Option<&'a str>,
    /// When it happened.
    pub occurred_at: i64,
    /// What decides its month.
    pub board_at: i64,
    /// When it is written.
    pub recorded_at: i64,
}

/// A shard's feed, of which the end is known.
pub struct Chain {
    /// Its number.
    pub shard: i64,
    /// Of the last entry.
    pub position: i64,
    /// Of the last entry: 16 bytes, 32 in the first format, none before the first entry.
    pub hash: Vec<u8>,
    written: Vec<u8>,
}

impl Chain {
    /// A feed that ends so.
    pub fn new(shard: i64, position: i64, hash: &[u8]) -> Chain {
        Chain { shard, position, hash: hash.to_vec(), written: Vec::new() }
    }

    /// Put an entry behind the last: SHA-256 over the hash before and a JSON array of the columns. None for a text with
    /// control characters, which no id has.
    pub fn append(&mut self, entry: &Entry<'_>) -> Option<()> {
        self.position += 1;
        let written = &mut self.written;
        written.clear();
        written.push(b'[');
        whole(FORMAT, written);
        whole(self.shard, written);
        whole(self.position, written);
        text(entry.kind, written)?;
        whole(entry.member, written);
        whole(entry.points, written);
        maybe_text(entry.currency, written)?;
        maybe_whole(entry.amount, written);
        maybe_text(entry.source, written)?;
        maybe_text(entry.order_id, written)?;
        written.extend_from_slice(b"null,\"\",");
        maybe_whole(entry.program_version, written);
        maybe_whole(entry.name_number, written);
        maybe_text(entry.actor, written)?;
        whole(entry.occurred_at, written);
        whole(entry.board_at, written);
        whole(entry.recorded_at, written);
        written.extend_from_slice(b"null]");
        let hash = Sha256::new().chain_update(&self.hash).chain_update(&*written).finalize();
        self.hash.clear();
        self.hash.extend_from_slice(&hash[..BYTES]);
        Some(())
    }
}

fn whole(number: i64, to: &mut Vec<u8>) {
    to.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
    to.push(b',');
}

fn maybe_whole(number: Option<i64>, to: &mut Vec<u8>) {
    match number {
        Some(number) => whole(number, to),
        None => to.extend_from_slice(b"null,"),
    }
}

fn maybe_text(said: Option<&str>, to: &mut Vec<u8>) -> Option<()> {
    match said {
        Some(said) => text(said, to)?,
        None => to.extend_from_slice(b"null,"),
    }
    Some(())
}

fn text(said: &str, to: &mut Vec<u8>) -> Option<()> {
    to.push(b'"');
    for &byte in said.as_bytes() {
        match byte {
            0..=0x1f => return None,
            b'"' | b'\\' => to.extend_from_slice(&[b'\\', byte]),
            _ => to.push(byte),
        }
    }
    to.extend_from_slice(b"\",");
    Some(())
}
