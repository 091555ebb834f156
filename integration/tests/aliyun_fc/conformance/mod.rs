//! Tests of the runtime on Function Compute, a module for each subject.

mod calls;
mod life;
mod requests;
mod tools;
