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
    let number = digits.iter().try_fold(0, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + u32::from(byte - b'0')))?;
    (number <= most).then_some(number)
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).map(|digit| digit as u8)
}
