//! Tests at the public surface, one binary: each links V8. Modules are topics of the contract.

mod cells;
mod javascript;
mod support;
