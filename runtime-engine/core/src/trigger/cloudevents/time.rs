//! Tells whether a text is a time of RFC 3339. Times stay the texts they are, so that no part of them is lost.

/// Returns `true` for a text such as `2026-01-02T03:04:05.678+09:30`. Any number of digits may stand behind the point,
/// `Z` in place of the offset, and the second may be 60.
pub(super) fn is_timestamp(text: &[u8]) -> bool {
    read(text).is_some()
}

fn read(text: &[u8]) -> Option<()> {
    let (head, mut tail) = text.split_at_checked(19)?;
    let shape = |at: usize, byte: &u8| match at {
        4 | 7 => *byte == b'-',
        10 => byte.eq_ignore_ascii_case(&b'T'),
        13 | 16 => *byte == b':',
        _ => byte.is_ascii_digit(),
    };
    let number =
        |from: usize, to: usize| head[from..to].iter().fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0'));
    if !head.iter().enumerate().all(|(at, byte)| shape(at, byte)) {
        return None;
    }
    let (year, month, day) = (number(0, 4), number(5, 7), number(8, 10));
    if !(1..=days(year, month)?).contains(&day) || number(11, 13) > 23 || number(14, 16) > 59 || number(17, 19) > 60 {
        return None;
    }
    if let [b'.', fraction @ ..] = tail {
        let digits = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
        tail = fraction.get(digits..).filter(|_| digits > 0)?;
    }
    match *tail {
        [b'Z' | b'z'] => Some(()),
        [b'+' | b'-', h1 @ b'0'..=b'2', h2 @ b'0'..=b'9', b':', b'0'..=b'5', b'0'..=b'9'] => {
            ((h1 - b'0') * 10 + (h2 - b'0') < 24).then_some(())
        }
        _ => None,
    }
}

fn days(year: u32, month: u32) -> Option<u32> {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    Some(match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + u32::from(leap),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::is_timestamp;

    #[test]
    fn times_are_told_from_what_is_none() {
        for time in [
            "2026-01-02T03:04:05Z",
            "2026-01-02t03:04:05z",
            "2026-01-02T03:04:05.123456789Z",
            "2026-01-02T03:04:05.1+23:59",
            "2024-02-29T23:59:60-00:00",
            "2000-02-29T00:00:00Z",
            "0000-12-31T00:00:00Z",
        ] {
            assert!(is_timestamp(time.as_bytes()), "{time}");
        }
        for none in [
            "",
            "2026-01-02",
            "2026-01-02T03:04:05",
            "2026-01-02T03:04Z",
            "2026-01-02 03:04:05Z",
            "2026-13-02T03:04:05Z",
            "2026-00-02T03:04:05Z",
            "2025-02-29T03:04:05Z",
            "1900-02-29T03:04:05Z",
            "2026-04-31T03:04:05Z",
            "2026-01-00T03:04:05Z",
            "2026-01-02T24:04:05Z",
            "2026-01-02T03:60:05Z",
            "2026-01-02T03:04:61Z",
            "2026-01-02T03:04:05.Z",
            "2026-01-02T03:04:05.1",
            "2026-01-02T03:04:05+24:00",
            "2026-01-02T03:04:05+09:60",
            "2026-01-02T03:04:05+0930",
            "2026-01-02T03:04:05ZZ",
            "+026-01-02T03:04:05Z",
            "2026-01-02T03:04:05é",
        ] {
            assert!(!is_timestamp(none.as_bytes()), "{none}");
        }
    }
}
