//! Google Cloud Run and Cloud Run functions: the front end before one instance of a container, the agent that reads its
//! log, and the conformance suite of the functions frameworks.
//!
//! Written from Cloud Run's container contract, the page on structured logging, and the contract and the suite of the
//! functions frameworks. The front end is strict: it lists every answer that the contract forbids.
//!
//! | module | holds |
//! |---|---|
//! | [`options`] | the configuration of a revision, and the environment that follows |
//! | [`front`] | requests with the front end's headers, its limits, the end of an instance |
//! | [`log`] | the reading of a line |
//! | [`cases`], [`conformance`] | the suite's events, and its client |

pub mod cases;
pub mod conformance;
pub mod front;
pub mod log;
pub mod options;

pub use front::{Instance, Pending};
pub use options::{Options, Signature};
