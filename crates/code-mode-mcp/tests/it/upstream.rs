//! The side towards servers: connections, catalogue, calls.

mod calls;
mod connections;
mod host;
mod hostile;
mod http;
mod real_servers;
mod sessions;
mod sizes;
mod support;
