//! Times and ids as API Gateway and X-Ray write them. No clock is read here: the moment is given.

use faas_core::encoding::{base64, calendar};
use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Returns the time since 1970, in UTC.
pub(crate) fn epoch(now: SystemTime) -> Duration {
    now.duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Returns the text of `requestContext.time`: `12/Mar/2020:19:03:58 +0000`.
pub(crate) fn request_time(epoch: Duration) -> String {
    let seconds = epoch.as_secs();
    let (year, month, day) = calendar::date(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    // From 1 to 12.
    let month = MONTHS[month as usize - 1];
    format!("{day:02}/{month}/{year:04}:{hour:02}:{minute:02}:{second:02} +0000")
}

/// Returns 64 bits that no other call returns.
fn unique() -> u64 {
    RandomState::new().hash_one(std::process::id())
}

/// Returns the X-Ray root of a request: `1-<seconds in hex>-<96 bits in hex>`.
pub(crate) fn trace_root(epoch: Duration) -> String {
    format!("1-{:08x}-{:016x}{:08x}", epoch.as_secs(), unique(), unique() >> 32)
}

/// Returns the trace header the platform hands on with an event; not sampled, since nothing here collects traces.
pub(crate) fn trace_header(root: &str) -> String {
    format!("Root={root};Parent={:016x};Sampled=0", unique())
}

/// Returns the gateway's request id: 16 characters of base64.
pub(crate) fn gateway_request_id() -> String {
    let mut bytes = [unique().to_be_bytes(), unique().to_be_bytes()].concat();
    bytes.truncate(11);
    let mut text = Vec::new();
    base64::encode_into(&mut text, &bytes);
    String::from_utf8_lossy(&text).into_owned()
}

/// Returns a request id, in the form of a UUID.
pub(crate) fn request_id() -> String {
    let (high, low) = (unique(), unique());
    let [a, b, c] = [high >> 32, high >> 16 & 0xffff, high & 0xfff];
    format!("{a:08x}-{b:04x}-4{c:03x}-{:04x}-{:012x}", 0x8000 | low >> 50, low & 0xffff_ffff_ffff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_times_are_written_as_the_gateway_does() {
        for (seconds, text) in [
            (0, "01/Jan/1970:00:00:00 +0000"),
            (951_782_399, "28/Feb/2000:23:59:59 +0000"),
            (951_782_400, "29/Feb/2000:00:00:00 +0000"),
            (951_868_800, "01/Mar/2000:00:00:00 +0000"),
            (1_584_039_838, "12/Mar/2020:19:03:58 +0000"),
            (4_107_542_400, "01/Mar/2100:00:00:00 +0000"),
        ] {
            assert_eq!(request_time(Duration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn ids_have_their_platforms_form_and_differ() {
        let root = trace_root(Duration::from_secs(0x5e6a_7c1e));
        assert_eq!((root.len(), &root[..11]), (35, "1-5e6a7c1e-"));
        assert!(trace_header(&root).starts_with(&format!("Root={root};Parent=")));
        let id = gateway_request_id();
        assert_eq!((id.len(), id.ends_with('=')), (16, true));
        assert_ne!(id, gateway_request_id());
        let id = request_id();
        assert_eq!((id.len(), &id[14..15]), (36, "4"), "{id}");
        assert!(matches!(&id[19..20], "8" | "9" | "a" | "b"), "{id}");
    }
}
