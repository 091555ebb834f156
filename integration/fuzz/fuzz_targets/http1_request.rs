//! Requests: the reader against itself, a second framing, `httparse` and hyper's server.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| faas_fuzz::http1::check_request(data));
