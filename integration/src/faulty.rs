//! The events that choose the behaviour of the function `faulty`.

/// The event whose answer is an error of the module's own, `Faulty.Error`.
pub const ERROR: &str = r#"{"do":"error"}"#;
/// The event whose answer is an error of the standard library's by `?`, with an address in its text.
pub const FOREIGN: &str = r#"{"do":"foreign"}"#;
/// The function panics.
pub const PANIC: &str = r#"{"do":"panic"}"#;
/// The event for which a thread of its own panics, and the answer is `"fine"`.
pub const THREAD: &str = r#"{"do":"thread"}"#;
/// The event that sleeps a second longer than the deadline allows, and does not look whether it is cancelled.
pub const SLEEP: &str = r#"{"do":"sleep"}"#;
/// The function spins for ever.
pub const SPIN: &str = r#"{"do":"spin"}"#;
/// The function ends the process.
pub const ABORT: &str = r#"{"do":"abort"}"#;
/// The event whose answer has five million bytes.
pub const FIVE_MB: &str = r#"{"do":"reply","bytes":5000000}"#;
/// The event whose answer has seven million bytes, more than AWS takes.
pub const SEVEN_MB: &str = r#"{"do":"reply","bytes":7000000}"#;
/// The function answers `"fine"`.
pub const FINE: &str = r#"{"do":"nothing"}"#;
