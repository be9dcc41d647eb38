//! What the edge's thread and Python share, each part behind a lock of its own that is held for moments.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::edge::counters::Counters;
use crate::edge::orders::{Answer, Order};
use crate::edge::quota::Quota;
use crate::edge::token_table::Tokens;

/// What stays as it is while an edge runs. Header lines are whole, with their ends.
#[derive(Debug, Default)]
pub struct Fixed {
    /// What a proxy may have left before each path.
    pub prefix: Vec<u8>,
    /// The header lines of an answer that a browser may keep.
    pub cached: Vec<u8>,
    /// The header lines that keep browsers safe.
    pub security: Vec<u8>,
    /// The header lines for pages of some origins.
    pub origins: HashMap<Vec<u8>, Vec<u8>>,
    /// Those for pages of every other one, and for none.
    pub other_origins: Vec<u8>,
    /// The quota's name, as the header spells it.
    pub quota_name: Vec<u8>,
    /// Microseconds after which an unconfirmed board is stale.
    pub stale_after: i64,
    /// How many have to be ranked on a board that may be young for it not to be.
    pub smallest: u32,
    /// Connections that this process may have.
    pub most: usize,
    /// How long a connection may wait for its first byte, be idle after an answer, and leave an answer unread.
    pub first_byte_ms: u64,
    /// See above.
    pub keep_alive_ms: u64,
    /// See above.
    pub unread_ms: u64,
    /// How long a request may take to arrive as a whole.
    pub request_ms: u64,
    /// The longest body that the edge reads.
    pub most_body: usize,
}

/// What a name of a board means until an instant.
#[derive(Clone, Debug)]
pub struct Named {
    /// As it is asked for.
    pub name: String,
    /// As it is kept.
    pub board: String,
    /// Until when.
    pub until: i64,
    /// Whether it is young while few are ranked on it.
    pub may_be_young: bool,
}

/// Why a connection is handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// Bytes that the edge has no answer to.
    Request = 0,
    /// No byte came in time.
    Late = 1,
    /// There are too many connections.
    Full = 2,
}

/// A connection for Python.
pub struct Handed {
    /// The socket.
    pub socket: OwnedFd,
    /// What was read and not answered.
    pub data: Vec<u8>,
    /// Why.
    pub why: Why,
    /// How long it has waited for its first byte.
    pub waited_ms: u64,
}

/// The shared parts.
pub struct Shared {
    /// What stays.
    pub fixed: Fixed,
    /// Tokens that were checked.
    pub tokens: Arc<dyn Tokens>,
    /// Members' quota; None: no limit.
    pub quota: Option<Arc<Mutex<Quota>>>,
    /// What is counted.
    pub counters: Counters,
    /// What boards are called.
    pub boards: Mutex<Vec<Named>>,
    /// Connections that come back.
    pub returned: Mutex<Vec<OwnedFd>>,
    /// Answers to orders.
    pub answers: Mutex<Vec<Answer>>,
    /// Whether the thread is to end.
    pub stopping: AtomicBool,
    handed: Mutex<Vec<Handed>>,
    orders: Mutex<Vec<Order>>,
    has_news: AtomicBool,
    waker: UnixStream,
    heard: UnixStream,
}

impl Shared {
    /// Around parts that others hold too.
    pub fn new(
        fixed: Fixed,
        tokens: Arc<dyn Tokens>,
        quota: Option<Arc<Mutex<Quota>>>,
        counters: Counters,
    ) -> std::io::Result<Shared> {
        let (waker, heard) = UnixStream::pair()?;
        waker.set_nonblocking(true)?;
        heard.set_nonblocking(true)?;
        Ok(Shared {
            fixed,
            tokens,
            quota,
            counters,
            boards: Mutex::default(),
            returned: Mutex::default(),
            answers: Mutex::default(),
            stopping: AtomicBool::new(false),
            handed: Mutex::default(),
            orders: Mutex::default(),
            has_news: AtomicBool::new(false),
            waker,
            heard,
        })
    }

    /// Hand a connection over, once it is told.
    pub fn hand_over(&self, handed: Handed) {
        self.counters.handed.fetch_add(1, Relaxed);
        locked(&self.handed).push(handed);
        self.has_news.store(true, Relaxed);
    }

    /// Have an order answered, once it is told.
    pub fn ask(&self, order: Order) {
        locked(&self.orders).push(order);
        self.has_news.store(true, Relaxed);
    }

    /// Tell of all that was handed over and asked since the last time: by one thread, once a turn, so that what came
    /// together is taken together.
    pub fn tell(&self) {
        if self.has_news.swap(false, Relaxed) {
            // Full: then there is something to be heard already.
            let _ = (&self.waker).write(&[1]);
        }
    }

    /// The connections that were handed over since the last time, and the orders that wait for an answer.
    pub fn take(&self) -> (Vec<Handed>, Vec<Order>) {
        // In this order: what comes after the first step is noticed again.
        let mut heard = [0; 64];
        while matches!((&self.heard).read(&mut heard), Ok(64)) {}
        (std::mem::take(&mut *locked(&self.handed)), std::mem::take(&mut *locked(&self.orders)))
    }

    /// What is readable once a connection was handed over, or an order waits.
    pub fn heard(&self) -> &UnixStream {
        &self.heard
    }
}

/// The lock's content, whatever happened to a thread that held it: none leaves anything half done.
pub fn locked<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
