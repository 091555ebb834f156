//! The numbered statements of the checklist for runtimes, by their subjects.

mod calls;
mod events;
mod failures;
mod web;
