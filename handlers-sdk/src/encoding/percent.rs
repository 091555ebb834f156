//! Undoes the percent-coding of paths, queries and object keys.

/// `%41` is `A` and `+` a space; what is no code stays as it is, and what is no UTF-8 then becomes U+FFFD.
pub(crate) fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        bytes.push(match (first, tail) {
            (b'+', _) => b' ',
            (b'%', [high, low, after @ ..]) => match (digit(*high), digit(*low)) {
                (Some(high), Some(low)) => {
                    rest = after;
                    high << 4 | low
                }
                _ => b'%',
            },
            _ => *first,
        });
    }
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::decoded;

    #[test]
    fn codes_are_undone_and_all_else_stays() {
        for (coded, plain) in [
            ("", ""),
            ("a+b", "a b"),
            ("Happy%20Face.jpg", "Happy Face.jpg"),
            ("1%2B1%3d2", "1+1=2"),
            ("%C3%BC/%e2%82%ac", "ü/€"),
            ("100%", "100%"),
            ("%4", "%4"),
            ("%zz%+f%%41", "%zz% f%A"),
            ("%ff", "\u{fffd}"),
        ] {
            assert_eq!(decoded(coded), plain, "{coded}");
        }
    }
}
