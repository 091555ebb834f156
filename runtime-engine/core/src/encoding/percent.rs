//! Percent-encoding of URI parts (RFC 3986) and the splitting of query strings. Decoding is lenient, because what
//! clients send reaches a function in any case and a stray `%` is its text. Nothing here checks that decoded bytes are
//! UTF-8.

/// Appends `text` with each `%` and two hexadecimal digits turned into the byte they name. A `%` that two hexadecimal
/// digits do not follow stays as it is. With `plus_is_space`, as in query strings and forms, `+` becomes a space.
pub fn decode_into(out: &mut Vec<u8>, text: &[u8], plus_is_space: bool) {
    out.reserve(text.len());
    let mut rest = text;
    loop {
        let special = rest.iter().position(|&byte| byte == b'%' || (byte == b'+' && plus_is_space));
        let (run, tail) = rest.split_at(special.unwrap_or(rest.len()));
        out.extend_from_slice(run);
        let (byte, length) = match *tail {
            [] => return,
            [b'+', ..] => (b' ', 1),
            [percent, high, low, ..] => match (digit(high), digit(low)) {
                (Some(high), Some(low)) => (high << 4 | low, 3),
                _ => (percent, 1),
            },
            [percent, ..] => (percent, 1),
        };
        out.push(byte);
        rest = &tail[length..];
    }
}

fn digit(byte: u8) -> Option<u8> {
    (byte as char).to_digit(16).map(|digit| digit as u8)
}

/// Appends `text` so that it can be a key or a value of a query string: letters, digits and `-._~` stay, all else is
/// percent-encoded, a space as `%20`.
pub fn encode_query_into(out: &mut Vec<u8>, text: &[u8]) {
    encode_into(out, text, is_unreserved);
}

/// Appends `text` so that it can be the path of a URI. Letters, digits and `-._~` stay, and so do the signs that a path
/// may hold literally (`/`, `:`, `@` and `!$&'()*+,;=`). All else is percent-encoded.
pub fn encode_path_into(out: &mut Vec<u8>, text: &[u8]) {
    encode_into(out, text, |byte| is_unreserved(byte) || b"/:@!$&'()*+,;=".contains(&byte));
}

/// Appends a path that is percent-coded already. Only bytes that no reader of URIs accepts in a path are
/// percent-encoded: controls, the space, `"<>#?` and the grave accent, and bytes that are not ASCII. A `%` stays,
/// whatever follows it.
pub fn mend_path_into(out: &mut Vec<u8>, text: &[u8]) {
    encode_into(out, text, |byte| byte.is_ascii_graphic() && !b"\"<>#?`".contains(&byte));
}

/// Appends a query that is percent-coded already. Only bytes that no reader of URIs accepts in a query are
/// percent-encoded: controls, the space, `"<>#`, and bytes that are not ASCII. A `%` stays, whatever follows it.
pub fn mend_query_into(out: &mut Vec<u8>, text: &[u8]) {
    encode_into(out, text, |byte| byte.is_ascii_graphic() && !b"\"<>#".contains(&byte));
}

/// Returns `true` for an unreserved character (RFC 3986 section 2.3).
fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

/// Appends `text` with every byte percent-encoded that `stays` does not name.
pub(crate) fn encode_into(out: &mut Vec<u8>, text: &[u8], stays: impl Fn(u8) -> bool) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    out.reserve(text.len());
    for &byte in text {
        if stays(byte) {
            out.push(byte);
        } else {
            out.extend([b'%', HEX[(byte >> 4) as usize], HEX[(byte & 15) as usize]]);
        }
    }
}

