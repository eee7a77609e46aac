//! References between URIs (RFC 3986, section 5), as far as `$id` and `$ref` need them.

/// A reference split at its `#`: what comes before, and the fragment, empty if there is none.
pub(super) fn split_fragment(reference: &str) -> (&str, &str) {
    reference.split_once('#').unwrap_or((reference, ""))
}

/// What a reference without fragment means relative to a base. Either may be anything.
pub(super) fn resolve(base: &str, reference: &str) -> String {
    if reference.is_empty() {
        return base.to_owned();
    }
    if scheme_end(reference).is_some() {
        return reference.to_owned();
    }
    let path_start = scheme_end(base).unwrap_or(0);
    let (scheme, after_scheme) = base.split_at(path_start);
    if reference.starts_with("//") {
        return format!("{scheme}{reference}");
    }
    let authority_end = match after_scheme.strip_prefix("//") {
        Some(rest) => 2 + rest.find(['/', '?']).unwrap_or(rest.len()),
        None => 0,
    };
    let (authority, rest) = after_scheme.split_at(authority_end);
    let base_path = rest.split('?').next().unwrap_or_default();
    let path = if reference.starts_with('?') {
        format!("{base_path}{reference}")
    } else if reference.starts_with('/') {
        without_dots(reference)
    } else {
        let folder_end = base_path.rfind('/').map_or(0, |slash| slash + 1);
        let root = if base_path.is_empty() && !authority.is_empty() {
            "/"
        } else {
            ""
        };
        without_dots(&format!("{root}{}{reference}", &base_path[..folder_end]))
    };
    format!("{scheme}{authority}{path}")
}

/// Where the scheme ends, after its colon.
fn scheme_end(uri: &str) -> Option<usize> {
    let colon = uri.find(':')?;
    let scheme = &uri[..colon];
    let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme
            .chars()
            .all(|character| character.is_ascii_alphanumeric() || "+-.".contains(character));
    is_scheme.then_some(colon + 1)
}

fn without_dots(path: &str) -> String {
    let (path, query) = match path.find('?') {
        Some(mark) => path.split_at(mark),
        None => (path, ""),
    };
    let mut kept: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "." => {}
            ".." => {
                if kept.len() > 1 {
                    kept.pop();
                }
            }
            _ => kept.push(segment),
        }
    }
    let mut text = kept.join("/");
    if path.ends_with("/.") || path.ends_with("/..") {
        text.push('/');
    }
    text.push_str(query);
    text
}

/// A fragment with its `%xx` decoded; `None` if that is no UTF-8.
pub(in crate::description) fn percent_decoded(fragment: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(fragment.len());
    let mut rest = fragment.as_bytes();
    while let [first, tail @ ..] = rest {
        let escape = (*first == b'%').then(|| tail.get(..2)).flatten();
        let decoded = escape
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match decoded {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_resolve_as_the_standard_says() {
        let base = "http://a/b/c/d?q";
        let cases = [
            ("g", "http://a/b/c/g"),
            ("./g/", "http://a/b/c/g/"),
            ("/g", "http://a/g"),
            ("//g", "http://g"),
            ("?y", "http://a/b/c/d?y"),
            ("../g", "http://a/b/g"),
            ("../../../g", "http://a/g"),
            ("..", "http://a/b/"),
            ("urn:x:y", "urn:x:y"),
            ("", base),
        ];
        for (reference, expected) in cases {
            assert_eq!(resolve(base, reference), expected, "{reference}");
        }
        assert_eq!(resolve("http://a", "g"), "http://a/g");
        assert_eq!(resolve("", "item.json"), "item.json");
        assert_eq!(resolve("folder/root.json", "item.json"), "folder/item.json");
    }

    #[test]
    fn percent_signs_decode_or_stay() {
        assert_eq!(percent_decoded("a%25b%7e").as_deref(), Some("a%b~"));
        assert_eq!(percent_decoded("100%").as_deref(), Some("100%"));
        assert_eq!(percent_decoded("%ff"), None);
    }
}
