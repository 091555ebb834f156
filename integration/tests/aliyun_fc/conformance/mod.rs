//! The statements, by what they are about.

mod calls;
mod life;
mod requests;
mod tools;
