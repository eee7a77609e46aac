//! What scripts may call: allow, ask a person, deny.

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
    server: globset::GlobMatcher,
    tool: globset::GlobMatcher,
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
        let matcher = |pattern: &str| {
            globset::GlobBuilder::new(pattern)
                .literal_separator(false)
                .build()
                .map(|glob| glob.compile_matcher())
                .map_err(|error| InvalidPattern {
                    pattern: pattern.to_owned(),
                    why: error.kind().to_string(),
                })
        };
        Ok(Self {
            server: matcher(server)?,
            tool: matcher(tool)?,
        })
    }

    /// Whether the pattern means this tool.
    pub fn matches(&self, server: &str, tool: &str) -> bool {
        self.server.is_match(server) && self.tool.is_match(tool)
    }
}

impl std::str::FromStr for ToolPattern {
    type Err = InvalidPattern;

    /// `SERVER/TOOL`; without a `/`, all tools of the servers it matches.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (server, tool) = text.split_once('/').unwrap_or((text, "*"));
        Self::new(server, tool)
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
}
