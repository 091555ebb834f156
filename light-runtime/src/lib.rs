//! The same runtime on std alone.
