//! The row of plain HTTP in the matrix. Its conformance tests are `http`.

pub(crate) mod matrix;
