//! A function, two layers around it and their runtime in one program. No library is loaded, so it can be static:
//!
//! ```text
//! RUSTFLAGS="-C target-feature=+crt-static" \
//!     cargo build --release --target x86_64-unknown-linux-gnu -p linked
//! ```
#![forbid(unsafe_code)]

light_runtime::main!(function: echo::echo::MODULE, layers: [layer_monitor::Monitor::MODULE, layer_metrics::Metrics::MODULE]);
