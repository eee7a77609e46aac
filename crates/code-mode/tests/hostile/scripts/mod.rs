//! The table: hostile scripts by subject, and how each must end.
//!
//! Of the host they have three tools: `echo` gives back its input, `fail` fails, `never` answers when it is
//! cancelled. A notification that begins with `held` takes two seconds.

mod arrays;
mod bigint;
mod buffers;
mod collections;
mod floods;
mod getters;
mod intl;
mod json;
mod loops;
mod microtasks;
mod recursion;
mod reentrancy;
mod regexps;
mod sorts;
mod strings;
mod typed_arrays;
mod web;

use crate::row::Group;

pub const GROUPS: &[Group] = &[
    loops::GROUP,
    microtasks::GROUP,
    regexps::GROUP,
    bigint::GROUP,
    sorts::GROUP,
    strings::GROUP,
    arrays::GROUP,
    typed_arrays::GROUP,
    buffers::GROUP,
    collections::GROUP,
    intl::GROUP,
    json::GROUP,
    recursion::GROUP,
    getters::GROUP,
    reentrancy::GROUP,
    web::GROUP,
    floods::GROUP,
];
