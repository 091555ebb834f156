//! Texts of settings that hosts and modules have to read alike.

/// Reads a switch such as `FAAS_DEBUG`: `1`, `true`, `yes` and `on` switch it on, `0`, `false`, `no` and `off` switch it
/// off, in any case. `None` if the text is none of these.
pub fn switch(text: &[u8]) -> Option<bool> {
    const WORDS: [(&[u8], bool); 8] = [
        (b"1", true),
        (b"true", true),
        (b"yes", true),
        (b"on", true),
        (b"0", false),
        (b"false", false),
        (b"no", false),
        (b"off", false),
    ];
    WORDS.iter().find(|(word, _)| word.eq_ignore_ascii_case(text)).map(|(_, on)| *on)
}

/// The key of `host->config` whose value two entries have in common if they have that of every other key in common.
pub const ENVIRONMENT: &str = "faas.environment";
