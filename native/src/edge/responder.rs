//! The answer to one request, where there is one without a wait.

use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::dashboard::names::Names;
use crate::dashboard::render::Renderer;
use crate::edge::counters::Route;
use crate::edge::orders::{Answer, Caller, Posted, Waiting, posted};
use crate::edge::quota::Allowance;
use crate::edge::request::{Asked, asked, is_id};
use crate::edge::response::{Stamps, matches, write_number, write_tag};
use crate::edge::seal::Seal;
use crate::edge::shared::{Named, Shared, locked};
use crate::engine::reader::Reader;
use crate::http::request_head::{RequestHead, plain};

const TOP_OF_YOUNG: usize = 10;
const ALL_TIME: &[u8] = b"all-time";
const AROUND: &[u8] = b"\"around\":";
const SECOND: i64 = 1_000_000;

/// Answers requests of one thread.
pub struct Responder {
    shared: Arc<Shared>,
    reader: Reader,
    renderer: Renderer,
    seal: Seal,
    stamps: Stamps,
    body: Vec<u8>,
    tag: Vec<u8>,
}

impl Responder {
    /// Over a board of its own opening.
    pub fn new(shared: Arc<Shared>, reader: Reader, names: Names, seal: Seal) -> std::io::Result<Responder> {
        let (renderer, stamps) = (Renderer::new(names), Stamps::new()?);
        Ok(Responder { shared, reader, renderer, seal, stamps, body: Vec::new(), tag: Vec::new() })
    }

    /// Append the whole answer to `out`; None, and nothing appended, where Python has to answer.
    pub fn answer(&mut self, data: &[u8], out: &mut Vec<u8>) -> Option<()> {
        let head = plain(data)?;
        let (began, now) = (Instant::now(), now());
        let shared = self.shared.clone();
        let asked = asked(&head, &shared.fixed.prefix)?;
        let member = shared.tokens.member(head.authorization?, now)?;
        let route = match asked {
            Asked::Dashboard { member: sent, board, top, around } => {
                is_id(sent, &member).then_some(())?;
                self.dashboard(&member, board, top, around, now)?;
                Route::Dashboard
            }
            Asked::Board { board, top } => {
                self.board(board, top, now)?;
                Route::Board
            }
        };
        let allowance = shared.quota.as_ref().map(|quota| locked(quota).take(&member, now));
        if allowance.is_some_and(|left| left.wait > 0) {
            return None; // nothing was taken, and Python says when again
        }
        let is_known = head.tag.is_some_and(|sent| matches(sent, &self.tag));
        self.write(&head, is_known, allowance, now, out);
        shared.counters.answered(route, is_known, began.elapsed().as_nanos() as u64);
        Some(())
    }

