//! Local control planes of the serverless platforms, which a runtime talks to when it is not in the cloud.
//!
//! Each platform has a file or folder of its own; Kubernetes and Azure Container Apps are plain HTTP with other variables.
//! A platform is written from the platform's protocol notes, never from a runtime's
//! client code, so that a mistake in one cannot hide a mistake in the other. The emulators are strict: they answer with
//! the platform's own refusals, count what they were sent and list every breach of the protocol.
//!
//! | module | holds |
//! |---|---|
//! | `acceptor` | a port whose connections are served by threads |
//! | [`wire`], [`h2c`] | HTTP/1.1 and HTTP/2 as bytes |
//! | [`runtime_api`] | a control plane that hands out events, without a platform's own calls |
//! | [`cloudevents`], [`base64`] | forms that several platforms share |
//! | [`process`] | a runtime as a child process: its output, signals and exit |
//! | [`ports`] | a port that is free for a program about to be started |
//! | [`wait`] | what is waited for, with a limit |
//! | [`rie`] | AWS' own emulator, where it is installed |
//!
//! The public interface blocks and needs no async runtime: tests and benches are ordinary threads.
#![forbid(unsafe_code)]

mod acceptor;
pub mod aliyun_fc;
pub mod aws_lambda;
pub mod azure_functions;
pub mod base64;
pub mod cloudevents;
pub mod fn_project;
pub mod google_cloud;
pub mod h2c;
pub mod huawei_functiongraph;
pub mod knative;
pub mod openfaas;
pub mod openwhisk;
pub mod plain_http;
pub mod ports;
pub mod process;
pub mod rie;
pub mod runtime_api;
pub mod tencent_scf;
pub mod vefaas;
pub mod wait;
pub mod wire;
pub mod yandex;
