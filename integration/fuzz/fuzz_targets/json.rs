//! The JSON lens and writer against `serde_json`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| faas_fuzz::json::check(data));
