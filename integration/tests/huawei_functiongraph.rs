//! Huawei FunctionGraph over both binaries, against the strict emulator.

#[path = "huawei_functiongraph/mod.rs"]
mod huawei_functiongraph;
