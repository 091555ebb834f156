//! Local control planes of the serverless platforms: what a runtime talks to when it is not in the cloud.
//!
//! Each platform has a folder of its own and is written from the platform's protocol notes, never from a runtime's
//! client code, so that a mistake in one cannot hide a mistake in the other. The emulators are strict: they answer with
//! the platform's own refusals, count what they were sent and list every breach of the protocol.
//!
//! | module | holds |
//! |---|---|
//! | [`aws`] | AWS Lambda: Runtime API, extensions, response streaming, SnapStart, managed instances |
//! | [`azure`] | the Azure Functions host before a custom handler: envelopes, forwarded and proxied requests, exits |
//! | [`cloudevents`] | events as senders put them on the wire, replies as they read them |
//! | [`fc`] | Alibaba Cloud Function Compute: events, requests, hooks and freezes of an instance, the log by its markers |
//! | [`fn_agent`] | Fn's agent: the socket, calls one by one, freezes |
//! | [`functiongraph`] | Huawei FunctionGraph: the runtime API, API Gateway in front of it |
//! | [`google`] | Google Cloud Run and functions: the front end, the log's agent, the frameworks' conformance suite |
//! | [`h2c`] | one request over HTTP/2 without TLS |
//! | [`handout`] | what control planes have in common that hand out one event at a time |
//! | [`knative`] | Knative: a pod behind a queue-proxy, and a broker that reads replies |
//! | [`openfaas`] | OpenFaaS: gateway and kubelet before a pod, and of-watchdog before a process |
//! | [`openwhisk`] | Apache OpenWhisk: the invoker of action containers, and the proxy above an ActionLoop child |
//! | [`process`] | a runtime as a child process: output lines, signals, exit, its whole group ended on drop |
//! | [`rie`] | driver of AWS' own Runtime Interface Emulator, a foreign program |
//! | [`scf`] | Tencent SCF: the runtime API, function URL and API gateway in front of it |
//! | [`vefaas`] | VolcEngine veFaaS: control requests, requests and CloudEvents |
//! | [`wait`] | what a bounded wait returns when its limit passes |
//! | [`wire`] | HTTP/1.1 over any stream, as a platform's side speaks it |
//! | [`yandex`] | Yandex' bash runtime: a process a call |
//!
//! The public interface blocks and needs no async runtime: tests and benches are ordinary threads.
#![forbid(unsafe_code)]

pub mod aws;
pub mod azure;
pub mod cloudevents;
pub mod fc;
pub mod fn_agent;
pub mod functiongraph;
pub mod google;
pub mod h2c;
pub mod handout;
pub mod knative;
pub mod openfaas;
pub mod openwhisk;
pub mod process;
pub mod rie;
pub mod scf;
pub mod vefaas;
pub mod wait;
pub mod wire;
pub mod yandex;
