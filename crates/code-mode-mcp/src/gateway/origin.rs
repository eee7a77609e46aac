//! Origins of web pages: which of them may use the gateway over HTTP.

use std::fmt;
use std::str::FromStr;

use axum::http::uri::{Authority, Scheme};

/// An origin whose web pages may use the gateway: `scheme://host` or `scheme://host:port`, or with `:*`
/// for any port. Without a port it is the usual one of `http` and `https`.
///
/// ```
/// use code_mode_mcp::gateway::Origin;
///
/// let origin: Origin = "https://app.example.com".parse()?;
/// assert_eq!(origin.to_string(), "https://app.example.com:443");
/// assert!("app.example.com".parse::<Origin>().is_err());
/// # Ok::<(), code_mode_mcp::gateway::NotAnOrigin>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    scheme: String,
    host: String,
    port: Port,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Port {
    Any,
    Exact(u16),
    /// Of a scheme that has no ports, such as that of a browser's extensions.
    None,
}

/// A text that is no origin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{value:?} is no origin; give scheme://host or scheme://host:port without a path, such as \
     https://app.example.com, or http://devbox:* for any port"
)]
pub struct NotAnOrigin {
    value: String,
}

impl Origin {
    /// Whether a request with this `Origin` comes from here.
    pub(super) fn is_of(&self, header: &str) -> bool {
        let Ok(origin) = header.parse::<Self>() else {
            return false;
        };
        let same_port = match self.port {
            Port::Any => origin.port != Port::Any,
            port => origin.port == port,
        };
        same_port && self.scheme == origin.scheme && self.host == origin.host
    }

    /// As rmcp has it, to which an origin without a port is one with any.
    pub(super) fn to_pattern(&self) -> String {
        match self.port {
            Port::None => format!("{self}:*"),
            _ => self.to_string(),
        }
    }

    /// The origins of loopback names, at any port.
    pub(super) fn local() -> impl Iterator<Item = Self> {
        ["http", "https"].into_iter().flat_map(|scheme| {
            ["localhost", "127.0.0.1", "[::1]"].map(|host| Self {
                scheme: scheme.to_owned(),
                host: host.to_owned(),
                port: Port::Any,
            })
        })
    }

    fn read(value: &str) -> Option<Self> {
        let (scheme, place) = value.split_once("://")?;
        if scheme.is_empty() {
            return None;
        }
        let scheme = Scheme::try_from(scheme).ok()?;
        let scheme = scheme.as_str().to_ascii_lowercase();
        let (place, any_port) = match place.strip_suffix(":*") {
            Some(host) => (host, true),
            None => (place, false),
        };
        let authority = Authority::try_from(place).ok()?;
        let host = authority.host();
        let named = authority.port_u16();
        // Of a user, or of a port that is none, something is left over.
        let whole = match named {
            Some(_) => authority
                .as_str()
                .rsplit_once(':')
                .is_some_and(|(before, _)| before == host),
            None => authority.as_str() == host,
        };
        if host.is_empty() || !whole || (any_port && named.is_some()) {
            return None;
        }
        let port = match (any_port, named, scheme.as_str()) {
            (true, ..) => Port::Any,
            (false, Some(port), _) => Port::Exact(port),
            (false, None, "http") => Port::Exact(80),
            (false, None, "https") => Port::Exact(443),
            (false, None, _) => Port::None,
        };
        Some(Self {
            scheme,
            host: host.to_ascii_lowercase(),
            port,
        })
    }
}

impl FromStr for Origin {
    type Err = NotAnOrigin;

    fn from_str(value: &str) -> Result<Self, Self::Err> {
        Self::read(value).ok_or_else(|| NotAnOrigin {
            value: value.to_owned(),
        })
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.host)?;
        match self.port {
            Port::Any => f.write_str(":*"),
            Port::Exact(port) => write!(f, ":{port}"),
            Port::None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(value: &str) -> Origin {
        value.parse().unwrap()
    }

    #[test]
    fn what_is_no_origin_is_refused_with_a_word_on_what_is_one() {
        for value in [
            "",
            "*",
            "null",
            "app.example",
            "app.example:443",
            "https://",
            "https://app.example/",
            "https://app.example/path",
            "https://app.example?x",
            "https://user@app.example",
            "https://app.example:",
            "https://app.example:99999",
            "https://app.example:443:*",
            "https://app example",
            "://app.example",
        ] {
            let refused = value.parse::<Origin>().unwrap_err().to_string();
            assert!(
                refused.contains("is no origin; give scheme://host"),
                "{refused}"
            );
        }
    }

    #[test]
    fn an_origin_is_its_scheme_its_host_and_its_port() {
        let app = origin("https://App.example");
        assert!(app.is_of("https://app.example"));
        assert!(app.is_of("https://app.example:443"));
        for other in [
            "http://app.example",
            "https://app.example:8443",
            "https://app.example.evil",
            "https://app.example:*",
            "null",
        ] {
            assert!(!app.is_of(other), "{other}");
        }
        let any = origin("http://[::1]:*");
        assert!(any.is_of("http://[::1]") && any.is_of("http://[::1]:6274"));
        assert!(!any.is_of("http://[::1]:*"));
        let extension = origin("chrome-extension://abc");
        assert!(extension.is_of("chrome-extension://abc"));
        assert!(!extension.is_of("chrome-extension://abcd"));
    }
}
