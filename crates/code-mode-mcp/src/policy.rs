//! What scripts may call: allow, ask a person, deny.

use std::fmt;

/// What happens to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Action {
    /// It goes ahead.
    #[default]
    Allow,
    /// A person is asked first.
    Ask,
    /// The tool is hidden, and a call refused.
    Deny,
}

/// Which tools of which servers: two glob patterns (`*`, `?`, `[…]`, `{a,b}`), matched with the name a
/// server is configured under and with the tool's own name.
#[derive(Debug, Clone)]
pub struct ToolPattern {
    server: Names,
    tool: Names,
}

/// Names that one half of a pattern means.
#[derive(Debug, Clone)]
enum Names {
    All,
    One(String),
    AllBut(Vec<String>),
    Glob(globset::GlobMatcher),
}

impl Names {
    fn glob(pattern: &str) -> Result<Self, InvalidPattern> {
        if pattern == "*" {
            return Ok(Self::All);
        }
        globset::GlobBuilder::new(pattern)
            .literal_separator(false)
            .build()
            .map(|glob| Self::Glob(glob.compile_matcher()))
            .map_err(|error| InvalidPattern {
                pattern: pattern.to_owned(),
                why: error.kind().to_string(),
            })
    }

    fn mean(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::One(one) => one == name,
            Self::AllBut(others) => !others.iter().any(|other| other == name),
            Self::Glob(glob) => glob.is_match(name),
        }
    }
}

impl fmt::Display for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("*"),
            Self::One(name) => f.write_str(name),
            Self::AllBut(names) => write!(f, "(all but {})", names.join(", ")),
            Self::Glob(glob) => f.write_str(glob.glob().glob()),
        }
    }
}

/// A pattern that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{pattern:?} is no pattern: {why}; write SERVER/TOOL with * and ? as wildcards")]
pub struct InvalidPattern {
    pattern: String,
    why: String,
}

impl ToolPattern {
    /// A pattern for each of the two names.
    pub fn new(server: &str, tool: &str) -> Result<Self, InvalidPattern> {
        Ok(Self {
            server: Names::glob(server)?,
            tool: Names::glob(tool)?,
        })
    }

    /// The tools of one server, by its exact name, that a pattern means.
    pub fn of_server(server: impl Into<String>, tool: &str) -> Result<Self, InvalidPattern> {
        Ok(Self {
            server: Names::One(server.into()),
            tool: Names::glob(tool)?,
        })
    }

    /// Every tool of one server but these, all by their exact names.
    pub fn all_but<T: Into<String>>(
        server: impl Into<String>,
        tools: impl IntoIterator<Item = T>,
    ) -> Self {
        let tools: Vec<String> = tools.into_iter().map(Into::into).collect();
        Self {
            server: Names::One(server.into()),
            tool: match tools.is_empty() {
                true => Names::All,
                false => Names::AllBut(tools),
            },
        }
    }

    /// One tool of one server, both by their exact names: no character is a wildcard.
    pub fn exact(server: impl Into<String>, tool: impl Into<String>) -> Self {
        Self {
            server: Names::One(server.into()),
            tool: Names::One(tool.into()),
        }
    }

    /// Every tool there is.
    pub fn everything() -> Self {
        Self {
            server: Names::All,
            tool: Names::All,
        }
    }

    /// Whether the pattern means this tool.
    pub fn matches(&self, server: &str, tool: &str) -> bool {
        self.server.mean(server) && self.tool.mean(tool)
    }
}

impl std::str::FromStr for ToolPattern {
    type Err = InvalidPattern;

    /// `SERVER/TOOL`; without a `/`, all tools of the servers it matches.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (server, tool) = text.split_once('/').unwrap_or((text, "*"));
        if server.is_empty() || tool.is_empty() {
            return Err(InvalidPattern {
                pattern: text.to_owned(),
                why: "one of the two names is empty".to_owned(),
            });
        }
        Self::new(server, tool)
    }
}

impl fmt::Display for ToolPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.server, self.tool)
    }
}

/// One line of a policy.
#[derive(Debug, Clone)]
pub struct Rule {
    /// What happens.
    pub action: Action,
    /// To which tools.
    pub tools: ToolPattern,
}

/// Rules, of which the first that matches decides. A tool that none matches is allowed.
///
/// ```
/// use code_mode_mcp::policy::{Action, Policy, Rule};
///
/// let rule = |action, tools: &str| Rule { action, tools: tools.parse().unwrap() };
/// let policy = Policy::new([
///     rule(Action::Allow, "git/git_status"),
///     rule(Action::Ask, "git/*"),
/// ]);
/// assert_eq!(policy.action("git", "git_status"), Action::Allow);
/// assert_eq!(policy.action("git", "git_commit"), Action::Ask);
/// assert_eq!(policy.action("time", "get_current_time"), Action::Allow);
/// ```
#[derive(Debug, Clone, Default)]
pub struct Policy {
    rules: Vec<Rule>,
}

impl Policy {
    /// A policy of these rules, in this order.
    pub fn new(rules: impl IntoIterator<Item = Rule>) -> Self {
        Self {
            rules: rules.into_iter().collect(),
        }
    }

    /// What happens to a call of this tool.
    pub fn action(&self, server: &str, tool: &str) -> Action {
        self.rules
            .iter()
            .find(|rule| rule.tools.matches(server, tool))
            .map_or(Action::Allow, |rule| rule.action)
    }

    /// The rules, in their order.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }
}