    /// The order that these bytes begin with, and who sends it: not a member, and remembered as checked.
    pub fn order<'a>(&self, data: &'a [u8]) -> Option<(Posted<'a>, Caller)> {
        let fixed = &self.shared.fixed;
        let posted = posted(data, &fixed.prefix, fixed.most_body)?;
        let caller = self.shared.tokens.other(posted.authorization, now())?;
        Some((posted, caller))
    }

    /// The id of a request: the client's own where it is sane, else a new one.
    pub fn request_id(&mut self, sent: Option<&[u8]>) -> String {
        let mut id = Vec::with_capacity(32);
        self.stamps.write_id(sent, &mut id);
        String::from_utf8_lossy(&id).into_owned() // letters, digits and a few signs
    }

    /// Write what Python answers to an order.
    pub fn write_answer(&mut self, answer: &Answer, waiting: &Waiting, out: &mut Vec<u8>) {
        out.extend_from_slice(&answer.status);
        self.write_date(now(), out);
        out.extend_from_slice(&answer.lines);
        out.extend_from_slice(b"content-length: ");
        write_number(answer.body.len(), out);
        out.extend_from_slice(b"\r\nx-request-id: ");
        out.extend_from_slice(waiting.request_id.as_bytes());
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(&self.shared.fixed.security);
        self.write_origin(&waiting.origin, out);
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(&answer.body);
    }

    /// Read a member's dashboard into the body and the tag.
    fn dashboard(&mut self, member: &str, asked: Option<&[u8]>, top: u32, around: u32, now: i64) -> Option<()> {
        let named = self.named(asked.unwrap_or(ALL_TIME), now)?;
        let fixed = &self.shared.fixed;
        let mut snapshot = self.reader.read(&named.board, Some(member), top as usize, around as usize).ok()?;
        let is_young = named.may_be_young && snapshot.ranked < fixed.smallest;
        let mut shown = top as usize;
        if is_young && shown > TOP_OF_YOUNG {
            shown = TOP_OF_YOUNG;
            snapshot = self.reader.read(&named.board, Some(member), shown, 0).ok()?;
        }
        let stale = now.saturating_sub(snapshot.confirmed_at) > fixed.stale_after;
        let as_of = self.seal.token(&snapshot.version)?;
        let body = self.renderer.dashboard(snapshot, &named.board, shown, as_of, stale);
        self.body.clear();
        self.body.extend_from_slice(body);
        if is_young {
            let cut = self.body.windows(AROUND.len()).rposition(|window| window == AROUND)?;
            self.body.truncate(cut + AROUND.len());
            self.body.extend_from_slice(b"[]}");
        }
        let query = format!("DashboardQuery(board='{}', top={top}, around={around}, min_version=None)", named.name);
        self.tag.clear();
        write_tag(as_of, &self.body, crc32fast::hash(query.as_bytes()), &mut self.tag);
        Some(())
    }

    /// Read a board's top into the body and the tag.
    fn board(&mut self, asked: &[u8], top: u32, now: i64) -> Option<()> {
        let named = self.named(asked, now)?;
        let fixed = &self.shared.fixed;
        let mut shown = top as usize;
        let mut snapshot = self.reader.read(&named.board, None, shown, 0).ok()?;
        if named.may_be_young && snapshot.ranked < fixed.smallest && shown > TOP_OF_YOUNG {
            shown = TOP_OF_YOUNG;
            snapshot = self.reader.read(&named.board, None, shown, 0).ok()?;
        }
        let stale = now.saturating_sub(snapshot.confirmed_at) > fixed.stale_after;
        let as_of = self.seal.token(&snapshot.version)?;
        let body = self.renderer.board(snapshot, &named.board, shown, as_of, stale);
        self.body.clear();
        self.body.extend_from_slice(body);
        self.tag.clear();
        write_tag(as_of, body, crc32fast::hash(format!("BoardQuery(top={top})").as_bytes()), &mut self.tag);
        Some(())
    }

    fn named(&self, asked: &[u8], now: i64) -> Option<Named> {
        let boards = locked(&self.shared.boards);
        boards.iter().find(|named| named.name.as_bytes() == asked && now < named.until).cloned()
    }

    fn write(
        &mut self,
        head: &RequestHead<'_>,
        is_known: bool,
        allowance: Option<Allowance>,
        now: i64,
        out: &mut Vec<u8>,
    ) {
        out.extend_from_slice(if is_known { b"HTTP/1.1 304 Not Modified\r\n" } else { b"HTTP/1.1 200 OK\r\n" });
        self.write_date(now, out);
        out.extend_from_slice(b"etag: ");
        out.extend_from_slice(&self.tag);
        out.extend_from_slice(b"\r\n");
        let fixed = &self.shared.fixed;
        out.extend_from_slice(&fixed.cached);
        if !is_known {
            out.extend_from_slice(b"content-type: application/json\r\ncontent-length: ");
            write_number(self.body.len(), out);
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(b"x-request-id: ");
        self.stamps.write_id(head.id, out);
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(&fixed.security);
        if let Some(left) = allowance {
            out.extend_from_slice(b"ratelimit: ");
            out.extend_from_slice(&fixed.quota_name);
            out.extend_from_slice(b";r=");
            write_number(left.requests, out);
            out.extend_from_slice(b";t=");
            write_number((left.whole_in + SECOND - 1).div_euclid(SECOND), out);
            out.extend_from_slice(b"\r\n");
        }
        self.write_origin(head.origin.unwrap_or_default(), out);
        out.extend_from_slice(b"\r\n");
        if !is_known {
            out.extend_from_slice(&self.body);
        }
    }

    fn write_date(&mut self, now: i64, out: &mut Vec<u8>) {
        out.extend_from_slice(b"date: ");
        out.extend_from_slice(self.stamps.date(now).as_bytes());
        out.extend_from_slice(b"\r\n");
    }

    fn write_origin(&self, origin: &[u8], out: &mut Vec<u8>) {
        let fixed = &self.shared.fixed;
        out.extend_from_slice(fixed.origins.get(origin).unwrap_or(&fixed.other_origins));
    }
}

/// Microseconds since 1970.
fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as i64)
}
