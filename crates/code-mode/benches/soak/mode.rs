//! Where the cells of a soak run. What another mode needs is said here alone.

use std::str::FromStr;

use code_mode::SessionBuilder;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    InProcess,
}

impl Mode {
    pub fn name(self) -> &'static str {
        match self {
            Self::InProcess => "in-process",
        }
    }

    /// Has the cells of a session run where this mode has them.
    pub fn of(self, session: SessionBuilder) -> SessionBuilder {
        match self {
            Self::InProcess => session,
        }
    }
}

impl FromStr for Mode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "in-process" => Ok(Self::InProcess),
            _ => Err("there is in-process".to_owned()),
        }
    }
}
