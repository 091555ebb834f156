//! Tencent SCF over both binaries, against the strict emulator.

#[path = "tencent_scf/mod.rs"]
mod tencent_scf;
