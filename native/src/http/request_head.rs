//! Plain heads: of a whole HTTP/1.1 GET, or of a POST whose body has a length, read in one step from the piece in which
//! they arrived.
//!
//! Stricter than any parser of HTTP: see `plain`. It belongs to no store; it is here since it is asked for every read.

/// Bytes of the longest head that is plain; as `MAX_HEAD_BYTES` in `http/serving/connections.py`, which refuses longer ones.
const MOST_HEAD: usize = 32 * 1024;

/// What a plain request asks for, and what it says of itself.
#[derive(Debug, Default, PartialEq)]
pub struct RequestHead<'a> {
    /// The target, as far as a `?`.
    pub path: &'a [u8],
    /// What is behind the `?`.
    pub query: &'a [u8],
    host: Option<&'a [u8]>,
    /// `Authorization`, and so on: None where the request does not say.
    pub authorization: Option<&'a [u8]>,
    /// `If-None-Match`.
    pub tag: Option<&'a [u8]>,
    /// `X-Request-Id`.
    pub id: Option<&'a [u8]>,
    /// `Origin`.
    pub origin: Option<&'a [u8]>,
    /// `Content-Type`.
    pub media_type: Option<&'a [u8]>,
    length: Option<&'a [u8]>,
}

/// The one GET that these bytes are; None where they are not just that.
///
/// A path from the root and no fragment, printable ASCII alone, one blank after each colon and none at the end of a line, one plain host, no header twice of
/// those that are read, none that changes how the connection goes on, and no more of all this than Python takes.
pub fn plain(data: &[u8]) -> Option<RequestHead<'_>> {
    let (head, behind) = read(data.strip_prefix(b"GET ")?)?;
    (behind.is_empty() && head.length.is_none() && data.len() <= MOST_HEAD).then_some(head)
}

/// The head of the POST that these bytes begin with, as plain as a GET; where its body begins, and how long that is.
pub fn plain_post(data: &[u8]) -> Option<(RequestHead<'_>, usize, usize)> {
    let (head, behind) = read(data.strip_prefix(b"POST ")?)?;
    let length = whole_number(head.length?)?;
    let begin = data.len() - behind.len();
    (begin <= MOST_HEAD).then_some((head, begin, length))
}

/// A head from its target on, and what is behind it.
fn read(data: &[u8]) -> Option<(RequestHead<'_>, &[u8])> {
    let (target, mut rest) = line(data)?;
    let target = target.strip_suffix(b" HTTP/1.1")?;
    let cut = target.iter().position(|&byte| byte == b'?');
    let (path, query) = cut.map_or((target, &[][..]), |cut| (&target[..cut], &target[cut + 1..]));
    if !path.starts_with(b"/") || target.contains(&b'#') || !target.iter().all(u8::is_ascii_graphic) {
        return None;
    }
    let mut head = RequestHead { path, query, ..RequestHead::default() };
    let behind = loop {
        if let Some(behind) = rest.strip_prefix(b"\r\n") {
            break behind;
        }
        let (field, behind) = line(rest)?;
        head.take(field)?;
        rest = behind;
    };
    head.host.is_some_and(is_plain_host).then_some((head, behind))
}

impl<'a> RequestHead<'a> {
    /// Take one header in; None where the request is not plain.
    fn take(&mut self, field: &'a [u8]) -> Option<()> {
        let colon = field.iter().position(|&byte| byte == b':')?;
        let (name, value) = (&field[..colon], &field[colon + 1..]);
        if name.is_empty() || !name.iter().all(|&byte| is_token(byte)) {
            return None;
        }
        let value = if value.is_empty() { value } else { plain_value(value.strip_prefix(b" ")?)? };
        let place = match name.len() {
            4 if name.eq_ignore_ascii_case(b"host") => &mut self.host,
            6 if name.eq_ignore_ascii_case(b"origin") => &mut self.origin,
            6 if name.eq_ignore_ascii_case(b"expect") => return None,
            7 if name.eq_ignore_ascii_case(b"upgrade") => return None,
            10 if name.eq_ignore_ascii_case(b"connection") => {
                return value.eq_ignore_ascii_case(b"keep-alive").then_some(());
            }
            12 if name.eq_ignore_ascii_case(b"x-request-id") => &mut self.id,
            12 if name.eq_ignore_ascii_case(b"content-type") => &mut self.media_type,
            13 if name.eq_ignore_ascii_case(b"authorization") => &mut self.authorization,
            13 if name.eq_ignore_ascii_case(b"if-none-match") => &mut self.tag,
            14 if name.eq_ignore_ascii_case(b"content-length") => &mut self.length,
            16 if name.eq_ignore_ascii_case(b"content-encoding") => return None,
            16 if name.eq_ignore_ascii_case(b"proxy-connection") => return None,
            17 if name.eq_ignore_ascii_case(b"transfer-encoding") => return None,
            _ => return Some(()),
        };
        place.replace(value).is_none().then_some(())
    }
}

/// The bytes as far as the next CR LF, and what is behind it.
fn line(data: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = data.iter().position(|&byte| byte == b'\r')?;
    (data.get(end + 1) == Some(&b'\n')).then(|| (&data[..end], &data[end + 2..]))
}

