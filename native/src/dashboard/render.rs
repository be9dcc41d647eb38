//! What people see: a read as the JSON of the wire, under proxy names, byte for byte as the pure-Python engines say it.

use crate::dashboard::names::Names;
use crate::engine::reader::{Me, Row, Snapshot};

/// Tops that are remembered: of so many boards and lengths. They are searched one after the other.
const MOST_TOPS: usize = 64;

/// Renders reads. Every reader of a board sees the same top, so it is rendered again only when it changed.
pub struct Renderer {
    names: Names,
    out: Vec<u8>,
    shuffled: Vec<u32>, // the name numbers of a member and of its neighbours
    tops: Vec<Top>,
}

/// A top, and how it was rendered.
struct Top {
    board: Option<usize>,
    length: usize,
    rows: Vec<Row>,
    json: Vec<u8>,
}

impl Renderer {
    /// Under these names.
    pub fn new(names: Names) -> Renderer {
        Renderer { names, out: Vec::new(), shuffled: Vec::new(), tops: Vec::new() }
    }

    /// A member's dashboard, as `GET /loyalty/{member_id}` answers; `as_of` is the version's token.
    #[inline]
    pub fn dashboard(&mut self, snapshot: &Snapshot, board: &str, top: usize, as_of: &str, stale: bool) -> &[u8] {
        self.shuffled.clear();
        self.shuffled.extend(snapshot.me.iter().map(|me| me.row.name_number));
        self.shuffled.extend(snapshot.around.iter().map(|row| row.name_number));
        self.names.shuffle(&mut self.shuffled);
        self.head(snapshot, board, as_of, stale);
        self.me(snapshot.me.as_ref());
        self.top(snapshot, top);
        self.out.extend_from_slice(b",\"around\":");
        let others = self.shuffled.get(1..).unwrap_or_default();
        rows(&self.names, &snapshot.around, others, snapshot.me.as_ref(), &mut self.out);
        self.out.push(b'}');
        &self.out
    }

    /// A board's top, as `GET /leaderboard/{board}` answers.
    pub fn board(&mut self, snapshot: &Snapshot, board: &str, top: usize, as_of: &str, stale: bool) -> &[u8] {
        self.head(snapshot, board, as_of, stale);
        self.top(snapshot, top);
        self.out.push(b'}');
        &self.out
    }

    fn head(&mut self, snapshot: &Snapshot, board: &str, as_of: &str, stale: bool) {
        let out = &mut self.out;
        out.clear();
        out.extend_from_slice(b"{\"board\":");
        quoted(board, out);
        out.extend_from_slice(b",\"as_of\":\"");
        out.extend_from_slice(as_of.as_bytes());
        out.extend_from_slice(b"\",\"stale\":");
        out.extend_from_slice(if stale { b"true" } else { b"false" });
        out.extend_from_slice(b",\"ranked\":");
        number(snapshot.ranked, out);
    }

    fn me(&mut self, me: Option<&Me>) {
        let out = &mut self.out;
        out.extend_from_slice(b",\"me\":{\"rank\":");
        match me {
            Some(Me { row, position, tied, .. }) if *position > 0 => {
                number(row.rank, out);
                out.extend_from_slice(b",\"position\":");
                number(*position, out);
                out.extend_from_slice(b",\"tied\":");
                number(*tied, out);
            }
            _ => out.extend_from_slice(b"null,\"position\":null,\"tied\":0"),
        }
        out.extend_from_slice(b",\"points\":");
        number(me.map_or(0, |me| me.row.points), out);
        out.extend_from_slice(b",\"name\":");
        match self.shuffled.first() {
            Some(shuffled) => {
                out.push(b'"');
                self.names.write(*shuffled, out);
                out.push(b'"');
            }
            None => out.extend_from_slice(b"null"),
        }
        out.extend_from_slice(b",\"hidden\":");
        out.extend_from_slice(if me.is_some_and(|me| me.hidden) { b"true}" } else { b"false}" });
    }

    #[inline]
    fn top(&mut self, snapshot: &Snapshot, length: usize) {
        self.out.extend_from_slice(b",\"top\":");
        let known = self.tops.iter().position(|top| (top.board, top.length) == (snapshot.board, length));
        if let Some(top) = known.map(|known| &self.tops[known]).filter(|top| top.rows == snapshot.top) {
            self.out.extend_from_slice(&top.json);
            return;
        }
        let begin = self.out.len();
        let mut shuffled: Vec<u32> = snapshot.top.iter().map(|row| row.name_number).collect();
        self.names.shuffle(&mut shuffled);
        rows(&self.names, &snapshot.top, &shuffled, None, &mut self.out);
        let rendered =
            Top { board: snapshot.board, length, rows: snapshot.top.clone(), json: self.out[begin..].to_vec() };
        match known {
            Some(known) => self.tops[known] = rendered,
            None => {
                if self.tops.len() == MOST_TOPS {
                    self.tops.clear();
                }
                self.tops.push(rendered);
            }
        }
    }
}

#[inline]
fn rows(names: &Names, rows: &[Row], shuffled: &[u32], me: Option<&Me>, out: &mut Vec<u8>) {
    out.push(b'[');
    for (index, (row, shuffled)) in rows.iter().zip(shuffled).enumerate() {
        out.extend_from_slice(if index == 0 { b"{\"rank\":" } else { b",{\"rank\":" });
        number(row.rank, out);
        out.extend_from_slice(b",\"name\":\"");
        names.write(*shuffled, out);
        out.extend_from_slice(b"\",\"points\":");
        number(row.points, out);
        let mine = me.is_some_and(|me| me.row.member == row.member);
        out.extend_from_slice(if mine { b",\"me\":true}" } else { b"}" });
    }
    out.push(b']');
}

#[inline]
fn number(number: impl itoa::Integer, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// A text as JSON, as msgspec says it.
fn quoted(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    if text.bytes().all(|byte| byte >= b' ' && byte != b'"' && byte != b'\\') {
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
        return;
    }
    for character in text.chars() {
        match character {
            '"' => out.extend_from_slice(b"\\\""),
            '\\' => out.extend_from_slice(b"\\\\"),
            '\n' => out.extend_from_slice(b"\\n"),
            '\r' => out.extend_from_slice(b"\\r"),
            '\t' => out.extend_from_slice(b"\\t"),
            '\x08' => out.extend_from_slice(b"\\b"),
            '\x0c' => out.extend_from_slice(b"\\f"),
            control if control < ' ' => out.extend_from_slice(format!("\\u{:04x}", control as u32).as_bytes()),
            other => out.extend_from_slice(other.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    out.push(b'"');
}
