//! Tests of the gateway at its public surface.

mod gateway;
mod installed;
mod judges;
mod upstream;
