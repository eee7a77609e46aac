//! Tests of the gateway at its public surface.

mod gateway;
mod hostile;
mod installed;
mod judges;
mod upstream;
