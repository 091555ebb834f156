//! Alibaba Cloud Function Compute over both binaries, against the strict emulator.

#[path = "aliyun_fc/mod.rs"]
mod aliyun_fc;
