//! The parts that all conformance and behaviour tests over the real binaries share.
//!
//! | module | holds |
//! |---|---|
//! | [`artifacts`] | binaries and modules, built once a run, their paths taken from the build's own output |
//! | [`bank`] | the bank of the function `charge`, where effects are counted |
//! | [`deployment`] | a task root as a platform unpacks it, and the command that starts a runtime in it |
//! | [`on_aws`] | a runtime under the strict emulator of AWS Lambda |
//! | [`on_http`] | a runtime that serves plain HTTP on a port of its own |
//! | [`on_plane`] | a runtime under a control plane that hands out events |
//! | [`client`] | an HTTP client on a bare socket, which can send what no library would |
//! | [`collector`] | a collector of OpenTelemetry's, which takes spans or does not |
//! | [`configured`] | layers that are configured in JSON, and whether a runtime starts with a configuration |
//! | [`faulty`] | the events that choose the behaviour of the function `faulty` |
//! | [`kernel`] | the kernel's account of a process: memory, time, threads, descriptors |
//! | [`inspected`] | the findings of the function `inspect`, read back |
//! | [`needs`] | programs that the project does not make, and trials that need one |
//! | [`redis`] | a Redis of Debian's, which a test may kill, stop and start again |
//! | [`scripted`] | a server that speaks HTTP as a test wants it |
//! | [`table`] | tables of `docs/conformance` against the tests there are |
//! | [`wait`] | limits of waits, and the one factor that stretches them |
//!
//! Nothing here knows how a runtime works inside: a process, its output, its sockets, its exit.
#![forbid(unsafe_code)]

pub mod artifacts;
pub mod bank;
pub mod client;
pub mod collector;
pub mod configured;
pub mod deployment;
pub mod faulty;
pub mod inspected;
pub mod kernel;
pub mod needs;
pub mod on_aws;
pub mod on_http;
pub mod on_plane;
pub mod redis;
pub mod scripted;
pub mod table;
pub mod wait;

/// Makes every named function, which takes `&'static Runtime`, a test over each of the two runtimes: `name::bootstrap`
/// and `name::light_bootstrap`. A behaviour left out of the list is dead code, which the lints refuse.
#[macro_export]
macro_rules! both {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            #[test]
            fn bootstrap() {
                super::$name($crate::artifacts::get().bootstrap());
            }

            #[test]
            fn light_bootstrap() {
                super::$name($crate::artifacts::get().light_bootstrap());
            }
        }
    )+};
}
