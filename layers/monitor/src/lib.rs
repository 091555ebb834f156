//! A layer that times phases and invocations.
