//! The numbered statements of the checklist for runtimes, by what they are about.

mod calls;
mod events;
mod failures;
mod web;
