//! Tests of the gateway at its public surface.

mod config;
mod installed;
mod judges;
mod snapshot;
