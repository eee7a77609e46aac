//! Tests at the public surface, one binary: each links V8. Modules are topics of the contract.

mod alone;
mod cells;
mod containment;
mod description;
mod examples;
mod first_poll;
mod isolation;
mod javascript;
mod limits;
mod output;
mod probe;
mod process;
mod random_termination;
mod snapshot;
mod spans;
mod standby;
mod support;
mod tooling;
mod type_check;
mod typescript;
#[cfg(all(unix, feature = "worker-processes"))]
mod worker;
