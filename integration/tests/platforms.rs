//! Every platform under its emulator, over both binaries: the matrix, the conformance statements, and the table of both in
//! `docs/platforms.md`.

#[path = "aws_lambda/mod.rs"]
mod aws_lambda;
#[path = "plain_http/mod.rs"]
mod plain_http;
#[path = "platforms/table.rs"]
mod table;
