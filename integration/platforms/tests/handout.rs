//! The rules of the control planes that hand out events, asked by a client on a bare socket: what the checklists of Tencent
//! SCF and Huawei FunctionGraph say of an emulator.
#![forbid(unsafe_code)]

#[path = "handout/client.rs"]
mod client;
#[path = "handout/functiongraph.rs"]
mod functiongraph;
#[path = "handout/scf.rs"]
mod scf;
