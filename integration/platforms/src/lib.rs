//! Local control planes of the serverless platforms: what a runtime talks to when it is not in the cloud.
//!
//! Each platform has a folder of its own and is written from the platform's protocol notes, never from a runtime's
//! client code, so that a mistake in one cannot hide a mistake in the other. The emulators are strict: they answer with
//! the platform's own refusals, count what they were sent and list every breach of the protocol.
//!
//! | module | holds |
//! |---|---|
//! | [`aws`] | AWS Lambda: Runtime API, extensions, response streaming, SnapStart, managed instances |
//! | [`process`] | a runtime as a child process: output lines, signals, exit, its whole group ended on drop |
//! | [`rie`] | driver of AWS' own Runtime Interface Emulator, a foreign program |
//! | [`wait`] | what a bounded wait returns when its limit passes |
//!
//! The public interface blocks and needs no async runtime: tests and benches are ordinary threads.
#![forbid(unsafe_code)]

pub mod aws;
pub mod process;
pub mod rie;
pub mod wait;
