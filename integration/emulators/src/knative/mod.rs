//! Knative: one pod of a revision behind its queue-proxy, and a broker of Knative Eventing that reads replies.
//!
//! Written from Knative's runtime contract, the queue-proxy's code and the language packs of Knative Functions.
//!
//! | module | holds |
//! |---|---|
//! | [`options`] | the configuration of a revision, and the environment that follows |
//! | [`pod`] | probes, requests through the queue-proxy, the end of a pod |
//! | [`broker`] | a broker's reaction to a reply |

pub mod broker;
pub mod options;
pub mod pod;

pub use broker::Delivery;
pub use options::Options;
pub use pod::{Pending, Pod};
