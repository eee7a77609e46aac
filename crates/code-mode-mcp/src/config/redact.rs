//! Takes the secrets of a configuration out of texts that others wrote: errors of libraries, the
//! standard error of a child process, lines of a log.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use aho_corasick::AhoCorasick;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use reqwest::Url;

use super::{Secret, ServerConfig, Transport};

/// What stands in the place of a secret.
const HIDDEN: &str = "…";

/// In bytes. Values like `1` or `on` are in no way secret, and to hide them would eat every text; the
/// same goes for `true` and `false`.
const SHORTEST_SECRET: usize = 4;

/// In bytes, of a URL's path. Shorter ones, such as `/mcp`, are those of half the servers there are.
const SHORTEST_PATH: usize = 8;

/// In bytes, of what may be a word as well: a part of a path, a line of a longer secret.
const SHORTEST_PART: usize = 16;

/// A string in JSON in a string in JSON is as deep as anybody quotes.
const QUOTED_AT_MOST: usize = 3;

/// Takes the secrets of servers out of texts: [`Configuration::redactor`] has those of all of them.
///
/// A secret is also found where it is percent-encoded, or escaped as in JSON. Cheap to clone; takes
/// time in proportion to the text, however many secrets there are.
///
/// [`Configuration::redactor`]: super::Configuration::redactor
#[derive(Clone)]
pub struct Redactor {
    /// `None` where there are more secrets than can be looked for.
    search: Option<AhoCorasick>,
    /// What stands in the place of each pattern of the search.
    shown: Arc<[String]>,
}

impl Redactor {
    /// Knows the secrets of these servers.
    pub fn new<'a>(servers: impl IntoIterator<Item = &'a ServerConfig>) -> Self {
        let mut patterns = Patterns::default();
        for server in servers {
            patterns.hide_server(server);
        }
        patterns.into()
    }

    /// Knows these values.
    pub fn of_secrets<'a>(secrets: impl IntoIterator<Item = &'a Secret>) -> Self {
        let mut patterns = Patterns::default();
        for secret in secrets {
            patterns.hide(secret.expose());
        }
        patterns.into()
    }

    /// The text without any secret.
    pub fn redact(&self, text: &str) -> String {
        let Some(search) = &self.search else {
            return HIDDEN.to_owned();
        };
        if self.shown.is_empty() {
            return text.to_owned();
        }
        let mut found = Vec::new();
        let mut view = View::of(text);
        for _ in 0..=QUOTED_AT_MOST {
            view.find(search, &mut found);
            if let Some(decoded) = view.percent_decoded() {
                decoded.find(search, &mut found);
            }
            match view.unescaped() {
                Some(unescaped) => view = unescaped,
                None => break,
            }
        }
        if found.is_empty() {
            return text.to_owned();
        }
        self.without(text, found)
    }

    /// The text without what was found in it. Secrets that overlap go as one; what is shown for the
    /// first and longest stands for all.
    fn without(&self, text: &str, mut found: Vec<Found>) -> String {
        found.sort_unstable_by_key(|found| (found.at.start, Reverse(found.at.end)));
        let mut redacted = Vec::with_capacity(text.len());
        let mut written = 0;
        let mut found = found.into_iter().peekable();
        while let Some(Found { mut at, pattern }) = found.next() {
            while let Some(next) = found.next_if(|next| next.at.start < at.end) {
                at.end = at.end.max(next.at.end);
            }
            redacted.extend_from_slice(&text.as_bytes()[written..at.start]);
            redacted.extend_from_slice(self.shown[pattern].as_bytes());
            written = at.end;
        }
        redacted.extend_from_slice(&text.as_bytes()[written..]);
        String::from_utf8_lossy(&redacted).into_owned()
    }
}

/// How many secrets there are.
impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Redactor")
            .field("patterns", &self.shown.len())
            .finish_non_exhaustive()
    }
}

/// A secret in a text, by bytes.
struct Found {
    at: Range<usize>,
    pattern: usize,
}

/// A text as it is, or decoded.
struct View<'a> {
    bytes: Cow<'a, [u8]>,
    /// Where each byte, and then the end, is in the text as it is. `None`: the same.
    places: Option<Vec<usize>>,
}

