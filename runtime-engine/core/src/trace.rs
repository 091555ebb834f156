//! Makes one trace context of the platforms' own: W3C's if they have it, else one from their ids.

use crate::fields::lower_case;
use crate::http1::Message;

/// Makes a `traceparent` of an X-Ray header,
/// `Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1`. The root's two parts are the 32 digits
/// of the trace id. It is `None` without a parent: there is no span to continue.
pub fn from_xray(header: &[u8]) -> Option<Vec<u8>> {
    let header = std::str::from_utf8(header).ok()?;
    let (mut root, mut parent, mut sampled) = (None, None, "00");
    for part in header.split(';') {
        match part.trim().split_once('=') {
            Some(("Root", value)) => root = Some(value),
            Some(("Parent", value)) => parent = Some(value),
            Some(("Sampled", "1")) => sampled = "01",
            _ => {}
        }
    }
    let (epoch, random) = root?.strip_prefix("1-")?.split_once('-')?;
    let parent = parent?;
    let hex = |text: &str, len: usize| text.len() == len && text.bytes().all(|digit| digit.is_ascii_hexdigit());
    if !(hex(epoch, 8) && hex(random, 24) && hex(parent, 16)) {
        return None;
    }
    Some(lower_case(&format!("00-{epoch}{random}-{parent}-{sampled}")).into_bytes())
}

/// Makes a `traceparent` of the B3 headers of a message, as Zipkin, Istio and Fn send them: `X-B3-TraceId` of 16 or 32
/// digits, `X-B3-SpanId`, and `X-B3-Sampled` or the debug flag of `X-B3-Flags`.
pub fn from_b3(message: &Message) -> Option<Vec<u8>> {
    let hex = |name: &str| message.header(name).filter(|text| text.iter().all(u8::is_ascii_hexdigit));
    let trace = hex("x-b3-traceid").filter(|trace| matches!(trace.len(), 16 | 32))?;
    let span = hex("x-b3-spanid").filter(|span| span.len() == 16)?;
    let sampled = matches!(message.header("x-b3-sampled"), Some(b"1" | b"true"));
    let flags = if sampled || message.header("x-b3-flags") == Some(b"1") { "01" } else { "00" };
    let (trace, span) = (String::from_utf8_lossy(trace), String::from_utf8_lossy(span));
    Some(lower_case(&format!("00-{trace:0>32}-{span}-{flags}")).into_bytes())
}

/// Returns `true` for a `traceparent` as W3C Trace Context writes it. A later version has to begin with all that is
/// known today.
pub fn is_traceparent(text: &[u8]) -> bool {
    let Some((known, more)) = text.split_at_checked(55) else { return false };
    let hex = |part: &[u8]| part.iter().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
    let id = |part: &[u8]| hex(part) && part.iter().any(|digit| *digit != b'0');
    let (version, trace, span, flags) = (&known[..2], &known[3..35], &known[36..52], &known[53..]);
    let dashes = [2, 35, 52].iter().all(|at| known[*at] == b'-');
    let whole = more.is_empty() || version != b"00" && more[0] == b'-';
    dashes && whole && hex(version) && version != b"ff" && id(trace) && id(span) && hex(flags)
}

/// Makes a `traceparent` of Google's `X-Cloud-Trace-Context`: 32 digits of the trace, `/`, the span as a decimal
/// number, and maybe `;o=1` for one that is sampled.
pub fn from_cloud(header: &[u8]) -> Option<Vec<u8>> {
    let (trace, span, sampled) = cloud_parts(header)?;
    let flags = u8::from(sampled);
    Some(lower_case(&format!("00-{trace}-{span:016x}-{flags:02}")).into_bytes())
}

/// Returns `true` for a header that [`from_cloud`] reads.
pub fn is_cloud(header: &[u8]) -> bool {
    cloud_parts(header).is_some()
}

