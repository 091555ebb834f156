//! What authors of functions and layers write against.