impl<'a> View<'a> {
    fn of(text: &'a str) -> Self {
        Self {
            bytes: Cow::Borrowed(text.as_bytes()),
            places: None,
        }
    }

    fn place(&self, at: usize) -> usize {
        self.places.as_ref().map_or(at, |places| places[at])
    }

    fn find(&self, search: &AhoCorasick, found: &mut Vec<Found>) {
        // Overlapping: of two secrets that share some letters no letter may stay.
        for hit in search.find_overlapping_iter(&*self.bytes) {
            found.push(Found {
                at: self.place(hit.start())..self.place(hit.end()),
                pattern: hit.pattern().as_usize(),
            });
        }
    }

    /// With `%2F` as `/`. `None` if nothing is encoded.
    fn percent_decoded(&self) -> Option<View<'static>> {
        self.decoded(b'%', |rest| {
            let byte = u8::try_from(hexadecimal(rest.get(1..3)?)?).ok()?;
            Some((Decoded::Byte(byte), 3))
        })
    }

    /// With `\"` as `"`, as JSON and Rust escape. `None` if nothing is escaped.
    fn unescaped(&self) -> Option<View<'static>> {
        self.decoded(b'\\', unescape)
    }

    /// With each sequence that `decode` knows replaced; `mark` begins them all. It is given what is
    /// left, and says what that begins with and how long it is.
    fn decoded(
        &self,
        mark: u8,
        decode: impl Fn(&[u8]) -> Option<(Decoded, usize)>,
    ) -> Option<View<'static>> {
        memchr::memchr(mark, &self.bytes)?;
        let mut bytes = Vec::with_capacity(self.bytes.len());
        let mut places = Vec::with_capacity(self.bytes.len() + 1);
        let mut at = 0;
        while let Some(&byte) = self.bytes.get(at) {
            let known = (byte == mark).then(|| decode(&self.bytes[at..])).flatten();
            let (decoded, length) = known.unwrap_or((Decoded::Byte(byte), 1));
            match decoded {
                Decoded::Byte(byte) => bytes.push(byte),
                Decoded::Char(char) => {
                    bytes.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
                }
            }
            places.resize(bytes.len(), self.place(at));
            at += length;
        }
        places.push(self.place(at));
        Some(View {
            bytes: Cow::Owned(bytes),
            places: Some(places),
        })
    }
}

enum Decoded {
    Byte(u8),
    Char(char),
}

/// What an escape stands for, and how long it is.
fn unescape(text: &[u8]) -> Option<(Decoded, usize)> {
    let byte = match text.get(1)? {
        byte @ (b'"' | b'\'' | b'\\' | b'/') => *byte,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 8,
        b'f' => 12,
        b'0' => 0,
        b'x' => u8::try_from(hexadecimal(text.get(2..4)?)?).ok()?,
        b'u' => {
            let (code, length) = code_point(text)?;
            return Some((Decoded::Char(char::from_u32(code)?), length));
        }
        _ => return None,
    };
    let length = if text[1] == b'x' { 4 } else { 2 };
    Some((Decoded::Byte(byte), length))
}

/// `\u00e9`, a pair of surrogates, or Rust's `\u{e9}`.
fn code_point(text: &[u8]) -> Option<(u32, usize)> {
    if text.get(2) == Some(&b'{') {
        let digits = text[3..].iter().take(7).position(|byte| *byte == b'}')?;
        return Some((hexadecimal(&text[3..3 + digits])?, digits + 4));
    }
    let first = hexadecimal(text.get(2..6)?)?;
    if !(0xd800..0xdc00).contains(&first) || text.get(6..8) != Some(b"\\u") {
        return Some((first, 6));
    }
    match hexadecimal(text.get(8..12)?)? {
        second @ 0xdc00..0xe000 => {
            Some((0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00), 12))
        }
        _ => None,
    }
}

