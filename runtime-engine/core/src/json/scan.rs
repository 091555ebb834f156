//! Word-at-a-time searches over JSON bytes. Eight bytes are compared at once in an ordinary `u64`, which is fast on
//! every target without any `unsafe`. The functions take any bytes and any start, and only say where something is.

const ONES: u64 = u64::MAX / 255;
const HIGH_BITS: u64 = ONES << 7;

/// Returns the high bit of each byte that equals `byte`. A byte above a true match may be marked falsely (the borrow of
/// the subtraction runs upwards), so only the lowest mark counts.
#[inline(always)]
fn equal(word: u64, byte: u8) -> u64 {
    let difference = word ^ (ONES * byte as u64);
    difference.wrapping_sub(ONES) & !difference
}

/// Returns the high bit of each byte below 0x20. Only the lowest mark counts, as for [`equal`].
#[inline(always)]
fn control(word: u64) -> u64 {
    word.wrapping_sub(ONES * 0x20) & !word
}

/// Returns the index of the first byte from `at` on that `marks` or `is_stop` selects. It is the length of `bytes` if
/// there is no such byte.
#[inline(always)]
fn find(bytes: &[u8], mut at: usize, marks: impl Fn(u64) -> u64, is_stop: impl Fn(u8) -> bool) -> usize {
    while let Some(chunk) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        // Little endian on every target, so that the lowest mark is the first byte.
        let marked = marks(u64::from_le_bytes(*chunk)) & HIGH_BITS;
        if marked != 0 {
            return at + (marked.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    while let Some(&byte) = bytes.get(at) {
        if is_stop(byte) {
            return at;
        }
        at += 1;
    }
    bytes.len()
}

/// Returns the index of the first byte from `at` on that may not stand unescaped inside a string: a quote, a backslash
/// or a control character. It is the length of `bytes` if there is no such byte.
#[inline(always)]
pub(super) fn string_special(bytes: &[u8], at: usize) -> usize {
    find(
        bytes,
        at,
        |word| equal(word, b'"') | equal(word, b'\\') | control(word),
        |byte| byte == b'"' || byte == b'\\' || byte < 0x20,
    )
}

/// Returns the index of the first quote or backslash from `at` on. It is the length of `bytes` if there is no such
/// byte.
#[inline(always)]
fn quote_or_backslash(bytes: &[u8], at: usize) -> usize {
    find(bytes, at, |word| equal(word, b'"') | equal(word, b'\\'), |byte| byte == b'"' || byte == b'\\')
}

/// Returns the index of the first backslash from `at` on. It is the length of `bytes` if there is no such byte.
#[inline(always)]
pub(super) fn backslash(bytes: &[u8], at: usize) -> usize {
    find(bytes, at, |word| equal(word, b'\\'), |byte| byte == b'\\')
}

/// Returns the index of the first byte from `at` on that is not JSON whitespace. It is the length of `bytes` if there
/// is no such byte.
#[inline(always)]
pub(super) fn whitespace(bytes: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\n' | b'\r' | b'\t') = bytes.get(at) {
        at += 1;
    }
    at
}

/// Returns the end of a string, for `at` just behind its opening quote: the index of the closing quote, and whether
/// there was a backslash before it. In bytes that hold no closing quote: their length.
#[inline(always)]
pub(super) fn string_end(bytes: &[u8], mut at: usize) -> (usize, bool) {
    let mut escaped = false;
    loop {
        at = quote_or_backslash(bytes, at);
        if bytes.get(at) != Some(&b'\\') {
            return (at.min(bytes.len()), escaped);
        }
        escaped = true;
        at += 2;
    }
}

/// Returns the index behind the value that begins at `at` in valid JSON. In other bytes it is some index from `at` on,
/// at most their length.
#[inline]
pub(super) fn value_end(bytes: &[u8], at: usize) -> usize {
    match bytes.get(at) {
        Some(b'"') => (string_end(bytes, at + 1).0 + 1).min(bytes.len()),
        Some(b'{' | b'[') => container_end(bytes, at),
        _ => {
            let mut end = at;
            while let Some(&byte) = bytes.get(end) {
                if matches!(byte, b',' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t') {
                    break;
                }
                end += 1;
            }
            end
        }
    }
}

fn container_end(bytes: &[u8], mut at: usize) -> usize {
    let mut depth = 0_usize;
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'"' => at = string_end(bytes, at).0 + 1,
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at;
                }
            }
            _ => {}
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_special_byte_is_found_at_every_distance_and_behind_every_neighbour() {
        for stop in (0..0x20).chain([b'"', b'\\']) {
            for before in [b'a', b'!', b'#', b'[', b']', 0x20, 0x7f, 0x80, 0xff] {
                for distance in 0..40 {
                    for after in [b'a', b'"', 0x00, 0x80, 0x21] {
                        let mut bytes = vec![before; distance];
                        bytes.push(stop);
                        bytes.extend([after; 17]);
                        assert_eq!(string_special(&bytes, 0), distance, "{stop:#x} behind {before:#x}");
                        bytes.truncate(distance + 1);
                        assert_eq!(string_special(&bytes, 0), distance, "{stop:#x} behind {before:#x}, at the end");
                        bytes.truncate(distance);
                        assert_eq!(string_special(&bytes, 0), distance, "nothing but {before:#x}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_string_ends_at_the_first_quote_that_is_not_escaped() {
        let table: &[(&[u8], usize, bool)] = &[
            (br#"""#, 0, false),
            (br#"abc" "def""#, 3, false),
            (br#"a\"b" "#, 4, true),
            (br#"a\\" ""#, 3, true),
            (br#"0123456789\\\" ok" and more"#, 17, true),
            (b"no end", 6, false),
            (b"no end \\", 8, true),
            (b"", 0, false),
        ];
        for &(bytes, end, escaped) in table {
            assert_eq!(string_end(bytes, 0), (end, escaped), "{:?}", bytes.escape_ascii().to_string());
        }
    }

    #[test]
    fn a_value_ends_where_its_own_bracket_or_token_does() {
        let table: &[(&[u8], usize)] = &[
            (b"12,3", 2),
            (b"true}", 4),
            (b"null", 4),
            (b"-1.5e3 ]", 6),
            (br#""a,b" ,"#, 5),
            (br#"{"a":[1,{"b":"}]"}]} ,"#, 20),
            (b"[] ", 2),
            (b"", 0),
            (b"]", 0),
        ];
        for &(bytes, end) in table {
            assert_eq!(value_end(bytes, 0), end, "{:?}", bytes.escape_ascii().to_string());
        }
    }

    #[test]
    fn searches_stay_within_bytes_that_are_not_json() {
        for bytes in [&b"{"[..], b"[\"", b"[\"\\", b"\"\\", b"{{{{", b"\"", b"[}]", b"\\\\\\"] {
            for at in 0..bytes.len() + 3 {
                assert!(string_end(bytes, at).0 <= bytes.len());
                assert!(string_special(bytes, at) <= bytes.len());
                assert!(value_end(bytes, at) <= bytes.len().max(at));
            }
        }
    }
}
