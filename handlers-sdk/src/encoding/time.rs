//! Times in RFC 3339, to and from numbers.

/// Returns the milliseconds from 1970 to a time in RFC 3339; `None` if the text is no such time, or is before 1970.
pub(crate) fn millis(text: &str) -> Option<u64> {
    let bytes = text.as_bytes();
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<i64>().ok();
    let is = |at: usize, wanted: &[u8]| bytes.get(at).is_some_and(|byte| wanted.contains(byte));
    if !is(4, b"-") || !is(7, b"-") || !is(10, b"Tt ") || !is(13, b":") || !is(16, b":") {
        return None;
    }
    let days = days_since_1970(number(0, 4)?, number(5, 7)?, number(8, 10)?)?;
    let seconds = days * 86_400 + number(11, 13)? * 3_600 + number(14, 16)? * 60 + number(17, 19)?;
    let rest = text.get(19..)?;
    let digits = rest.strip_prefix('.').map_or(0, |rest| rest.bytes().take_while(u8::is_ascii_digit).count());
    let fraction = if digits == 0 { "" } else { &rest[1..=digits] };
    let zone = &rest[if digits == 0 { 0 } else { digits + 1 }..];
    let offset = match zone.as_bytes() {
        [b'Z' | b'z'] => 0,
        [sign @ (b'+' | b'-'), _, _, b':', _, _] => {
            let minutes = zone[1..3].parse::<i64>().ok()? * 60 + zone[4..].parse::<i64>().ok()?;
            if *sign == b'-' { -minutes } else { minutes }
        }
        _ => return None,
    };
    let thousandths = format!("{fraction:0<3}").get(..3)?.parse::<i64>().ok()?;
    u64::try_from((seconds - offset * 60) * 1_000 + thousandths).ok()
}

/// Returns a time in seconds since 1970 in RFC 3339; empty for 0, which no event happened at.
pub(crate) fn rfc3339(seconds: i64) -> String {
    if seconds <= 0 {
        return String::new();
    }
    let (days, of_day) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (of_day / 3_600, of_day / 60 % 60, of_day % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Returns the days from 1970-01-01 to a date of the Gregorian calendar; `None` if month or day is out of range. The
/// year begins with March, so that the day of a leap year is its last.
fn days_since_1970(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    Some(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + day_of_year - 719_468)
}

/// Returns the date of a day after 1970-01-01.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let day_of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::{millis, rfc3339};

    #[test]
    fn times_are_read_in_every_zone_and_with_any_fraction() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2026-01-02T03:04:05Z", 1_767_323_045_000),
            ("2026-01-02t03:04:05.5z", 1_767_323_045_500),
            ("2026-01-02T03:04:05.123456789Z", 1_767_323_045_123),
            ("2026-01-02T11:04:05+08:00", 1_767_323_045_000),
            ("2026-01-01T22:04:05-05:00", 1_767_323_045_000),
            ("2024-02-29T00:00:00Z", 1_709_164_800_000),
        ] {
            assert_eq!(millis(text), Some(expected), "{text}");
        }
        for text in [
            "",
            "noon",
            "2026-01-02",
            "2026-13-02T03:04:05Z",
            "2026-01-02T03:04:05",
            "1969-12-31T23:59:59Z",
            "2026-01-02T03:04:05+8",
        ] {
            assert_eq!(millis(text), None, "{text}");
        }
    }

    #[test]
    fn seconds_are_written_as_they_are_read() {
        for seconds in [1, 951_782_400, 1_709_164_800, 1_767_323_045, 4_102_444_799] {
            assert_eq!(millis(&rfc3339(seconds)), u64::try_from(seconds * 1_000).ok());
        }
        assert_eq!((rfc3339(1_767_323_045).as_str(), rfc3339(0).as_str()), ("2026-01-02T03:04:05Z", ""));
    }
}
