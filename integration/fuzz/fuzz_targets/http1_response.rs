//! Responses: the reader against itself, a second framing and `httparse`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| faas_fuzz::http1::check_response(data));
