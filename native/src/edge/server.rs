//! The edge's thread: one loop over the listener and all connections that it holds.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use mio::event::Event;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token, Waker};

use crate::edge::connection::{Connection, Found};
use crate::edge::responder::Responder;
use crate::edge::shared::{Handed, Shared, Why, locked};

const LISTENER: Token = Token(usize::MAX);
const WAKER: Token = Token(usize::MAX - 1);
const LOOK_EVERY: Duration = Duration::from_secs(1);
const READ_BYTES: usize = 64 * 1024;
const CROWDED: (usize, usize) = (9, 8); // tenths of the connections: above the first, idle ones are closed to the second
const FINISH_WITHIN: Duration = Duration::from_secs(2); // how long a stopped edge waits for answers to be read

/// The loop. Connections lie in slots that are used again.
pub struct Server {
    poll: Poll,
    listener: TcpListener,
    shared: Arc<Shared>,
    responder: Responder,
    slots: Vec<Option<Connection>>,
    free: Vec<usize>,
    generation: u32,
    began: Instant,
    buffer: Vec<u8>,
    answer: Vec<u8>,
}

impl Server {
    /// Over a socket that listens. The waker is for whoever changes what is shared.
    pub fn new(listener: OwnedFd, shared: Arc<Shared>, responder: Responder) -> io::Result<(Server, Waker)> {
        let poll = Poll::new()?;
        let listener = std::net::TcpListener::from(listener);
        listener.set_nonblocking(true)?;
        let mut listener = TcpListener::from_std(listener);
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
        let waker = Waker::new(poll.registry(), WAKER)?;
        let server = Server {
            poll,
            listener,
            shared,
            responder,
            slots: Vec::new(),
            free: Vec::new(),
            generation: 0,
            began: Instant::now(),
            buffer: vec![0; READ_BYTES],
            answer: Vec::new(),
        };
        Ok((server, waker))
    }

