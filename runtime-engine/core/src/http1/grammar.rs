//! Character classes of RFC 9110 §5.6 and RFC 3986, and how long a run of them is. Knows nothing of lines or messages.

/// The characters of a token, RFC 9110 §5.6.2.
const TOKEN: [bool; 256] = with_alphanumerics(b"!#$%&'*+-.^_`|~");

/// The characters of a registered name, RFC 3986 §3.2.2, without the comma.
const HOST_NAME: [bool; 256] = with_alphanumerics(b"-._~%!$&'()*+;=");

const fn with_alphanumerics(others: &[u8]) -> [bool; 256] {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 128 {
        table[byte] = (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    let mut at = 0;
    while at < others.len() {
        table[others[at] as usize] = true;
        at += 1;
    }
    table
}

/// Returns the length of the `token` at the front. Names are letters mostly, which are looked at eight at a time.
#[inline]
pub(super) fn token_len(bytes: &[u8]) -> usize {
    let stops = |word: u64| {
        let lower = word | (ONES * 0x20);
        !at_least::<b'a'>(lower) | at_least::<{ b'z' + 1 }>(lower) | word
    };
    run(bytes, stops, |byte| TOKEN[usize::from(byte)])
}

/// Returns the length of the run of field-value bytes at the front: all but control characters, tab excepted.
#[inline]
pub(super) fn value_len(bytes: &[u8]) -> usize {
    let stops = |word: u64| (!at_least::<0x20>(word) | at_least::<0x7f>(word)) & !word;
    run(bytes, stops, |byte| byte == b'\t' || (byte >= 0x20 && byte != 0x7f))
}

/// Returns the length of the run of request-target bytes at the front: visible ASCII without `#`.
///
/// That is wider than RFC 3986 by `"<>\^{|}` and the backtick, which browsers and clients do send in queries. It is
/// narrower than some servers are, as bytes over 0x7e have to be percent-coded.
#[inline]
pub(super) fn target_len(bytes: &[u8]) -> usize {
    let stops = |word: u64| {
        let hashes = at_least::<b'#'>(word) & !at_least::<0x24>(word);
        !at_least::<0x21>(word) | at_least::<0x7f>(word) | hashes | word
    };
    run(bytes, stops, |byte| byte.is_ascii_graphic() && byte != b'#')
}

/// Returns the length of the run of allowed bytes, eight at a time. `stops` marks bytes of a word, by their high bits,
/// that may end the run; it has to mark all that do.
#[inline]
fn run(bytes: &[u8], stops: impl Fn(u64) -> u64, allowed: impl Fn(u8) -> bool) -> usize {
    let mut at = 0;
    while let Some(&word) = bytes[at..].first_chunk::<8>() {
        let marks = stops(u64::from_le_bytes(word)) & HIGH;
        if marks == 0 {
            at += 8;
            continue;
        }
        at += marks.trailing_zeros() as usize / 8;
        if !allowed(bytes[at]) {
            return at;
        }
        at += 1;
    }
    while at < bytes.len() && allowed(bytes[at]) {
        at += 1;
    }
    at
}

const ONES: u64 = u64::MAX / 255;
const HIGH: u64 = ONES << 7;

/// Sets the high bit of each byte whose lower seven bits are at least `N`, which is 1 to 127. Adding the difference to
/// 128 carries into that bit, and never out of the byte.
#[inline]
fn at_least<const N: u8>(word: u64) -> u64 {
    (word & !HIGH) + ONES * (128 - N as u64)
}

/// Returns `true` if all bytes are one token.
pub(super) fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().fold(true, |all, &byte| all & TOKEN[usize::from(byte)])
}

/// Returns `true` if all bytes may be a field value.
pub(super) fn is_value(bytes: &[u8]) -> bool {
    value_len(bytes) == bytes.len()
}

/// Returns `true` if all bytes may be a request target.
pub(super) fn is_target(bytes: &[u8]) -> bool {
    !bytes.is_empty() && target_len(bytes) == bytes.len()
}

/// Returns the bytes without optional white space (space, tab) on both sides.
#[inline]
pub(super) fn trim(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = bytes {
        bytes = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}

/// Returns the members of a comma-separated list (RFC 9110 §5.6.1), with empty ones left out.
pub(super) fn list(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|&byte| byte == b',').map(trim).filter(|member| !member.is_empty())
}

/// Returns `true` for a host with an optional port: `uri-host [ ":" port ]` of RFC 9110 §7.2. It may not have the comma
/// that RFC 3986 allows in names, since a joined list of hosts would pass, nor user information. An empty text is no
/// host.
pub(super) fn is_host(bytes: &[u8]) -> bool {
    let port = match bytes {
        [b'[', rest @ ..] => {
            let Some(close) = rest.iter().position(|&byte| byte == b']') else { return false };
            let address = &rest[..close];
            if address.is_empty() || !address.iter().all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.'))
            {
                return false;
            }
            &rest[close + 1..]
        }
        _ => {
            let name = bytes.iter().position(|&byte| !HOST_NAME[usize::from(byte)]).unwrap_or(bytes.len());
            if name == 0 {
                return false;
            }
            &bytes[name..]
        }
    };
    match port {
        [] => true,
        [b':', digits @ ..] => digits.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_ends_at_the_first_foreign_byte_wherever_it_stands_in_a_word() {
        for length in 0..50 {
            let mut bytes = vec![b'a'; 50];
            bytes[length] = b'\r';
            assert_eq!(value_len(&bytes), length);
            assert_eq!(target_len(&bytes), length);
            assert_eq!(token_len(&bytes), length);
        }
        assert_eq!(value_len(&[b'a'; 50]), 50);
    }

    #[test]
    fn a_value_may_hold_tabs_and_bytes_over_127_and_no_other_control_character() {
        for byte in 0..=255_u8 {
            let expected = byte == b'\t' || (byte >= 0x20 && byte != 0x7f);
            assert_eq!(is_value(&[byte]), expected, "{byte:#x} alone");
            for at in 0..16 {
                let mut bytes = [b'x'; 20];
                bytes[at] = byte;
                assert_eq!(is_value(&bytes), expected, "{byte:#x} at {at}");
            }
        }
    }

    #[test]
    fn a_target_is_visible_ascii_without_a_fragment() {
        for byte in 0..=255_u8 {
            let expected = byte.is_ascii_graphic() && byte != b'#';
            assert_eq!(is_target(&[byte]), expected, "{byte:#x} alone");
            for at in 0..16 {
                let mut bytes = [b'x'; 20];
                bytes[at] = byte;
                assert_eq!(is_target(&bytes), expected, "{byte:#x} at {at}");
            }
        }
    }

    #[test]
    fn tokens_are_those_of_rfc_9110() {
        for byte in 0..=255_u8 {
            let delimiter = b"\"(),/:;<=>?@[\\]{}".contains(&byte);
            let expected = byte.is_ascii_graphic() && !delimiter;
            assert_eq!(is_token(&[byte]), expected, "{byte:#x} alone");
            for at in 0..16 {
                let mut bytes = [b'x'; 20];
                bytes[at] = byte;
                assert_eq!(is_token(&bytes), expected, "{byte:#x} at {at}");
            }
        }
        assert!(!is_token(b""));
    }

    #[test]
    fn hosts_are_names_or_addresses_with_a_port_or_none() {
        for good in ["a", "a.b-c_d", "127.0.0.1:9001", "[::1]", "[::ffff:1.2.3.4]:80", "a:", "%41b"] {
            assert!(is_host(good.as_bytes()), "{good}");
        }
        for bad in
            ["", ":80", "a:b", "a b", "a@b", "a/b", "a?b", "[::1", "[]", "[::1]x", "[::g]", "a,b", "a:80:80", "ü"]
        {
            assert!(!is_host(bad.as_bytes()), "{bad}");
        }
    }

    #[test]
    fn lists_skip_empty_members_and_white_space() {
        assert_eq!(list(b" a ,, b\t,").collect::<Vec<_>>(), [b"a", b"b"]);
    }
}
