//! AWS Lambda's row of the matrix. Its conformance tests are `aws_conformance`, its faults `aws_faults`, its events
//! `aws_fixtures`.

pub(crate) mod matrix;
