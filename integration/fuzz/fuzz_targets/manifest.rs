//! The reader of the manifest against `serde_json`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| faas_fuzz::manifest::check(data));
