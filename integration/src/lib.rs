//! Conformance and behaviour tests over the real binaries.
