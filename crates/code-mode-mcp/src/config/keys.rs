//! The keys of a server's entry: all that the owners of the forms know, and what becomes of each here.
//!
//! Every key is read in every file, whoever made it up, so that an entry can be moved from one file to
//! another as it is.
//!
//! Sources: code.claude.com/docs/en/mcp (Claude Code), modelcontextprotocol.io (Claude Desktop),
//! cursor.com/docs/mcp, docs.windsurf.com ("mcp_config.json"),
//! code.visualstudio.com/docs/copilot/reference/mcp-configuration,
//! developers.openai.com/codex/config-reference and `codex-rs/config/src/mcp_types.rs` (Codex).

/// What becomes of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// It is honoured.
    Honoured,
    /// It is about the client it was written for; without it nothing is lost.
    Clients,
    /// It is not honoured: the server works, but otherwise than its owner would run it.
    Lost {
        why: &'static str,
        todo: &'static str,
    },
    /// It is not honoured, and without it the server cannot work.
    Missing {
        why: &'static str,
        todo: &'static str,
    },
}

use Meaning::{Clients, Honoured};

const LOGIN: Meaning = Meaning::Lost {
    why: "nobody can log in through OAuth here; the server is asked without a token",
    todo: "put a token into the headers: \"Authorization\": \"Bearer ${TOKEN}\"",
};

const SANDBOX: Meaning = Meaning::Lost {
    why: "the server runs without the sandbox that its client would put it in",
    todo: "leave the server in that client, or start it in a container: \"command\": \"docker\"",
};

const KEYS: [(&str, Meaning); 51] = [
    // All owners.
    ("type", Honoured),
    ("command", Honoured),
    ("args", Honoured),
    ("env", Honoured),
    ("cwd", Honoured),
    ("url", Honoured),
    ("headers", Honoured),
    ("disabled", Honoured),
    ("enabled", Honoured),
    ("name", Clients),
    ("description", Clients),
    ("icon", Clients),
    // Cursor and VS Code.
    ("envFile", Honoured),
    ("auth", LOGIN),
    ("dev", Clients),
    ("gallery", Clients),
    ("version", Clients),
    ("sandbox", SANDBOX),
    ("sandboxEnabled", SANDBOX),
    // Windsurf and its like.
    ("serverUrl", Honoured),
    ("disabledTools", Honoured),
    ("alwaysAllow", Clients),
    ("autoApprove", Clients),
    ("trust", Clients),
    // Claude Code.
    ("timeout", Honoured),
    ("alwaysLoad", Clients),
    ("discoveryCache", Clients),
    ("role", Clients),
    ("oauth", LOGIN),
    (
        "toolPermissions",
        Meaning::Lost {
            why: "it is not read",
            todo: "write a policy into the entry: \"policy\": [{ \"ask\": \"write_*\" }]",
        },
    ),
    (
        "headersHelper",
        Meaning::Missing {
            why: "a command that makes headers is not run here",
            todo: "put the headers into \"headers\", with ${VAR} for what changes",
        },
    ),
    // Codex, and Copilot's `tools`.
    ("env_vars", Honoured),
    ("http_headers", Honoured),
    ("env_http_headers", Honoured),
    ("bearer_token_env_var", Honoured),
    ("startup_timeout_sec", Honoured),
    ("startup_timeout_ms", Honoured),
    ("tool_timeout_sec", Honoured),
    ("enabled_tools", Honoured),
    ("disabled_tools", Honoured),
    ("tools", Honoured),
    ("default_tools_approval_mode", Honoured),
    ("required", Clients),
    ("supports_parallel_tool_calls", Clients),
    ("scopes", LOGIN),
    ("oauth_resource", LOGIN),
    (
        "experimental_environment",
        Meaning::Lost {
            why: "the server is started on this machine",
            todo: "take the key away, or leave the server in Codex",
        },
    ),
    (
        "bearer_token",
        Meaning::Missing {
            why: "a token in the file itself is read by nobody, Codex included",
            todo: "name a variable that holds it: bearer_token_env_var = \"NAME\"",
        },
    ),
    // Ours.
    ("policy", Honoured),
    // What editors add for themselves.
    ("$schema", Clients),
    ("comment", Clients),
];

/// What becomes of a key; nothing is known of a key that no owner has.
pub(super) fn meaning(key: &str) -> Option<Meaning> {
    KEYS.iter()
        .find(|(known, _)| *known == key)
        .map(|(_, meaning)| *meaning)
}

/// The honoured key that someone may have meant by an unknown one.
pub(super) fn nearest_key(key: &str) -> Option<&'static str> {
    let other_word = match plain(key).as_str() {
        "cmd" | "program" | "executable" => Some("command"),
        "arguments" | "argv" => Some("args"),
        "environment" | "envs" => Some("env"),
        "uri" | "endpoint" | "httpurl" => Some("url"),
        "workingdirectory" | "workdir" | "dir" => Some("cwd"),
        "transport" | "transporttype" => Some("type"),
        _ => None,
    };
    let honoured = KEYS
        .iter()
        .filter(|(_, meaning)| *meaning == Honoured)
        .map(|(key, _)| *key);
    other_word.or_else(|| nearest(key, honoured))
}

/// The candidate that is a slip or two away from a word, if one is. Case, `_` and `-` do not count.
pub(super) fn nearest<'c>(
    word: &str,
    candidates: impl IntoIterator<Item = &'c str>,
) -> Option<&'c str> {
    let word = plain(word);
    candidates
        .into_iter()
        .map(|candidate| {
            let slips = strsim::damerau_levenshtein(&word, &plain(candidate));
            (slips, candidate)
        })
        .filter(|(slips, candidate)| *slips <= 2 && *slips * 3 <= candidate.len())
        .min_by_key(|(slips, _)| *slips)
        .map(|(_, candidate)| candidate)
}

fn plain(word: &str) -> String {
    word.chars()
        .filter(|c| !matches!(c, '_' | '-'))
        .flat_map(char::to_lowercase)
        .collect()
}
