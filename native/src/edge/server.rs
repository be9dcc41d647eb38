//! The edge's thread: one loop over the listener and all connections that it holds.

mod closing;

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use mio::event::Event;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token, Waker};

use crate::edge::connection::{Connection, Found};
use crate::edge::orders::{Caller, Order, Posted, Waiting};
use crate::edge::responder::Responder;
use crate::edge::shared::{Handed, Shared, Why, locked};

const LISTENER: Token = Token(usize::MAX);
const WAKER: Token = Token(usize::MAX - 1);
const LOOK_EVERY: Duration = Duration::from_secs(1);
const READ_BYTES: usize = 64 * 1024;
const ANSWERED_WITHIN: Duration = Duration::from_secs(10); // how long it waits for those of Python
const MOST_HELD: usize = 8 << 20; // bytes of orders that arrive or wait for an answer; more are handed over

/// The loop. Connections lie in slots that are used again.
pub struct Server {
    poll: Poll,
    listener: TcpListener,
    shared: Arc<Shared>,
    responder: Responder,
    slots: Vec<Option<Connection>>,
    free: Vec<usize>,
    generation: u32,
    held: usize,
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
            held: 0,
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
                    WAKER => {
                        self.take_back();
                        self.send_answers();
                    }
                    _ => self.serve(event),
                }
            }
            if self.shared.stopping.load(Relaxed) {
                if stop_at.is_none() {
                    self.poll.registry().deregister(&mut self.listener)?;
                }
                let until = *stop_at.get_or_insert_with(|| Instant::now() + ANSWERED_WITHIN);
                self.take_back();
                self.finish(Instant::now() >= until);
                if self.slots.iter().all(Option::is_none) {
                    return Ok(());
                }
            }
            if Instant::now() >= look_at {
                look_at = Instant::now() + LOOK_EVERY;
                self.accept(stop_at.is_some()); // one that found no descriptor may find one now
                self.look();
            }
            self.shared.tell();
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
        self.held -= connection.counted;
        self.shared.counters.open.fetch_sub(1, Relaxed);
        let _ = self.poll.registry().deregister(&mut connection.stream);
        Some(connection.stream)
    }

    fn serve(&mut self, event: &Event) {
        let now = self.now();
        let is_ending = event.is_read_closed() || event.is_error();
        let Some((slot, connection)) = self.find(event.token().0) else { return };
        if let Some(asked) = &mut connection.asked {
            asked.missed |= event.is_readable() || is_ending;
            return; // nothing more is read until it is answered
        }
        if connection.is_unread() {
            if connection.flush(now).is_err() {
                self.release(slot);
                return;
            }
            if connection.is_unread() {
                return; // nothing more is read until the client has read its answer
            }
            if !self.go_on(slot, now) {
                self.read_later(slot, true);
                return;
            }
        } else if !event.is_readable() && !is_ending {
            return;
        }
        self.read(slot, now, is_ending);
    }

    /// The connection that a token or a ticket names; None for one that was at its place before.
    fn find(&mut self, token: usize) -> Option<(usize, &mut Connection)> {
        let (slot, generation) = (token & 0xFFFF_FFFF, (token >> 32) as u32);
        let connection = self.slots.get_mut(slot)?.as_mut()?;
        (connection.generation == generation).then_some((slot, connection))
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
            let goes_on = if connection.kept.is_empty() {
                let buffer = std::mem::take(&mut self.buffer);
                let goes_on = self.take(slot, &buffer[..length], now);
                self.buffer = buffer;
                goes_on
            } else {
                connection.kept.extend_from_slice(&self.buffer[..length]);
                self.go_on(slot, now)
            };
            let is_all = length < READ_BYTES && !is_ending;
            if !goes_on {
                self.read_later(slot, !is_all);
            }
            if !goes_on || is_all {
                return;
            }
        }
    }

    /// Go on with what was kept; tells whether more may be read.
    fn go_on(&mut self, slot: usize, now: u64) -> bool {
        let Some(connection) = &mut self.slots[slot] else { return false };
        if connection.kept.len() < connection.whole || connection.kept.is_empty() {
            return true;
        }
        let kept = std::mem::take(&mut connection.kept);
        self.take(slot, &kept, now)
    }

    /// Take what was read: answer it, have it answered, keep it until it is whole, or hand it over. Tells whether more may
    /// be read.
    fn take(&mut self, slot: usize, data: &[u8], now: u64) -> bool {
        let Some(connection) = &mut self.slots[slot] else { return false };
        self.answer.clear();
        if self.responder.answer(data, &mut self.answer).is_some() {
            connection.is_new = false;
            let (is_sent, is_unread) = (connection.send(&self.answer, now).is_ok(), connection.is_unread());
            self.count(slot, 0);
            if !is_sent {
                self.release(slot);
            }
            return is_sent && !is_unread;
        }
        match self.responder.order(data) {
            Some((posted, _)) if !self.count(slot, posted.end.max(data.len())) => self.give_away(slot, data, now),
            Some((posted, caller)) if posted.end <= data.len() => self.ask(slot, &posted, caller, data),
            Some((posted, _)) => {
                self.keep(slot, data, posted.end, now);
                return true;
            }
            None => self.give_away(slot, data, now),
        }
        false
    }

    /// Count so many bytes for a connection, in place of those before, where there is room.
    fn count(&mut self, slot: usize, bytes: usize) -> bool {
        let Some(connection) = &mut self.slots[slot] else { return false };
        let held = self.held - connection.counted + bytes;
        if held > MOST_HELD {
            return false;
        }
        (self.held, connection.counted) = (held, bytes);
        true
    }

    /// Keep an order of which a part has arrived.
    fn keep(&mut self, slot: usize, data: &[u8], whole: usize, now: u64) {
        let Some(connection) = &mut self.slots[slot] else { return };
        if !std::mem::replace(&mut connection.is_new, false) {
            connection.since = now;
        }
        connection.kept = data.to_vec();
        connection.whole = whole;
    }

    /// Have an order answered that is whole; what is behind it waits.
    fn ask(&mut self, slot: usize, posted: &Posted<'_>, caller: Caller, data: &[u8]) {
        let request_id = self.responder.request_id(posted.id);
        let Some(connection) = &mut self.slots[slot] else { return };
        let since = Instant::now();
        connection.is_new = false;
        connection.kept = data[posted.end..].to_vec();
        connection.whole = 0;
        connection.asked = Some(Box::new(Waiting {
            request_id: request_id.clone(),
            origin: posted.origin.unwrap_or_default().to_vec(),
            since,
            missed: false,
        }));
        let ticket = (connection.generation as usize) << 32 | slot;
        let part = String::from_utf8_lossy(posted.part).into_owned(); // printable ASCII
        let body = data[posted.begin..posted.end].to_vec();
        self.shared.ask(Order { ticket, part, body, request_id, caller, since });
    }

    /// Send what Python has answered, each to who waits for it.
    fn send_answers(&mut self) {
        let (answers, now) = (std::mem::take(&mut *locked(&self.shared.answers)), self.now());
        let is_stopping = self.shared.stopping.load(Relaxed);
        for answer in answers {
            let Some((slot, connection)) = self.find(answer.ticket) else { continue };
            let Some(asked) = connection.asked.take() else { continue };
            let kept = connection.kept.len();
            self.count(slot, kept);
            self.answer.clear();
            self.responder.write_answer(&answer, &asked, &mut self.answer);
            if !answer.status.starts_with(b"HTTP/1.1 404") {
                self.shared.counters.orders.add(asked.since.elapsed().as_nanos() as u64);
            }
            let Some(connection) = &mut self.slots[slot] else { continue };
            if connection.send(&self.answer, now).is_err() {
                self.release(slot);
            } else if connection.is_unread() {
                continue;
            } else if is_stopping {
                if asked.missed {
                    let kept = std::mem::take(&mut connection.kept);
                    self.give_away(slot, &kept, now); // what was sent behind it is answered there
                }
            } else if !self.go_on(slot, now) {
                self.read_later(slot, asked.missed);
            } else if asked.missed {
                self.read(slot, now, true);
            }
        }
    }

    /// Where an order is asked, read on once it is answered: `is_there` more, of which no event tells again.
    fn read_later(&mut self, slot: usize, is_there: bool) {
        if let Some(Some(connection)) = self.slots.get_mut(slot)
            && let Some(asked) = &mut connection.asked
        {
            asked.missed |= is_there;
        }
    }

    /// Hand a connection over with what was read and not dealt with.
    fn give_away(&mut self, slot: usize, data: &[u8], now: u64) {
        let Some(connection) = &self.slots[slot] else { return };
        let is_counted = connection.is_new || connection.whole > 0;
        let waited_ms = if is_counted { now.saturating_sub(connection.since) } else { 0 };
        if let Some(stream) = self.release(slot) {
            self.hand_over(stream, data.to_vec(), Why::Request, waited_ms);
        }
    }

    fn hand_over(&self, stream: TcpStream, data: Vec<u8>, why: Why, waited_ms: u64) {
        let socket = OwnedFd::from(std::net::TcpStream::from(stream));
        self.shared.hand_over(Handed { socket, data, why, waited_ms });
    }
}
