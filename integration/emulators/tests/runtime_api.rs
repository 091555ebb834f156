//! The rules of the control planes that hand out events, asked by a client on a bare socket: the statements about an
//! emulator in the checklists of Tencent SCF and Huawei FunctionGraph.
#![forbid(unsafe_code)]

#[path = "runtime_api/client.rs"]
mod client;
#[path = "runtime_api/huawei_functiongraph.rs"]
mod huawei_functiongraph;
#[path = "runtime_api/tencent_scf.rs"]
mod tencent_scf;
