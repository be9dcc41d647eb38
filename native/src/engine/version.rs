//! How far the feeds were followed, and the token that says it: `laurels.model.version` describes it.

use crate::state::files::{Files, long};
use crate::store::format::*;

const LISTED: u8 = 8;
const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// How far the feeds were followed.
#[derive(Clone, Debug, Default)]
pub struct Version {
    /// Which opening of the files, and sequence: the same version where these are.
    pub of: (u64, u64),
    /// The ledger's epoch.
    pub epoch: u64,
    /// The positions reached, 0 where nothing was.
    pub reached: [u64; SHARDS],
}

impl Version {
    /// What the control file says.
    #[cold]
    pub fn read(&mut self, files: &Files, sequence: u64) -> Option<()> {
        self.of = (files.opening, sequence);
        self.epoch = long(&files.control, EPOCH)?;
        for (shard, reached) in self.reached.iter_mut().enumerate() {
            let at = MARKS + shard * MARK_WORDS;
            *reached = long(&files.control, at + 2)?;
            let sane = long(&files.control, at)? <= *reached && files.control.get(at + 4)? <= 64;
            sane.then_some(())?;
        }
        Some(())
    }

    /// The plain token.
    pub fn text(&self) -> String {
        let mut pairs = (0..SHARDS).filter(|shard| self.reached[*shard] > 0);
        match (pairs.next(), pairs.next()) {
            (_, Some(_)) => base64(&self.packed(1)),
            (Some(shard), None) => format!("{}.{shard}-{}", self.epoch, self.reached[shard]),
            (None, None) => format!("{}.", self.epoch),
        }
    }

    /// In few bytes, each position in at least `least_width` of them.
    pub fn packed(&self, least_width: usize) -> Vec<u8> {
        let pairs: Vec<_> = self.reached.iter().enumerate().filter(|(_, reached)| **reached > 0).collect();
        let largest = self.reached.iter().max().copied().unwrap_or(0);
        let width = least_width.max((u64::BITS - largest.leading_zeros()).div_ceil(8) as usize);
        let length = pairs.last().map_or(0, |(shard, _)| shard + 1);
        let dense = length * width <= pairs.len() * (width + 1);
        let mut out = vec![width as u8 + if dense { 0 } else { LISTED }];
        seven_bits(self.epoch, &mut out);
        let cell = |position: u64| position.to_be_bytes()[8 - width..].to_vec();
        if dense {
            self.reached[..length].iter().for_each(|reached| out.extend(cell(*reached)));
        } else {
            for (shard, reached) in pairs {
                out.push(shard as u8);
                out.extend(cell(*reached));
            }
        }
        out
    }
}

fn seven_bits(mut number: u64, out: &mut Vec<u8>) {
    while number > 0x7F {
        out.push(number as u8 & 0x7F | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// base64url without padding.
pub fn base64(data: &[u8]) -> String {
    let mut out = String::with_capacity(data.len().div_ceil(3) * 4);
    for chunk in data.chunks(3) {
        let bits = chunk.iter().fold(0, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for digit in 0..=chunk.len() {
            out.push(DIGITS[(bits >> (18 - 6 * digit) & 63) as usize].into());
        }
    }
    out
}