    /// Run until told to stop; then send what was answered, and close every connection.
    pub fn run(&mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(1024);
        let mut look_at = Instant::now() + LOOK_EVERY;
        let mut stop_at = None;
        loop {
            let wait = look_at.saturating_duration_since(Instant::now());
            match self.poll.poll(&mut events, Some(wait)) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                _ => (),
            }
            for event in &events {
                match event.token() {
                    LISTENER => self.accept(stop_at.is_some()),
                    WAKER => self.take_back(),
                    _ => self.serve(event),
                }
            }
            if self.shared.stopping.load(Relaxed) {
                if stop_at.is_none() {
                    self.poll.registry().deregister(&mut self.listener)?;
                }
                let until = *stop_at.get_or_insert_with(|| Instant::now() + FINISH_WITHIN);
                self.take_back();
                self.close_where(|connection| !connection.is_unread());
                if self.slots.iter().all(Option::is_none) || Instant::now() >= until {
                    self.close_where(|_| true);
                    return Ok(());
                }
            }
            if Instant::now() >= look_at {
                look_at = Instant::now() + LOOK_EVERY;
                self.accept(stop_at.is_some()); // one that found no descriptor may find one now
                self.look();
            }
        }
    }

    fn now(&self) -> u64 {
        self.began.elapsed().as_millis() as u64
    }

    fn accept(&mut self, is_stopping: bool) {
        while !is_stopping && let Ok((stream, _)) = self.listener.accept() {
            let counters = &self.shared.counters;
            if counters.open.load(Relaxed) + counters.elsewhere.load(Relaxed) >= self.shared.fixed.most {
                self.hand_over(stream, Vec::new(), Why::Full, 0);
            } else {
                self.hold(stream, true);
            }
        }
    }

    /// Take back the connections that Python gives back.
    fn take_back(&mut self) {
        let returned = std::mem::take(&mut *locked(&self.shared.returned));
        for socket in returned {
            let stream = std::net::TcpStream::from(socket);
            if stream.set_nonblocking(true).is_ok() {
                self.hold(TcpStream::from_std(stream), false);
            }
        }
    }

    fn hold(&mut self, mut stream: TcpStream, is_new: bool) {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() - 1
        });
        self.generation = self.generation.wrapping_add(1) & 0x7FFF_FFFF; // no token is the listener's
        let token = Token((self.generation as usize) << 32 | slot);
        if self.poll.registry().register(&mut stream, token, Interest::READABLE | Interest::WRITABLE).is_err() {
            self.free.push(slot);
            return;
        }
        self.slots[slot] = Some(Connection::new(stream, self.now(), is_new, self.generation));
        self.shared.counters.open.fetch_add(1, Relaxed);
    }

    fn release(&mut self, slot: usize) -> Option<TcpStream> {
        let mut connection = self.slots[slot].take()?;
        self.free.push(slot);
        self.shared.counters.open.fetch_sub(1, Relaxed);
        let _ = self.poll.registry().deregister(&mut connection.stream);
        Some(connection.stream)
    }

    fn serve(&mut self, event: &Event) {
        let (slot, generation) = (event.token().0 & 0xFFFF_FFFF, (event.token().0 >> 32) as u32);
        let now = self.now();
        let Some(Some(connection)) = self.slots.get_mut(slot) else { return };
        if connection.generation != generation {
            return; // one that was at this place before
        }
        if connection.is_unread() {
            if connection.flush(now).is_err() {
                self.release(slot);
                return;
            }
            if connection.is_unread() {
                return; // nothing more is read until the client has read its answer
            }
        } else if !event.is_readable() && !event.is_read_closed() && !event.is_error() {
            return;
        }
        self.read(slot, now, event.is_read_closed() || event.is_error());
    }

    /// Answer what has arrived on a connection, as far as it can be answered here. A read that did not fill the buffer was
    /// the last: what arrives later is an event of its own, and only an end that is there already (`is_ending`) is not.
    fn read(&mut self, slot: usize, now: u64, is_ending: bool) {
        loop {
            let Some(connection) = &mut self.slots[slot] else { return };
            let length = match connection.read(&mut self.buffer) {
                Found::Bytes(length) => length,
                Found::Nothing => return,
                Found::End => {
                    self.release(slot);
                    return;
                }
            };
            let (is_new, since) = (std::mem::replace(&mut connection.is_new, false), connection.since);
            self.answer.clear();
            if self.responder.answer(&self.buffer[..length], &mut self.answer).is_none() {
                let data = self.buffer[..length].to_vec();
                let waited_ms = if is_new { now.saturating_sub(since) } else { 0 };
                if let Some(stream) = self.release(slot) {
                    self.hand_over(stream, data, Why::Request, waited_ms);
                }
                return;
            }
            if connection.send(&self.answer, now).is_err() {
                self.release(slot);
                return;
            }
            if connection.is_unread() || (length < READ_BYTES && !is_ending) {
                return;
            }
        }
    }

    fn hand_over(&self, stream: TcpStream, data: Vec<u8>, why: Why, waited_ms: u64) {
        let socket = OwnedFd::from(std::net::TcpStream::from(stream));
        self.shared.hand_over(Handed { socket, data, why, waited_ms });
    }

    /// Look for clients that nobody waits for any longer.
    fn look(&mut self) {
        let (now, fixed) = (self.now(), &self.shared.fixed);
        let (first_byte_ms, keep_alive_ms, unread_ms) = (fixed.first_byte_ms, fixed.keep_alive_ms, fixed.unread_ms);
        for slot in 0..self.slots.len() {
            let Some(connection) = &self.slots[slot] else { continue };
            let waited = now.saturating_sub(connection.since);
            if connection.is_unread() {
                if waited > unread_ms {
                    self.shared.counters.unread.fetch_add(1, Relaxed);
                    self.release(slot);
                }
            } else if connection.is_new && waited > first_byte_ms {
                if let Some(stream) = self.release(slot) {
                    self.hand_over(stream, Vec::new(), Why::Late, waited);
                }
            } else if !connection.is_new && waited > keep_alive_ms {
                self.release(slot);
            }
        }
        self.make_room();
    }

    /// Where it is crowded, close those that have been idle longest.
    fn make_room(&mut self) {
        let counters = &self.shared.counters;
        let (all, most) = (counters.open.load(Relaxed) + counters.elsewhere.load(Relaxed), self.shared.fixed.most);
        if all * 10 <= most * CROWDED.0 {
            return;
        }
        let is_idle = |connection: &Connection| !connection.is_new && !connection.is_unread();
        let mut idle: Vec<(u64, usize)> = (0..)
            .zip(&self.slots)
            .filter_map(|(slot, held)| held.as_ref().filter(|held| is_idle(held)).map(|held| (held.since, slot)))
            .collect();
        idle.sort_unstable();
        for (_, slot) in idle.into_iter().take(all - most * CROWDED.1 / 10) {
            self.release(slot);
            self.shared.counters.crowded.fetch_add(1, Relaxed);
        }
    }

    fn close_where(&mut self, is_over: impl Fn(&Connection) -> bool) {
        for slot in 0..self.slots.len() {
            if self.slots[slot].as_ref().is_some_and(&is_over) {
                self.release(slot);
            }
        }
    }
}
