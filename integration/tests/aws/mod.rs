//! Tests of the runtime on AWS Lambda, a module for each subject.

mod calls;
mod context;
mod failures;
mod logs;
mod streaming;
mod table;
