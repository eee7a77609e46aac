//! What `--leak` does wrong, a little of it for each session, so that one can see the soak fail.

use std::fs::File;
use std::str::FromStr;
use std::thread;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leak {
    Memory,
    Threads,
    Descriptors,
    /// Not a leak: an answer is taken for another one.
    Answer,
}

impl Leak {
    pub fn happens(self) {
        match self {
            Self::Memory => std::mem::forget(vec![1_u8; 4 << 20]),
            Self::Threads => {
                let _ = thread::Builder::new().spawn(|| {
                    loop {
                        thread::park();
                    }
                });
            }
            Self::Descriptors => std::mem::forget(File::open("/dev/null")),
            Self::Answer => {}
        }
    }
}

impl FromStr for Leak {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "memory" => Ok(Self::Memory),
            "threads" => Ok(Self::Threads),
            "descriptors" => Ok(Self::Descriptors),
            "answer" => Ok(Self::Answer),
            _ => Err("there are memory, threads, descriptors and answer".to_owned()),
        }
    }
}
