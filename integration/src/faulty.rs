//! The events that choose the behaviour of the function `faulty`.

/// The function returns an error of its own, `Faulty.Error`.
pub const ERROR: &str = r#"{"do":"error"}"#;
/// The function returns an error of the standard library's by `?`, with an address in its text.
pub const FOREIGN: &str = r#"{"do":"foreign"}"#;
/// The function panics.
pub const PANIC: &str = r#"{"do":"panic"}"#;
/// The function has a thread of its own panic, and answers `"fine"`.
pub const THREAD: &str = r#"{"do":"thread"}"#;
/// The function sleeps a second longer than the deadline allows, and does not look whether it is cancelled.
pub const SLEEP: &str = r#"{"do":"sleep"}"#;
/// Sleeps for an hour, and does not look whether it is cancelled: a call that hangs and takes no processor.
pub const HANG: &str = r#"{"do":"sleep","ms":3600000}"#;
/// The function spins for ever, which takes a processor for as long as its process lives.
pub const SPIN: &str = r#"{"do":"spin"}"#;
/// The function ends the process.
pub const ABORT: &str = r#"{"do":"abort"}"#;
/// The function answers five million bytes.
pub const FIVE_MB: &str = r#"{"do":"reply","bytes":5000000}"#;
/// The function answers seven million bytes, more than AWS takes.
pub const SEVEN_MB: &str = r#"{"do":"reply","bytes":7000000}"#;
/// The function answers `"fine"`.
pub const FINE: &str = r#"{"do":"nothing"}"#;
