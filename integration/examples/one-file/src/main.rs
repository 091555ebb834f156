//! A function and its runtime in one program, with no library to load. Linked against a static libc it starts in two
//! thirds of the time and runs in an image that holds nothing else:
//!
//! ```text
//! RUSTFLAGS="-C target-feature=+crt-static" \
//!     cargo build --release --target x86_64-unknown-linux-gnu -p one-file
//! ```
#![forbid(unsafe_code)]

light_runtime::main!(function: echo::echo::MODULE);
