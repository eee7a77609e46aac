//! Servers that do wrong: each leaves the other servers and the cells alone, and what is wrong is said in
//! words.

mod frames;
mod names;
mod silence;
mod sizes;
mod stage;
mod words;
