//! A function and its runtime in one program, with no library to load. Linked against a static libc it starts in two
//! thirds of the time and runs in an image that holds nothing else:
//!
//! ```text
//! RUSTFLAGS="-C target-feature=+crt-static -C relocation-model=static" \
//!     cargo build --release --target x86_64-unknown-linux-gnu -p one-file
//! ```
//!
//! `--target` keeps the flags away from build scripts and macros; without the second flag the program is position
//! independent and relocates itself at every start. `c_main!` leaves out what std does before a `main`.
#![no_main]

light_runtime::c_main!(function: echo::echo::MODULE);
