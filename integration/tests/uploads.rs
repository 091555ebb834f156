//! Bodies that functions read piece by piece, and applications that are mounted whole, over both binaries.

#[path = "uploads/applications.rs"]
mod applications;
#[path = "uploads/pieces.rs"]
mod pieces;
#[path = "uploads/wholes.rs"]
mod wholes;
