//! `bootstrap`: the runtime as a program of its own. Everything is in the library.
#![forbid(unsafe_code)]

fn main() {
    runtime_engine::run();
}
