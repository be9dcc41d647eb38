//! Tokens that were checked, by a keyed digest of the header that they came in: what is kept lets nobody in. Members'
//! tokens may be shared with other processes.

use std::any::Any;
use std::collections::HashSet;
use std::fs::File;
use std::hash::Hasher;
use std::io::{Read, Result};
use std::sync::{Arc, Mutex, PoisonError};

use lru::LruCache;
use siphasher::sip128::{Hasher128, SipHasher24};

use crate::edge::shared_tokens::{Known, SharedTokens};

type Digest = (u64, u64);

/// Checked tokens, each with the value that its check led to.
pub struct TokenTable<T> {
    key: [u8; 16],
    most: usize,
    entries: LruCache<Digest, Entry<T>>,
    shared: Option<Arc<SharedTokens>>,
    trusted: HashSet<u64>,
}

struct Entry<T> {
    value: Arc<T>,
    member: Option<Arc<str>>,
    until: i64,
}

impl<T> TokenTable<T> {
    /// Room for `most` tokens; then the one that was put longest ago is forgotten. Its key is random, or that of the
    /// table which is `shared`.
    pub fn new(most: usize, shared: Option<Arc<SharedTokens>>) -> Result<TokenTable<T>> {
        let mut key = [0; 16];
        match &shared {
            Some(shared) => key = shared.key(),
            None => File::open("/dev/urandom")?.read_exact(&mut key)?,
        }
        Ok(TokenTable { key, most, entries: LruCache::unbounded(), shared, trusted: HashSet::new() })
    }

    /// Tell other processes whose a token is.
    pub fn share(&self, header: &[u8], known: &Known) {
        if let Some(shared) = &self.shared {
            shared.put(self.digest(header), known);
        }
    }

    /// What another process has told of a header, where the key that it was checked with is trusted here.
    pub fn known(&self, header: &[u8], now: i64) -> Option<Known> {
        let known = self.shared.as_ref()?.get(self.digest(header), now)?;
        self.trusted.contains(&known.checked_by).then_some(known)
    }

    /// Trust these keys and no other.
    pub fn trust(&mut self, keys: impl IntoIterator<Item = u64>) {
        self.trusted = keys.into_iter().collect();
    }

    /// Remember what a header stands for until an instant, and whose it is where it is a member's.
    pub fn put(&mut self, header: &[u8], value: T, member: Option<&str>, until: i64) {
        self.entries.put(self.digest(header), Entry { value: Arc::new(value), member: member.map(Arc::from), until });
        if self.entries.len() > self.most {
            self.entries.pop_lru();
        }
    }

    /// What a header stands for at an instant.
    pub fn get(&self, header: &[u8], now: i64) -> Option<&T> {
        self.entry(header, now).map(|entry| &*entry.value)
    }

    /// Forget all of them.
    pub fn clear(&mut self) {
        self.entries.clear();
    }

    fn entry(&self, header: &[u8], now: i64) -> Option<&Entry<T>> {
        self.entries.peek(&self.digest(header)).filter(|entry| entry.until > now)
    }

    fn digest(&self, header: &[u8]) -> Digest {
        let mut hasher = SipHasher24::new_with_key(&self.key);
        hasher.write(header);
        hasher.finish128().as_u64()
    }
}

/// Tells whose a token is, to a thread that knows nothing of the values.
pub trait Tokens: Send + Sync {
    /// The member whom a header stands for at an instant; None for a service's, and for one that has to be checked.
    fn member(&self, header: &[u8], now: i64) -> Option<Arc<str>>;

    /// The value of a header at an instant; None for a member's, and for one that has to be checked.
    fn other(&self, header: &[u8], now: i64) -> Option<Arc<dyn Any + Send + Sync>>;
}

impl<T: Send + Sync + 'static> Tokens for Mutex<TokenTable<T>> {
    fn member(&self, header: &[u8], now: i64) -> Option<Arc<str>> {
        let table = self.lock().unwrap_or_else(PoisonError::into_inner);
        match table.entry(header, now) {
            Some(entry) => entry.member.clone(),
            None => table.known(header, now).map(|known| known.member.into()),
        }
    }

    fn other(&self, header: &[u8], now: i64) -> Option<Arc<dyn Any + Send + Sync>> {
        let table = self.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = table.entry(header, now).filter(|entry| entry.member.is_none())?;
        Some(entry.value.clone())
    }
}