/// Returns the pairs of a query string or form, still encoded. It splits the text at each `&`, then at the first `=`.
/// Empty pieces are left out; a piece without `=` is a key with an empty value.
pub fn pairs(raw_query: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> + Clone {
    raw_query.split(|&byte| byte == b'&').filter(|piece| !piece.is_empty()).map(|piece| {
        let equals = piece.iter().position(|&byte| byte == b'=');
        match equals {
            Some(at) => (&piece[..at], &piece[at + 1..]),
            None => (piece, &piece[piece.len()..]),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(text: &[u8], plus_is_space: bool) -> Vec<u8> {
        let mut out = b">".to_vec();
        decode_into(&mut out, text, plus_is_space);
        out.strip_prefix(b">").expect("kept").to_vec()
    }

    fn encoded(encode: fn(&mut Vec<u8>, &[u8]), text: &str) -> String {
        let mut out = Vec::new();
        encode(&mut out, text.as_bytes());
        String::from_utf8(out).expect("encoded text is ASCII")
    }

    #[test]
    fn sequences_are_decoded_and_broken_ones_are_kept() {
        let table: &[(&[u8], &[u8])] = &[
            (b"", b""),
            (b"plain", b"plain"),
            (b"a%20b", b"a b"),
            (b"%41%4a%4A", b"AJJ"),
            (b"%e2%82%ac", "€".as_bytes()),
            (b"%00%ff", b"\x00\xff"),
            (b"%2541", b"%41"),
            (b"%", b"%"),
            (b"%4", b"%4"),
            (b"%zz", b"%zz"),
            (b"%4z1", b"%4z1"),
            (b"%%41", b"%A"),
            (b"%%%", b"%%%"),
            (b"%+1", b"%+1"),
            (b"100%25%", b"100%%"),
            ("é%c3%a9".as_bytes(), "éé".as_bytes()),
        ];
        for &(text, plain) in table {
            assert_eq!(decoded(text, false), plain, "{:?}", text.escape_ascii().to_string());
        }
    }

    #[test]
    fn a_plus_is_a_space_only_where_it_should_be() {
        assert_eq!(decoded(b"a+b%2Bc+", true), b"a b+c ");
        assert_eq!(decoded(b"a+b%2Bc+", false), b"a+b+c+");
        assert_eq!(decoded(b"%+1", true), b"% 1");
    }

    #[test]
    fn only_unreserved_characters_stay_in_a_query() {
        assert_eq!(encoded(encode_query_into, "AZaz09-._~"), "AZaz09-._~");
        assert_eq!(encoded(encode_query_into, "a b&c=d+e/é?#%"), "a%20b%26c%3Dd%2Be%2F%C3%A9%3F%23%25");
    }

    #[test]
    fn a_path_keeps_what_a_path_may_hold() {
        assert_eq!(encoded(encode_path_into, "/a/b:c@d;e=f,g+h!$&'()*"), "/a/b:c@d;e=f,g+h!$&'()*");
        assert_eq!(encoded(encode_path_into, "/a b?c#d%é\"[]"), "/a%20b%3Fc%23d%25%C3%A9%22%5B%5D");
    }

    #[test]
    fn what_is_coded_already_stays_but_for_what_no_uri_may_hold() {
        assert_eq!(encoded(mend_path_into, "/a%2Fb/c%zz/[x]{y}|^~@:+"), "/a%2Fb/c%zz/[x]{y}|^~@:+");
        assert_eq!(encoded(mend_path_into, "/a b?c#d\"é\n"), "/a%20b%3Fc%23d%22%C3%A9%0A");
        assert_eq!(encoded(mend_query_into, "a[]=1&b=%20+x?/`"), "a[]=1&b=%20+x?/`");
        assert_eq!(encoded(mend_query_into, "q=a b#é<>"), "q=a%20b%23%C3%A9%3C%3E");
    }

    #[test]
    fn whatever_is_encoded_is_decoded_to_the_same() {
        let all: Vec<u8> = (0..=255).collect();
        for encode in [encode_query_into, encode_path_into] {
            let mut text = Vec::new();
            encode(&mut text, &all);
            assert!(text.is_ascii());
            assert_eq!(decoded(&text, false), all);
        }
        let mut query = Vec::new();
        encode_query_into(&mut query, &all);
        assert_eq!(decoded(&query, true), all);
    }

    #[test]
    fn a_query_is_split_into_raw_pairs() {
        let table: &[(&str, &[(&str, &str)])] = &[
            ("", &[]),
            ("&&", &[]),
            ("a", &[("a", "")]),
            ("a=", &[("a", "")]),
            ("=b", &[("", "b")]),
            ("=", &[("", "")]),
            ("a=1&b=2", &[("a", "1"), ("b", "2")]),
            ("&a=1&&b&", &[("a", "1"), ("b", "")]),
            ("a=b=c&a=%26+", &[("a", "b=c"), ("a", "%26+")]),
            ("a;b=1?", &[("a;b", "1?")]),
        ];
        for (query, expected) in table {
            let found: Vec<(&[u8], &[u8])> = pairs(query.as_bytes()).collect();
            let expected: Vec<(&[u8], &[u8])> = expected.iter().map(|(k, v)| (k.as_bytes(), v.as_bytes())).collect();
            assert_eq!(found, expected, "{query}");
        }
    }
}
