//! The statements, by their subjects.

mod calls;
mod life;
mod requests;
mod tools;
