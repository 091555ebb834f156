//! Descriptors of modules: what the check reads and what it decides.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| faas_fuzz::module::check(data));
