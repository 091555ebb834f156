//! A layer that counts invocations.
