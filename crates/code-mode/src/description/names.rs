//! How a tool's own name becomes the global name scripts call it by.

/// The flat name: `name`, or `namespace__name`, joined plainly where an underscore is there already.
pub(super) fn flat_name(namespace: Option<&str>, name: &str) -> String {
    match namespace {
        None | Some("") => name.to_owned(),
        Some(namespace) if namespace.ends_with('_') || name.starts_with('_') => {
            format!("{namespace}{name}")
        }
        Some(namespace) => format!("{namespace}__{name}"),
    }
}

/// Makes an identifier of any text: each character that cannot stand where it stands becomes `_`.
pub(super) fn identifier(flat: &str) -> String {
    if flat.is_empty() {
        return "_".to_owned();
    }
    flat.chars()
        .enumerate()
        .map(|(position, character)| match character {
            'A'..='Z' | 'a'..='z' | '_' | '$' => character,
            '0'..='9' if position > 0 => character,
            _ => '_',
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flat_names_join_with_two_underscores_unless_one_is_there() {
        assert_eq!(flat_name(None, "list"), "list");
        assert_eq!(flat_name(Some("git"), "log"), "git__log");
        assert_eq!(flat_name(Some("git_"), "log"), "git_log");
        assert_eq!(flat_name(Some("git"), "_log"), "git_log");
    }

    #[test]
    fn every_character_an_identifier_cannot_have_becomes_one_underscore() {
        assert_eq!(identifier("hidden-dynamic-tool"), "hidden_dynamic_tool");
        assert_eq!(identifier("2fa"), "_fa");
        assert_eq!(identifier("a2"), "a2");
        assert_eq!(identifier("naïve.名前"), "na_ve___");
        assert_eq!(identifier(""), "_");
        assert_eq!(identifier("$ok_"), "$ok_");
    }
}
