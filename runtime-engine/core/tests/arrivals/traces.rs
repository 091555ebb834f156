//! A `traceparent` that is not one leaves the trace to the sender's other headers.

use crate::{Pairs, WAYS, arrival, process};
use faas_abi::META_TRACEPARENT;
use faas_abi::host::Invocation as _;
use faas_core::invocation::Invocation;
use std::sync::Arc;

const TRACE: &str = "80f198ee56343ba864fe8b2a57d3eff7";
const SPAN: &str = "e457b5a2e4d86bd1";

/// Returns the trace that a function sees on that platform.
fn traced(pairs: Pairs<'_>, path: &str, headers: Pairs<'_>) -> String {
    let process = Arc::new(process().0);
    let (message, metadata) = arrival(&process, pairs, path, headers, "");
    let mut invocation = Invocation::new(process, Arc::from("f"));
    invocation.renew(message, &metadata, false);
    String::from_utf8(invocation.meta(META_TRACEPARENT).to_vec()).expect("text")
}

#[test]
fn a_malformed_traceparent_does_not_hide_the_headers_of_b3() {
    let sent = format!("00-{TRACE}-{SPAN}-00");
    let b3 = [("X-B3-TraceId", TRACE), ("X-B3-SpanId", SPAN), ("X-B3-Sampled", "1")];
    // The platforms that send requests: their headers are what the sender says.
    let serving = WAYS.iter().filter(|(pairs, path, headers, body)| {
        let polls = ["AWS_LAMBDA_RUNTIME_API", "SCF_RUNTIME_API", "RUNTIME_API_ADDR"];
        !path.is_empty() && headers.is_empty() && body.is_empty() && !pairs.iter().any(|(name, _)| polls.contains(name))
    });
    let mut platforms = 0;
    for (pairs, path, ..) in serving {
        platforms += 1;
        for malformed in ["", "junk", &sent.to_uppercase(), "00-00000000000000000000000000000000-0000000000000000-00"] {
            let headers = [&[("traceparent", malformed)][..], &b3].concat();
            assert_eq!(traced(pairs, path, &headers), format!("00-{TRACE}-{SPAN}-01"), "{pairs:?} {malformed:?}");
        }
        let headers = [&[("traceparent", sent.as_str())][..], &b3].concat();
        assert_eq!(traced(pairs, path, &headers), sent, "{pairs:?}: the W3C's counts more");
        assert_eq!(traced(pairs, path, &[("traceparent", "junk")]), "", "{pairs:?}: nothing is no trace");
    }
    assert!(platforms >= 10, "{platforms}");
}
