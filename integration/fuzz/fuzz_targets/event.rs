//! Fuzzes events: the reading of them, and replies in every form.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| faas_fuzz::event::check(data));
