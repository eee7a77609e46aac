//! The contract of the language surface.

mod arguments;
mod calls;
mod console;
mod errors;
mod exit;
mod fence;
mod globals;
mod media;
mod messages;
mod modules;
mod pragma;
mod program;
mod raw;
mod slips;
mod tables;
mod timers;
mod tools_object;
mod typescript;
mod values;
mod web;
