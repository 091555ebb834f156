//! Requests: the reader against itself, a second framing, `httparse` and hyper's server.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| faas_fuzz::http1::check_request(data));

libfuzzer_sys::fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    faas_fuzz::http1::mutate(data, size, max_size, seed)
});
