//! Trace contexts: W3C's, Zipkin's B3 and X-Ray's, read from a request and written for those further in.

use handlers_sdk::HttpView;

/// The trace that an invocation belongs to, and the span that called it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Context {
    /// The id of the trace.
    pub trace: [u8; 16],
    /// The id of the span that called.
    pub span: [u8; 8],
    /// `true` if the trace is kept.
    pub sampled: bool,
}

/// Returns the bytes of exactly `2 * N` digits, not all of them zero; `None` for another text.
fn bytes<const N: usize>(digits: &str) -> Option<[u8; N]> {
    let mut out = [0; N];
    if digits.len() != 2 * N || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    for (index, byte) in out.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&digits[2 * index..2 * index + 2], 16).ok()?;
    }
    (out != [0; N]).then_some(out)
}

/// Returns bytes as lower-case hexadecimal digits.
fn digits(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let of_byte = |byte: &u8| [byte >> 4, byte & 15].map(|digit| char::from(DIGITS[usize::from(digit)]));
    let mut out = String::with_capacity(2 * bytes.len());
    out.extend(bytes.iter().flat_map(of_byte));
    out
}

/// Returns a trace id of 16 or 32 digits; `None` for another text.
fn trace_id(digits: &str) -> Option<[u8; 16]> {
    if digits.len() == 16 { bytes(&format!("{:0>32}", digits)) } else { bytes(digits) }
}

impl Context {
    /// Reads W3C `traceparent`; `None` for another text. In a version that is still to come the parts of today have to be
    /// there.
    pub fn of_w3c(text: &str) -> Option<Context> {
        let mut parts = text.trim().split('-');
        let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let is_version = version.len() == 2 && version != "ff" && version.bytes().all(|byte| byte.is_ascii_hexdigit());
        let is_flags = flags.len() == 2 && flags.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_version || !is_flags || version == "00" && parts.next().is_some() {
            return None;
        }
        let sampled = u8::from_str_radix(flags, 16).ok()? & 1 == 1;
        Some(Context { trace: bytes(trace)?, span: bytes(span)?, sampled })
    }

    /// Reads B3 in one header: `<trace>-<span>-<sampled>-<parent>`.
    fn of_b3(text: &str) -> Option<Context> {
        let mut parts = text.trim().split('-');
        let (trace, span) = (parts.next()?, parts.next()?);
        let sampled = matches!(parts.next(), Some("1" | "d" | "true"));
        Some(Context { trace: trace_id(trace)?, span: bytes(span)?, sampled })
    }

    /// Reads X-Ray's header. Without a parent there is no span to continue.
    fn of_xray(text: &str) -> Option<Context> {
        let member = |name: &str| {
            text.split(';')
                .find_map(|part| part.trim().split_once('=').filter(|(key, _)| *key == name))
                .map(|(_, value)| value)
        };
        let (version, root) = member("Root")?.split_once('-')?;
        let (epoch, random) = root.split_once('-').filter(|_| version == "1")?;
        let trace = bytes(&format!("{epoch}{random}"))?;
        Some(Context { trace, span: bytes(member("Parent")?)?, sampled: member("Sampled") == Some("1") })
    }

    /// Reads the context of a request itself, in the forms that clients send; `None` if it has none.
    pub fn of_request(http: HttpView<'_>) -> Option<Context> {
        let of_parts = || {
            let sampled =
                matches!(http.header("x-b3-sampled"), Some("1" | "true")) || http.header("x-b3-flags") == Some("1");
            let (trace, span) = (trace_id(http.header("x-b3-traceid")?)?, bytes(http.header("x-b3-spanid")?)?);
            Some(Context { trace, span, sampled })
        };
        http.header("traceparent")
            .and_then(Context::of_w3c)
            .or_else(|| http.header("b3").and_then(Context::of_b3))
            .or_else(of_parts)
            .or_else(|| http.header("x-amzn-trace-id").and_then(Context::of_xray))
    }

    /// Makes the context of another span of the same trace.
    #[must_use]
    pub fn beside(&self, span: [u8; 8]) -> Context {
        Context { span, ..self.clone() }
    }

    /// Returns it as W3C `traceparent`.
    pub fn w3c(&self) -> String {
        format!("00-{}-{}-0{}", digits(&self.trace), digits(&self.span), u8::from(self.sampled))
    }

    /// Returns it as B3 in one header.
    pub fn b3(&self) -> String {
        format!("{}-{}-{}", digits(&self.trace), digits(&self.span), u8::from(self.sampled))
    }

    /// Returns it as X-Ray's header.
    pub fn xray(&self) -> String {
        let (trace, span) = (digits(&self.trace), digits(&self.span));
        format!("Root=1-{}-{};Parent={span};Sampled={}", &trace[..8], &trace[8..], u8::from(self.sampled))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "5759e988bd862e3fe1be46a994272793";
    const SPAN: &str = "53995c3f42cd8ad8";

    #[test]
    fn each_form_is_read_as_it_is_written() {
        let context = Context { trace: bytes(TRACE).unwrap(), span: bytes(SPAN).unwrap(), sampled: true };
        assert_eq!(context.w3c(), format!("00-{TRACE}-{SPAN}-01"));
        assert_eq!(context.xray(), format!("Root=1-5759e988-bd862e3fe1be46a994272793;Parent={SPAN};Sampled=1"));
        assert_eq!(Context::of_w3c(&context.w3c()), Some(context.clone()));
        assert_eq!(Context::of_b3(&context.b3()), Some(context.clone()));
        assert_eq!(Context::of_xray(&context.xray()), Some(context.clone()));
        assert_eq!(Context::of_w3c(&format!("cc-{TRACE}-{SPAN}-01-more")), Some(context));
        let short = Context::of_b3(&format!("{SPAN}-{SPAN}-0")).expect("64 bits are a trace id too");
        assert_eq!((digits(&short.trace), short.sampled), (format!("{:0>32}", SPAN), false));
    }

    #[test]
    fn what_is_none_is_ignored() {
        let zeros = ("0".repeat(32), "0".repeat(16));
        for text in [
            String::new(),
            "0".to_owned(),
            format!("00-{TRACE}-{SPAN}"),
            format!("00-{TRACE}-{SPAN}-01-more"),
            format!("ff-{TRACE}-{SPAN}-01"),
            format!("00-{}-{SPAN}-01", zeros.0),
            format!("00-{TRACE}-{}-01", zeros.1),
            format!("00-{TRACE}g-{SPAN}-01"),
            format!("00-{TRACE}-{SPAN}-+1"),
            "00-\u{e9}759e988bd862e3fe1be46a99427279-53995c3f42cd8ad8-01".to_owned(),
        ] {
            assert_eq!(Context::of_w3c(&text), None, "{text}");
        }
        for text in
            ["Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1", "Root=2-5759e988-bd862e3fe1be46a994272793", "Root="]
        {
            assert_eq!(Context::of_xray(text), None, "{text}");
        }
    }
}
