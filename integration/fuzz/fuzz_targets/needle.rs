//! Proves that the build is guided by coverage: it fails on eight bytes out of 2^64, which nothing but coverage finds.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let mut depth = 0;
    for (&byte, &wanted) in data.iter().zip(b"guided\xf0\x0d") {
        if byte != wanted {
            return;
        }
        depth += 1;
    }
    assert!(depth < 8, "the needle was found");
});
