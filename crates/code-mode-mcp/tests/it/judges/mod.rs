//! The gateway judged by servers and clients that others wrote.

mod installation;
