//! The parts that the contract's tests share: the header as data, and the compilers of the machine.

pub(crate) mod compiler;
pub(crate) mod header;
pub(crate) mod written;
