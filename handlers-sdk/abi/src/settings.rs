//! Texts of settings that hosts and modules have to read alike.

use core::time::Duration;

/// Reads a switch such as `FAAS_DEBUG`: `1`, `true`, `yes` and `on` switch it on, `0`, `false`, `no` and `off` switch
/// it off, in any case. Returns `None` if the text is another one.
///
/// ```
/// use faas_abi::settings::switch;
///
/// assert_eq!([b"on".as_slice(), b"FALSE", b"maybe"].map(switch), [Some(true), Some(false), None]);
/// ```
pub fn switch(text: &[u8]) -> Option<bool> {
    const WORDS: [(&[u8], bool); 8] = [
        (b"1", true),
        (b"true", true),
        (b"yes", true),
        (b"on", true),
        (b"0", false),
        (b"false", false),
        (b"no", false),
        (b"off", false),
    ];
    WORDS.iter().find(|(word, _)| word.eq_ignore_ascii_case(text)).map(|(_, on)| *on)
}

/// The key of `host->config` that tells environments apart: two entries with the same value of it have the same values
/// of every other key.
pub const ENVIRONMENT: &str = "faas.environment";

/// Reads a duration: whole seconds, or numbers with `h`, `m`, `s`, `ms`, `us`, `ns` as Go writes them. Returns `None`
/// if the text is no duration.
///
/// ```
/// use faas_abi::settings::duration;
/// use std::time::Duration;
///
/// assert_eq!(duration("90"), duration("1m30s"));
/// assert_eq!(duration("1.5s"), Some(Duration::from_millis(1500)));
/// assert_eq!(duration("soon"), None);
/// ```
pub fn duration(text: &str) -> Option<Duration> {
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let mut rest = text;
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, behind) = rest.split_at(end);
        let end = behind.find(|c: char| c.is_ascii_digit()).unwrap_or(behind.len());
        let (unit, behind) = behind.split_at(end);
        total = total.checked_add(part(number, unit)?)?;
        rest = behind;
    }
    (!text.is_empty()).then_some(total)
}

/// Returns a number with its unit in whole nanoseconds; `None` if it does not fit. Parsing floating point would add its
/// tables to every binary.
fn part(number: &str, unit: &str) -> Option<Duration> {
    let scale: u64 = match unit {
        "ns" => 1,
        "us" | "µs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let mut nanos = whole.parse::<u64>().ok()?.checked_mul(scale)?;
    let mut worth = scale;
    for digit in fraction.chars() {
        worth /= 10;
        nanos = nanos.checked_add(worth * u64::from(digit.to_digit(10)?))?;
    }
    Some(Duration::from_nanos(nanos))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_seconds_and_as_go_writes_them() {
        for (text, millis) in [("30", 30_000), ("500ms", 500), ("1m30s", 90_000), ("1.5s", 1_500), ("1h", 3_600_000)] {
            assert_eq!(duration(text), Some(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "s", "1x", "1s2", "-1s", "1 s"] {
            assert_eq!(duration(text), None, "{text}");
        }
    }
}