/// A value that is not empty, unless there is more to it than printable ASCII between two letters.
fn plain_value(value: &[u8]) -> Option<&[u8]> {
    let ends = value.first()?.is_ascii_graphic() && value.last()?.is_ascii_graphic();
    (ends && value.iter().all(|byte| matches!(byte, b' '..=b'~'))).then_some(value)
}

/// A length as one writes it.
fn whole_number(digits: &[u8]) -> Option<usize> {
    let is_plain = matches!(digits, [b'0'] | [b'1'..=b'9', ..]) && digits.len() <= 9;
    if !is_plain {
        return None;
    }
    digits.iter().try_fold(0, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + usize::from(byte - b'0')))
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Letters, digits, dots and hyphens; perhaps a port.
fn is_plain_host(host: &[u8]) -> bool {
    let cut = host.iter().position(|&byte| byte == b':').unwrap_or(host.len());
    let (name, port) = (&host[..cut], host.get(cut + 1..));
    (1..=253).contains(&name.len())
        && name.iter().all(|&byte| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'-')
        && port.is_none_or(|port| (1..=5).contains(&port.len()) && port.iter().all(u8::is_ascii_digit))
}

#[cfg(test)]
mod tests {
    use super::{MOST_HEAD, RequestHead, plain, plain_post};

    const BEGIN: &[u8] = b"GET /loyalty/m1?top=3 HTTP/1.1\r\nHost: a\r\n";

    fn with(lines: &[u8]) -> Vec<u8> {
        [BEGIN, lines, b"\r\n"].concat()
    }

    #[test]
    fn what_is_read() {
        let data = with(b"Connection: Keep-Alive\r\nAUTHORIZATION: Bearer t\r\nif-none-match: \"a\", \"b\"\r\nX-Request-Id: 7\r\nOrigin: null\r\nA:\r\n");
        let head = plain(&data).unwrap();
        assert_eq!((head.path, head.query), (&b"/loyalty/m1"[..], &b"top=3"[..]));
        assert_eq!(head.authorization, Some(&b"Bearer t"[..]));
        assert_eq!(head.tag, Some(&b"\"a\", \"b\""[..]));
        assert_eq!((head.id, head.origin), (Some(&b"7"[..]), Some(&b"null"[..])));
        let bare = plain(b"GET / HTTP/1.1\r\nhost: a.b-c:80\r\n\r\n").unwrap();
        assert_eq!(bare, RequestHead { path: b"/", host: Some(b"a.b-c:80"), ..RequestHead::default() });
    }

    #[test]
    fn what_is_not_plain() {
        for lines in [
            &b"Host: b\r\n"[..],
            b"Connection: close\r\n",
            b"content-length: 0\r\n",
            b"Expect: x\r\n",
            b"Upgrade: x\r\n",
            b"Proxy-Connection: x\r\n",
            b"Transfer-Encoding: chunked\r\n",
            b"A : b\r\n",
            b": b\r\n",
            b"A:b\r\n",
            b"A:  b\r\n",
            b"A: b \r\n",
            b"A: \r\n",
            b"A: b\tc\r\n",
            b"A: \xe9\r\n",
            b"A: b\n",
            b"A: b\r",
            b"A\r\n",
            b" A: b\r\n",
            b"Origin: a\r\nOrigin: b\r\n",
            b"\r\n",
            b"A: b\0c\r\n",
        ] {
            assert_eq!(plain(&with(lines)), None, "{}", String::from_utf8_lossy(lines));
        }
        for data in [
            &b""[..],
            b"GET ",
            b"GET / HTTP/1.1\r\n\r\n",
            b"GET  HTTP/1.1\r\nHost: a\r\n\r\n",
            b"get / HTTP/1.1\r\nHost: a\r\n\r\n",
            b"GET / HTTP/1.0\r\nHost: a\r\n\r\n",
            b"GET /#a HTTP/1.1\r\nHost: a\r\n\r\n",
            b"GET /?a#b HTTP/1.1\r\nHost: a\r\n\r\n",
            b"GET * HTTP/1.1\r\nHost: a\r\n\r\n",
            b"GET a HTTP/1.1\r\nHost: a\r\n\r\n",
            b"GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
            b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a:\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost:\r\n\r\n",
        ] {
            assert_eq!(plain(data), None, "{}", String::from_utf8_lossy(data));
        }
    }

    #[test]
    fn no_longer_than_python_takes() {
        let of = |length: usize| with(&[b"A: ", &vec![b'b'; length - with(b"A: \r\n").len()][..], b"\r\n"].concat());
        let longest = of(MOST_HEAD);
        assert_eq!(longest.len(), MOST_HEAD);
        assert!(plain(&longest).is_some());
        assert_eq!(plain(&of(MOST_HEAD + 1)), None);
        let post = |get: &[u8]| [b"POST", &get[3..get.len() - 2], b"Content-Length: 2\r\n\r\n{}"].concat();
        let more = post(b"GET\r\n").len() - b"GET\r\n{}".len();
        assert!(plain_post(&post(&of(MOST_HEAD - more))).is_some());
        assert_eq!(plain_post(&post(&of(MOST_HEAD - more + 1))), None);
    }

    #[test]
    fn nothing_less_and_nothing_more() {
        let data = with(b"Authorization: Bearer t\r\n");
        for end in 0..data.len() {
            assert_eq!(plain(&data[..end]), None);
        }
        assert_eq!(plain(&[&data[..], b"G"].concat()), None);
        assert_eq!(plain(&[&data[..], &data[..]].concat()), None);
    }
}
