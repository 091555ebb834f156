//! The whole way from the bytes of a serverless.yml to its manifests.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| faas_fuzz::service::check(data));
