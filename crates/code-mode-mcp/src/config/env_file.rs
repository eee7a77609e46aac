//! The file that `envFile` names: a variable a line, as `NAME=value`.
//!
//! Read as the owners of `envFile` do (VS Code, Cursor): `export` before a name, comments with `#`,
//! values in single quotes as they are, in double quotes with `\n` and its like. Variables inside
//! values are not filled in.

/// The variables of a file, and the numbers of the lines that are none, from 1.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct EnvFile {
    pub variables: Vec<(String, String)>,
    pub bad_lines: Vec<usize>,
}

pub(super) fn parse(text: &str) -> EnvFile {
    let mut file = EnvFile::default();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let line = line.strip_prefix("export ").unwrap_or(line);
        match line.split_once('=') {
            Some((name, value)) if super::variables::is_name(name.trim()) => file
                .variables
                .push((name.trim().to_owned(), value_of(value.trim()))),
            _ => file.bad_lines.push(number + 1),
        }
    }
    file
}

fn value_of(text: &str) -> String {
    if let Some(inside) = text.strip_prefix('\'')
        && let Some((inside, _)) = inside.split_once('\'')
    {
        return inside.to_owned();
    }
    if let Some(inside) = text.strip_prefix('"')
        && let Some(inside) = double_quoted(inside)
    {
        return inside;
    }
    // A comment after a bare value begins with white space.
    text.split_once(" #")
        .map_or(text, |(value, _)| value)
        .trim_end()
        .to_owned()
}

fn double_quoted(text: &str) -> Option<String> {
    let mut value = String::new();
    let mut letters = text.chars();
    loop {
        match letters.next()? {
            '"' => return Some(value),
            '\\' => match letters.next()? {
                'n' => value.push('\n'),
                'r' => value.push('\r'),
                't' => value.push('\t'),
                other => value.push(other),
            },
            letter => value.push(letter),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_env_file_has_a_variable_a_line() {
        let file = parse(
            "\u{feff}# all forms\nA=1\nexport B = two words # said why\nC='as $is \\n' # c\nD=\"a\\n\\\"b\\\"\"\n\nE=\nF=a#b\r\nG=\"open\n",
        );
        let expected = [
            ("A", "1"),
            ("B", "two words"),
            ("C", "as $is \\n"),
            ("D", "a\n\"b\""),
            ("E", ""),
            ("F", "a#b"),
            ("G", "\"open"),
        ];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(file.variables, expected);
        assert_eq!(file.bad_lines, Vec::<usize>::new());
    }

    #[test]
    fn a_line_that_is_no_variable_is_named_by_its_number() {
        let file = parse("A=1\nnonsense\n2B=x\n");
        assert_eq!(file.bad_lines, [2, 3]);
    }
}
