//! The side towards servers: connections, catalogue, calls.

mod calls;
mod connections;
mod support;
