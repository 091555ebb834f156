//! Azure Functions over both binaries.

#[path = "azure_functions/mod.rs"]
mod azure_functions;
