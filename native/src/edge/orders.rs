//! Orders: requests whose bodies the edge reads, and which Python answers, many at a time.

use std::any::Any;
use std::sync::Arc;
use std::time::Instant;

use crate::http::request_head::plain_post;

const ORDER: &[u8] = b"/order/";
const MOST_PATH: usize = 2048; // longer ones are Python's to refuse

/// What the edge does not look into: who sends a request, as Python remembers it.
pub type Caller = Arc<dyn Any + Send + Sync>;

/// A `POST /order/{order_id}` with the body that belongs to it, as far as it has arrived.
#[derive(Debug, PartialEq, Eq)]
pub struct Posted<'a> {
    /// The order's id as it was sent, percent-encoded.
    pub part: &'a [u8],
    /// `Authorization`.
    pub authorization: &'a [u8],
    /// `X-Request-Id`.
    pub id: Option<&'a [u8]>,
    /// `Origin`.
    pub origin: Option<&'a [u8]>,
    /// Where the body begins.
    pub begin: usize,
    /// Where it ends, which may be behind what has arrived.
    pub end: usize,
}

/// An order for Python.
pub struct Order {
    /// Which connection waits for the answer.
    pub ticket: usize,
    /// The order's id as it was sent.
    pub part: String,
    /// The body.
    pub body: Vec<u8>,
    /// The id of the request.
    pub request_id: String,
    /// Who sends it.
    pub caller: Caller,
    /// When it was there as a whole.
    pub since: Instant,
}

/// What Python answers.
pub struct Answer {
    /// Of the order.
    pub ticket: usize,
    /// The first line of the head, with its end.
    pub status: Vec<u8>,
    /// Header lines of its own, with their ends.
    pub lines: Vec<u8>,
    /// The body.
    pub body: Vec<u8>,
}

/// What a connection knows of the order that it waits for.
#[derive(Debug)]
pub struct Waiting {
    /// The id of the request.
    pub request_id: String,
    /// `Origin`; empty where there is none.
    pub origin: Vec<u8>,
    /// When the order was there as a whole.
    pub since: Instant,
    /// Whether something happened on the connection meanwhile.
    pub missed: bool,
}

/// The order that these bytes begin with; None where that is none, or not as plainly spelled as the edge reads it. A proxy
/// may have left `prefix` before the path. The body is JSON by its type, not compressed, and has 1 to `most` bytes.
pub fn posted<'a>(data: &'a [u8], prefix: &[u8], most: usize) -> Option<Posted<'a>> {
    let (head, begin, length) = plain_post(data)?;
    let path = head.path.strip_prefix(prefix).unwrap_or(head.path);
    let part = path.strip_prefix(ORDER)?;
    let is_one = !part.is_empty() && !part.contains(&b'/') && head.path.len() <= MOST_PATH;
    let is_json = head.media_type.is_none_or(is_json);
    (is_one && head.query.is_empty() && is_json && (1..=most).contains(&length)).then_some(())?;
    let (id, origin) = (head.id, head.origin);
    Some(Posted { part, authorization: head.authorization?, id, origin, begin, end: begin + length })
}

fn is_json(media_type: &[u8]) -> bool {
    let cut = media_type.iter().position(|byte| *byte == b';').unwrap_or(media_type.len());
    media_type[..cut].trim_ascii().eq_ignore_ascii_case(b"application/json")
}

#[cfg(test)]
mod tests {
    use super::posted;

    fn of(target: &str, lines: &str) -> Option<(String, usize, usize)> {
        let data = format!("POST {target} HTTP/1.1\r\nHost: a\r\nAuthorization: t\r\n{lines}\r\n{{}}GET");
        posted(data.as_bytes(), b"/shop", 100)
            .map(|posted| (String::from_utf8_lossy(posted.part).into_owned(), posted.begin, posted.end))
    }

    #[test]
    fn what_is_an_order() {
        for (target, lines, part) in [
            ("/order/A1", "Content-Length: 2\r\n", "A1"),
            ("/shop/order/A%2F1?", "content-length: 2\r\nContent-Type: application/json\r\n", "A%2F1"),
            ("/order/A1", "Content-Type: Application/JSON ; charset=utf-8\r\nContent-Length: 2\r\n", "A1"),
            ("/order/A1", "Content-Type:\r\nContent-Length: 2\r\nContent-Type-Options: x\r\n", "A1"),
        ] {
            let expected = "POST  HTTP/1.1\r\nHost: a\r\nAuthorization: t\r\n\r\n".len() + target.len() + lines.len();
            let found = of(target, lines);
            assert_eq!(found, (!lines.starts_with("Content-Type:\r")).then(|| (part.into(), expected, expected + 2)));
        }
    }

    #[test]
    fn what_is_for_python() {
        for (target, lines) in [
            ("/order/A1", ""),
            ("/order/A1", "Content-Length: 0\r\n"),
            ("/order/A1", "Content-Length: 02\r\n"),
            ("/order/A1", "Content-Length: +2\r\n"),
            ("/order/A1", "Content-Length: 2, 2\r\n"),
            ("/order/A1", "Content-Length: 101\r\n"),
            ("/order/A1", "Content-Length: 2\r\nContent-Length: 2\r\n"),
            ("/order/A1", "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n"),
            ("/order/A1", "Content-Length: 2\r\nContent-Encoding: identity\r\n"),
            ("/order/A1", "Content-Length: 2\r\nContent-Type: text/json\r\n"),
            ("/order/A1", "Content-Length: 2\r\nExpect: 100-continue\r\n"),
            ("/order/A1", "Content-Length: 2\r\nConnection: close\r\n"),
            ("/order/A1?source=shop", "Content-Length: 2\r\n"),
            ("/order/A1/refund", "Content-Length: 2\r\n"),
            ("/order/", "Content-Length: 2\r\n"),
            ("/orders", "Content-Length: 2\r\n"),
        ] {
            assert_eq!(of(target, lines), None, "{target} {lines}");
        }
    }
}