fn hexadecimal(digits: &[u8]) -> Option<u32> {
    // Without this a sign would do.
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// What is looked for and what stands there instead, each once.
#[derive(Default)]
struct Patterns(BTreeMap<String, String>);

impl Patterns {
    fn hide_server(&mut self, config: &ServerConfig) {
        let secrets = match &config.transport {
            Transport::Stdio { env, .. } => env,
            Transport::Http { url, headers } => {
                self.hide_url(url);
                headers
            }
        };
        for secret in &config.secrets {
            self.hide(secret.expose());
        }
        for value in secrets.values().map(Secret::expose) {
            self.hide(value);
            // `Bearer TOKEN`: the token alone is as secret as the header.
            if let Some((_, token)) = value.split_once(' ') {
                self.hide(token);
            }
        }
    }

    fn hide(&mut self, secret: &str) {
        let secret = secret.trim();
        if secret.len() < SHORTEST_SECRET || matches!(secret, "true" | "false") {
            return;
        }
        self.replace(secret, HIDDEN);
        // In a form a blank is a plus.
        if secret.contains(' ') {
            self.replace(&secret.replace(' ', "+"), HIDDEN);
        }
        // Output is read by lines.
        if secret.contains('\n') {
            for line in secret.lines().map(str::trim) {
                self.hide_part(line);
            }
        }
    }

    /// Hides a piece of a secret that may be a word as well.
    fn hide_part(&mut self, part: &str) {
        if part.len() >= SHORTEST_PART {
            self.replace(part, HIDDEN);
        }
    }

    fn replace(&mut self, hidden: &str, shown: &str) {
        self.0
            .entry(hidden.to_owned())
            .or_insert_with(|| shown.to_owned());
        // What is encoded in the configuration may be decoded elsewhere; the other way round is the
        // search's business.
        if let Some(decoded) = View::of(hidden).percent_decoded()
            && let Ok(decoded) = String::from_utf8(decoded.bytes.into_owned())
            && decoded.len() >= SHORTEST_SECRET
        {
            self.0.entry(decoded).or_insert_with(|| shown.to_owned());
        }
    }

    /// Of a URL only the origin is shown: tokens travel in the user part, the path and the query.
    fn hide_url(&mut self, configured: &str) {
        let Ok(url) = Url::parse(configured) else {
            // No URL: connecting fails before it is used, and the error quotes no parts of it.
            self.replace(configured, HIDDEN);
            return;
        };
        let shown = format!("{}/{HIDDEN}", url.origin().ascii_serialization());
        // The HTTP client takes the user out, and a request has no fragment.
        let mut bare = url.clone();
        let _ = bare.set_username("");
        let _ = bare.set_password(None);
        let without_user = bare.to_string();
        bare.set_fragment(None);
        for spelling in [configured, url.as_str(), &without_user, bare.as_str()] {
            self.replace(spelling, &shown);
        }
        self.hide_user(&url);
        if url.path().len() >= SHORTEST_PATH {
            self.replace(url.path(), HIDDEN);
        }
        for part in url.path_segments().into_iter().flatten() {
            self.hide_part(part);
        }
        for part in url.query().unwrap_or_default().split('&') {
            match part.split_once('=') {
                Some((_, value)) => self.hide(value),
                None => self.hide(part),
            }
        }
        for (_, value) in url.query_pairs() {
            self.hide(&value);
        }
        self.hide(url.fragment().unwrap_or_default());
    }

    fn hide_user(&mut self, url: &Url) {
        let password = url.password().unwrap_or_default();
        self.hide(url.username());
        self.hide(password);
        if url.username().is_empty() && password.is_empty() {
            return;
        }
        // As it is sent.
        let decoded = |text: &str| match View::of(text).percent_decoded() {
            Some(decoded) => decoded.bytes.into_owned(),
            None => text.as_bytes().to_vec(),
        };
        let pair = [decoded(url.username()), b":".to_vec(), decoded(password)];
        self.hide(&BASE64_STANDARD.encode(pair.concat()));
    }
}

impl From<Patterns> for Redactor {
    fn from(Patterns(mut patterns): Patterns) -> Self {
        // Nothing can be told of a text by hiding nothing in it.
        patterns.remove("");
        Self {
            search: AhoCorasick::new(patterns.keys()).ok(),
            shown: patterns.into_values().collect(),
        }
    }
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
        Redactor::new([&ServerConfig::new("s", Transport::Http { url, headers })])
    }

    fn secret(value: &str) -> Redactor {
        http("http://h/mcp", &[("X-Key", value)])
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
    fn a_url_is_hidden_as_the_http_client_shows_it_without_its_user() {
        let redactor = http("http://token:p%40ss@h:9/path/key?k=a%2Fb%2Fc#frag", &[]);
        for (text, shown) in [
            (
                "url (http://h:9/path/key?k=a%2Fb%2Fc)",
                "url (http://h:9/…)",
            ),
            ("GET /path/key HTTP/1.1", "GET … HTTP/1.1"),
            ("k: a/b/c, a%2fb%2fc", "k: …, …"),
            ("token and p@ss, p%40ss", "… and …, …"),
            ("Basic dG9rZW46cEBzcw==", "Basic …"),
        ] {
            assert_eq!(redactor.redact(text), shown);
        }
    }

    #[test]
    fn a_query_that_is_a_token_and_a_long_part_of_a_path_are_hidden_alone() {
        let redactor = http("http://h/mcp/0123456789abcdef/x?s3cr3t", &[]);
        assert_eq!(redactor.redact("0123456789abcdef s3cr3t mcp"), "… … mcp");
    }

    #[test]
    fn a_secret_is_hidden_however_it_is_encoded() {
        let redactor = secret("Aß\"to\\k/en+1 é𝄞");
        for encoded in [
            "A%C3%9F%22to%5Ck%2Fen%2B1%20%C3%A9%F0%9D%84%9E",
            "A%c3%9f%22to%5ck%2fen%2b1%20%c3%a9%f0%9d%84%9e",
            // As forms are, and with the slash left as it is.
            "A%C3%9F%22to%5Ck/en%2B1+%C3%A9%F0%9D%84%9E",
            r#"Aß\"to\\k/en+1 é𝄞"#,
            r#"Aß\"to\\k\/en+1 é𝄞"#,
            r#"A\u00df\"to\\k/en+1 \u00E9\ud834\udd1e"#,
            r#"A\u{df}\"to\\k/en+1 \u{e9}\u{1d11e}"#,
            // JSON in JSON.
            r#"Aß\\\"to\\\\k/en+1 é𝄞"#,
        ] {
            assert_eq!(redactor.redact(&format!("é {encoded} é")), "é … é");
        }
    }

    #[test]
    fn what_only_looks_encoded_stays_as_it_is() {
        let redactor = secret("abcdef");
        for text in [
            "100% of it",
            "%zz %C",
            r"C:\users\u12 \ud800 \u{ \x+1 \",
            "é%F0é",
        ] {
            assert_eq!(redactor.redact(text), text);
        }
    }

    #[test]
    fn of_secrets_that_overlap_nothing_stays() {
        let headers = [("A", "abcdef"), ("B", "defghi"), ("C", "bcde")];
        let redactor = http("http://h/mcp", &headers);
        assert_eq!(redactor.redact("-abcdefghi-abcdefbcde"), "-…-……");
    }

    #[test]
    fn a_secret_of_many_lines_is_hidden_line_by_line() {
        let redactor = secret("-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG\nend");
        assert_eq!(redactor.redact("read MIIEvQIBADANBgkqhkiG"), "read …");
        assert_eq!(redactor.redact("the end"), "the end");
    }

    #[test]
    fn the_secrets_of_all_servers_are_known() {
        let server = |name: &str, value: &str| {
            ServerConfig::new(
                name,
                Transport::Http {
                    url: format!("http://{name}/mcp"),
                    headers: [("K".to_owned(), Secret::new(value))].into(),
                },
            )
        };
        let servers = [server("a", "first-1"), server("b", "second-2")];
        let redactor = Redactor::new(&servers);
        assert_eq!(redactor.redact("first-1, second-2"), "…, …");
        let redactor = Redactor::of_secrets(&[Secret::new("third-3")]);
        assert_eq!(redactor.redact("third-3"), "…");
    }

    #[test]
    fn values_that_are_too_short_to_be_secret_stay() {
        let redactor = http("http://h/mcp", &[("X-Debug", "1")]);
        assert_eq!(redactor.redact("1 error at /mcp"), "1 error at /mcp");
    }
}
