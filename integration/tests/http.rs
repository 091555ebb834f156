//! The plain container contract, over both binaries: `docs/conformance/http.md` is the same list in words.

#[path = "http/connections.rs"]
mod connections;
#[path = "http/exchange.rs"]
mod exchange;
#[path = "http/stopping.rs"]
mod stopping;
#[path = "http/table.rs"]
mod table;
