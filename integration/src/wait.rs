//! Limits of waits, and the one factor that stretches them. No test sleeps: it waits for a line, a state of an
//! emulator, an exit, or, where the kernel offers no event, asks again until the limit.
//!
//! `FAAS_TEST_SCALE` (a whole number, default 1) multiplies every limit and every silence. A slow machine needs 2 to 5;
//! `.ci/long` sets 100, which makes the three seconds of [`silence`] five minutes.

use platform_emulators::process::Process;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

static SCALE: LazyLock<u32> = LazyLock::new(|| {
    let Ok(text) = std::env::var("FAAS_TEST_SCALE") else { return 1 };
    match text.parse() {
        Ok(scale @ 1..) => scale,
        _ => panic!("FAAS_TEST_SCALE: expected a whole number from 1, found {text:?}"),
    }
});

/// Returns the factor of all limits.
pub fn scale() -> u32 {
    *SCALE
}

/// Returns how long something that should happen at once may take before it counts as not happening: 30 s, scaled.
pub fn limit() -> Duration {
    Duration::from_secs(30) * scale()
}

/// Returns how long a test watches that something does not happen: 3 s, scaled.
pub fn silence() -> Duration {
    Duration::from_secs(3) * scale()
}

/// Asks `probe` every few milliseconds until it has something. It is for conditions without an event: a port that
/// opens, a thread that appears in `/proc`. The pause is a wait for the end of `process`, the other thing that can
/// happen.
///
/// # Errors
/// The process ends first, or [`limit`] passes. The error has the condition and the process' output.
pub fn until<T>(what: &str, process: &Process, mut probe: impl FnMut() -> Option<T>) -> Result<T, String> {
    let end = Instant::now() + limit();
    loop {
        if let Some(found) = probe() {
            return Ok(found);
        }
        if process.status().is_some() || Instant::now() > end {
            return Err(format!("{what}: not so; the process is {:?}:\n{}", process.status(), process.output()));
        }
        // The error is the ordinary case: it still runs.
        let _ = process.wait(Duration::from_millis(3));
    }
}