/// Returns trace, span, and `true` if it is sampled.
fn cloud_parts(header: &[u8]) -> Option<(&str, u64, bool)> {
    let (trace, rest) = std::str::from_utf8(header).ok()?.split_once('/')?;
    let (span, options) = rest.split_once(';').unwrap_or((rest, "o=0"));
    let options = options.strip_prefix("o=")?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit());
    let is_trace = trace.len() == 32 && trace.bytes().all(|digit| digit.is_ascii_hexdigit());
    if !is_trace || !trace.bytes().any(|digit| digit != b'0') || !digits(span) || !digits(options) {
        return None;
    }
    let span = span.parse().ok().filter(|span| *span != 0)?;
    Some((trace, span, options == "1"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http1::Assembly;

    #[test]
    fn a_traceparent_is_told_from_what_is_none() {
        let (trace, span) = ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331");
        for header in [format!("00-{trace}-{span}-01"), format!("cc-{trace}-{span}-00-more")] {
            assert!(is_traceparent(header.as_bytes()), "{header}");
        }
        let none = "0".repeat(32);
        for header in [
            String::new(),
            format!("00-{trace}-{span}"),
            format!("00-{trace}-{span}-1"),
            format!("00-{trace}-{span}-01-more"),
            format!("01-{trace}-{span}-01more"),
            format!("ff-{trace}-{span}-01"),
            format!("00-{none}-{span}-01"),
            format!("00-{trace}-{}-01", &none[..16]),
            format!("00-{}-{span}-01", trace.to_uppercase()),
            format!("00_{trace}-{span}-01"),
        ] {
            assert!(!is_traceparent(header.as_bytes()), "{header}");
        }
    }

    #[test]
    fn googles_header_becomes_a_traceparent() {
        let trace = "11112222333344445555666677778888";
        for (rest, expected) in [
            ("12297848147757817309;o=1", "aaaabbbbccccdddd-01"),
            ("1", "0000000000000001-00"),
            ("18446744073709551615;o=0", "ffffffffffffffff-00"),
        ] {
            let made = from_cloud(format!("{trace}/{rest}").as_bytes());
            let made = made.map(|text| String::from_utf8(text).expect("text"));
            assert_eq!(made, Some(format!("00-{trace}-{expected}")));
        }
    }

    #[test]
    fn a_malformed_header_of_googles_becomes_none() {
        let trace = "11112222333344445555666677778888";
        for header in [
            String::new(),
            trace.to_owned(),
            format!("{trace}/"),
            format!("{trace}/0;o=1"),
            format!("{trace}/x;o=1"),
            format!("{trace}/-1"),
            format!("{trace}/18446744073709551616"),
            format!("{trace}/1;o="),
            format!("{trace}/1;x=1"),
            format!("{}/1", &trace[1..]),
            format!("{}z/1", &trace[1..]),
            format!("{}/1", "0".repeat(32)),
        ] {
            assert_eq!((from_cloud(header.as_bytes()), is_cloud(header.as_bytes())), (None, false), "{header}");
        }
    }

    #[test]
    fn b3_headers_become_a_traceparent() {
        let made = |headers: &[(&str, &str)]| {
            let mut assembly = Assembly::request(Vec::new(), b"GET", b"/", b"");
            headers.iter().for_each(|(name, value)| assembly.header(name.as_bytes(), value.as_bytes()));
            from_b3(&assembly.finish()).map(|text| String::from_utf8(text).expect("text"))
        };
        let (long, short, span) = ("80f198ee56343ba864fe8b2a57d3eff7", "64FE8B2A57D3EFF7", "e457b5a2e4d86bd1");
        assert_eq!(
            made(&[("X-B3-TraceId", long), ("X-B3-SpanId", span), ("X-B3-Sampled", "1")]),
            Some("00-80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-01".into())
        );
        assert_eq!(
            made(&[("x-b3-traceid", short), ("x-b3-spanid", span), ("x-b3-sampled", "0")]),
            Some("00-000000000000000064fe8b2a57d3eff7-e457b5a2e4d86bd1-00".into())
        );
        for (trace, other) in [("", span), (long, ""), (long, "zz57b5a2e4d86bd1"), ("64fe", span)] {
            assert_eq!(made(&[("X-B3-TraceId", trace), ("X-B3-SpanId", other)]), None, "{trace} {other}");
        }
    }

    #[test]
    fn an_xray_header_becomes_a_traceparent() {
        let header = b"Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1;Lineage=a:0";
        assert_eq!(from_xray(header).as_deref(), Some(&b"00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01"[..]));
    }

    #[test]
    fn half_a_header_becomes_none() {
        for header in ["", "Root=1-5759e988-bd862e3fe1be46a994272793", "Root=1-1-2;Parent=53995c3f42cd8ad8", "junk"] {
            assert_eq!(from_xray(header.as_bytes()), None, "{header}");
        }
    }
}
