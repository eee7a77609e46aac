//! The contract of the language surface.

mod arguments;
mod calls;
mod errors;
mod exit;
mod globals;
mod media;
mod modules;
mod program;
mod tables;
mod timers;
mod values;
mod web;
