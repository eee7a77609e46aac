//! Tests of the gateway at its public surface.

mod installed;
mod judges;
