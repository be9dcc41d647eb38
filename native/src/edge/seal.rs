//! Version tokens as members see them: sealed by AES-SIV (RFC 5297), as `laurels.dashboard.versions` seals them.

use aes_siv::KeyInit;
use aes_siv::siv::Aes256Siv;

use crate::engine::version::{Version, base64};

const WIDTH: usize = 5; // bytes of a position: its length must not tell it
const PLAIN_BYTES: usize = 88;
const STEP: usize = 80;
const SEALED: &str = "s"; // no plain token begins so

/// Seals versions, each once for as long as it is the same one.
pub struct Seal {
    siv: Aes256Siv,
    of: (u64, u64),
    token: String,
}

impl Seal {
    /// None where the key is not of 64 bytes.
    pub fn new(key: &[u8]) -> Option<Seal> {
        Some(Seal { siv: Aes256Siv::new_from_slice(key).ok()?, of: (0, 0), token: String::new() })
    }

    /// The token of a version; None where it cannot be sealed.
    pub fn token(&mut self, version: &Version) -> Option<&str> {
        if self.of != version.of || self.token.is_empty() {
            let mut packed = version.packed(WIDTH);
            let more = packed.len().saturating_sub(PLAIN_BYTES).div_ceil(STEP) * STEP;
            packed.resize(PLAIN_BYTES + more, 0);
            let sealed = self.siv.encrypt([] as [&[u8]; 0], &packed).ok()?;
            self.token = [SEALED, &base64(&sealed)].concat();
            self.of = version.of;
        }
        Some(&self.token)
    }
}
