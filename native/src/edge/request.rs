//! What a plain request asks for, where the edge has an answer to it.
//!
//! Only the plainest spellings are read: what is not is for Python, which says what is wrong with it.

use crate::http::request_head::RequestHead;

const LOYALTY: &[u8] = b"/loyalty/";
const LEADERBOARD: &[u8] = b"/leaderboard/";
const MOST_TOP: u32 = 100;
const MOST_AROUND: u32 = 50;

/// Whose dashboard, or which board.
#[derive(Debug, PartialEq, Eq)]
pub enum Asked<'a> {
    /// A member's own dashboard: the id as it was sent, the board as it was called.
    Dashboard {
        /// Percent-encoded.
        member: &'a [u8],
        /// None: not said.
        board: Option<&'a [u8]>,
        /// Places from the top.
        top: u32,
        /// Neighbours on each side.
        around: u32,
    },
    /// The top of a board.
    Board {
        /// As it was called.
        board: &'a [u8],
        /// Places from the top.
        top: u32,
    },
}

/// What a head asks for; None where it is none of the two. A proxy may have left `prefix` before the path.
pub fn asked<'a>(head: &RequestHead<'a>, prefix: &[u8]) -> Option<Asked<'a>> {
    let path = head.path.strip_prefix(prefix).unwrap_or(head.path);
    let (mut board, mut top, mut around) = (None, None, None);
    if !head.query.is_empty() {
        for pair in head.query.split(|byte| *byte == b'&') {
            let cut = pair.iter().position(|byte| *byte == b'=')?;
            let (name, value) = (&pair[..cut], &pair[cut + 1..]);
            let is_new = match name {
                b"board" => board.replace(value).is_none(),
                b"top" => top.replace(number(value, MOST_TOP)?).is_none(),
                b"around" => around.replace(number(value, MOST_AROUND)?).is_none(),
                _ => false,
            };
            is_new.then_some(())?;
        }
    }
    let top = top.unwrap_or(10);
    if let Some(member) = path.strip_prefix(LOYALTY) {
        return one_part(member).then_some(Asked::Dashboard { member, board, top, around: around.unwrap_or(2) });
    }
    let name = path.strip_prefix(LEADERBOARD)?;
    (one_part(name) && board.is_none() && around.is_none()).then_some(Asked::Board { board: name, top })
}

/// Whether a part of a path, percent-encoded, is an id.
pub fn is_id(mut part: &[u8], id: &str) -> bool {
    for expected in id.bytes() {
        let (byte, behind) = match part {
            [b'%', high, low, behind @ ..] => match (digit(*high), digit(*low)) {
                (Some(high), Some(low)) => (high << 4 | low, behind),
                _ => return false,
            },
            [b'%', ..] | [] => return false,
            [byte, behind @ ..] => (*byte, behind),
        };
        if byte != expected {
            return false;
        }
        part = behind;
    }
    part.is_empty()
}

fn one_part(part: &[u8]) -> bool {
    !part.is_empty() && !part.contains(&b'/')
}

/// A whole number as one writes it, at most `most`.
fn number(digits: &[u8], most: u32) -> Option<u32> {
    let is_plain = matches!(digits, [b'0'] | [b'1'..=b'9', ..]) && digits.len() <= 3;
    if !is_plain {
        return None;
    }
    let number =
        digits.iter().try_fold(0, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + u32::from(byte - b'0')))?;
    (number <= most).then_some(number)
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).map(|digit| digit as u8)
}

#[cfg(test)]
mod tests {
    use super::{Asked, asked, is_id};
    use crate::http::request_head::plain;

    fn of(target: &str) -> Option<String> {
        let data = format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n");
        let head = plain(data.as_bytes())?;
        asked(&head, b"/shop").map(|asked| match asked {
            Asked::Dashboard { member, board, top, around } => {
                let board = board.map(String::from_utf8_lossy);
                format!("{} {board:?} {top} {around}", String::from_utf8_lossy(member))
            }
            Asked::Board { board, top } => format!("{} {top}", String::from_utf8_lossy(board)),
        })
    }

    #[test]
    fn what_is_read() {
        for (target, expected) in [
            ("/loyalty/m1", "m1 None 10 2"),
            ("/shop/loyalty/m1?", "m1 None 10 2"),
            ("/loyalty/m%201?top=0&board=month&around=50", "m%201 Some(\"month\") 0 50"),
            ("/leaderboard/all-time?top=100", "all-time 100"),
        ] {
            assert_eq!(of(target).as_deref(), Some(expected), "{target}");
        }
    }

    #[test]
    fn what_is_for_python() {
        for target in [
            "/loyalty/",
            "/loyalty/m1/live",
            "/loyalty/m1?top=101",
            "/loyalty/m1?top=01",
            "/loyalty/m1?top=",
            "/loyalty/m1?top=1&top=1",
            "/loyalty/m1?top=1&",
            "/loyalty/m1?around=51",
            "/loyalty/m1?x=1",
            "/loyalty/m1?min_version=1.0-1",
            "/leaderboard/month?around=1",
            "/leaderboard/month?board=month",
            "/order/A1",
        ] {
            assert_eq!(of(target), None, "{target}");
        }
    }

    #[test]
    fn ids() {
        for (part, id) in [("m1", "m1"), ("%6d%31", "m1"), ("Zo%C3%AB", "Zoë"), ("a%2Fb", "a/b")] {
            assert!(is_id(part.as_bytes(), id), "{part}");
        }
        for (part, id) in [("m", "m1"), ("m11", "m1"), ("%6", "m"), ("%zz", "m"), ("%", "%"), ("M1", "m1")] {
            assert!(!is_id(part.as_bytes(), id), "{part}");
        }
    }
}
