//! One connection that the edge holds.

use std::io::{ErrorKind, Read, Result, Write};

use mio::net::TcpStream;

use crate::edge::orders::Waiting;

/// A connection: its socket, what of an answer the system would not take at once, and what was read and waits.
pub struct Connection {
    /// The socket.
    pub stream: TcpStream,
    /// Since when it is idle, its order arrives, or its answer waits to be read, in milliseconds of the edge's clock.
    pub since: u64,
    /// Whether nothing was ever read from it.
    pub is_new: bool,
    /// Tells this connection from another one at the same place.
    pub generation: u32,
    /// What was read and not dealt with: an order that arrives, or what came behind one that is not answered.
    pub kept: Vec<u8>,
    /// Of how many bytes the order is that arrives.
    pub whole: usize,
    /// The order that Python has.
    pub asked: Option<Box<Waiting>>,
    /// How many bytes are counted for it.
    pub counted: usize,
    unsent: Vec<u8>,
}

/// What a read found.
pub enum Found {
    /// So many bytes.
    Bytes(usize),
    /// Nothing for now.
    Nothing,
    /// The client is gone.
    End,
}

impl Connection {
    /// One that was accepted, or that came back.
    pub fn new(stream: TcpStream, since: u64, is_new: bool, generation: u32) -> Connection {
        let (kept, unsent) = (Vec::new(), Vec::new());
        Connection { stream, since, is_new, generation, kept, whole: 0, asked: None, counted: 0, unsent }
    }

    /// Read what is there.
    pub fn read(&mut self, into: &mut [u8]) -> Found {
        loop {
            return match self.stream.read(into) {
                Ok(0) => Found::End,
                Ok(length) => Found::Bytes(length),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == ErrorKind::WouldBlock => Found::Nothing,
                Err(_) => Found::End,
            };
        }
    }

    /// Whether an answer waits to be read.
    pub fn is_unread(&self) -> bool {
        !self.unsent.is_empty()
    }

    /// Whether an order is on its way to the edge.
    pub fn is_arriving(&self) -> bool {
        !self.kept.is_empty() && self.asked.is_none() && !self.is_unread()
    }

    /// Whether nothing goes on.
    pub fn is_idle(&self) -> bool {
        !self.is_new && self.kept.is_empty() && self.asked.is_none() && !self.is_unread()
    }

    /// Send an answer; what the system does not take is kept.
    pub fn send(&mut self, answer: &[u8], now: u64) -> Result<()> {
        let sent = self.write(answer)?;
        self.since = now;
        self.unsent.extend_from_slice(&answer[sent..]);
        Ok(())
    }

    /// Send what was kept, as far as the system takes it.
    pub fn flush(&mut self, now: u64) -> Result<()> {
        let kept = std::mem::take(&mut self.unsent);
        let sent = self.write(&kept)?;
        if sent == kept.len() {
            self.since = now;
        } else {
            self.unsent.extend_from_slice(&kept[sent..]);
        }
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        let mut sent = 0;
        while sent < bytes.len() {
            match self.stream.write(&bytes[sent..]) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(more) => sent += more,
                Err(error) if error.kind() == ErrorKind::Interrupted => (),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(sent)
    }
}
