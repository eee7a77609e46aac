//! Takes the secrets of a server's configuration out of texts that others wrote: errors of libraries,
//! the standard error of a child process.

use reqwest::Url;

use super::{Secret, ServerConfig, Transport};

/// What stands in the place of a secret.
const HIDDEN: &str = "…";

/// In bytes. Values like `1` or `on` are in no way secret, and to hide them would eat every text; the
/// same goes for `true` and `false`.
const SHORTEST_SECRET: usize = 4;

/// Knows the secrets of one server. Owned by the server, shared with the readers of its output.
#[derive(Clone)]
pub(crate) struct Redactor {
    /// What is hidden and what stands there instead; longer ones first, since one may contain another.
    replacements: Vec<(String, String)>,
}

impl Redactor {
    pub(crate) fn new(config: &ServerConfig) -> Self {
        let mut replacements = Vec::new();
        let secrets = match &config.transport {
            Transport::Stdio { env, .. } => env,
            Transport::Http { url, headers } => {
                hide_url(url, &mut replacements);
                headers
            }
        };
        for secret in &config.secrets {
            hide(secret.expose(), &mut replacements);
        }
        for value in secrets.values().map(Secret::expose) {
            hide(value, &mut replacements);
            // `Bearer TOKEN`: the token alone is as secret as the header.
            if let Some((_, token)) = value.split_once(' ') {
                hide(token, &mut replacements);
            }
        }
        replacements.sort_by_key(|(hidden, _)| std::cmp::Reverse(hidden.len()));
        Self { replacements }
    }

    /// The text without any secret.
    pub(crate) fn redact(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (hidden, shown) in &self.replacements {
            if text.contains(hidden) {
                text = text.replace(hidden, shown);
            }
        }
        text
    }
}

fn hide(secret: &str, replacements: &mut Vec<(String, String)>) {
    let secret = secret.trim();
    if secret.len() >= SHORTEST_SECRET && !matches!(secret, "true" | "false") {
        replacements.push((secret.to_owned(), HIDDEN.to_owned()));
    }
}

/// Of a URL only the origin is shown: tokens travel in the user part, the path and the query.
fn hide_url(configured: &str, replacements: &mut Vec<(String, String)>) {
    let Ok(url) = Url::parse(configured) else {
        // No URL: connecting fails before it is used, and the error quotes no parts of it.
        replacements.push((configured.to_owned(), HIDDEN.to_owned()));
        return;
    };
    let shown = format!("{}/{HIDDEN}", url.origin().ascii_serialization());
    for spelling in [configured, url.as_str()] {
        replacements.push((spelling.to_owned(), shown.clone()));
    }
    for (_, value) in url.query_pairs() {
        hide(&value, replacements);
    }
    hide(url.password().unwrap_or_default(), replacements);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn http(url: &str, headers: &[(&str, &str)]) -> Redactor {
        let headers = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Secret::new(*value)))
            .collect();
        let url = url.to_owned();
        Redactor::new(&ServerConfig::new("s", Transport::Http { url, headers }))
    }

    #[test]
    fn a_header_and_the_token_in_it_are_hidden() {
        let redactor = http("http://h/mcp", &[("Authorization", "Bearer abcdef")]);
        assert_eq!(
            redactor.redact("sent Bearer abcdef, that is abcdef"),
            "sent …, that is …"
        );
    }

    #[test]
    fn of_a_url_only_the_origin_is_shown() {
        let redactor = http("https://me:pass@h.example/mcp/key?token=abcdef", &[]);
        let error = "error for url (https://me:pass@h.example/mcp/key?token=abcdef): abcdef";
        assert_eq!(
            redactor.redact(error),
            "error for url (https://h.example/…): …"
        );
    }

    #[test]
    fn values_that_are_too_short_to_be_secret_stay() {
        let redactor = http("http://h/mcp", &[("X-Debug", "1")]);
        assert_eq!(redactor.redact("1 error"), "1 error");
    }
}
