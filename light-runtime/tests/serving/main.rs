//! `light-bootstrap` as an HTTP server, over real sockets, with functions in C.
//!
//! Every wait is for an event: a reply, a line, a connection of the function's to the test, an exit. Limits of waits
//! are far above what anything takes and only turn a hang into a failure.

mod client;
mod concurrency;
mod ending;
mod gate;
mod limits;
mod requests;
mod server;
mod streams;
mod time;
