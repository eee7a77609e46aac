//! A cheap look at TypeScript declarations: what is opened is closed, and no text leaves its quotes or
//! its comment.

/// Panics unless brackets, quotes and comments of `code` are balanced. Gives the greatest depth, angle
/// brackets included.
pub fn assert_balanced(code: &str) -> usize {
    depth(code).unwrap_or_else(|why| panic!("{why} in:\n{code}"))
}

fn depth(code: &str) -> Result<usize, String> {
    let mut open = Vec::new();
    let mut deepest = 0;
    let mut angles = 0_usize;
    let mut rest = code;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' | '\'' => quoted(rest, first)?,
            '/' if rest.starts_with("/*") => 2 + find(&rest[2..], "*/")? + 2,
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            // Types that are templates go on as types inside.
            '`' => {
                if open.last() == Some(&'`') {
                    open.pop();
                } else {
                    open.push('`');
                }
                1 + template(&rest[1..], &mut open)
            }
            '=' if rest.starts_with("=>") => 2,
            '<' => {
                angles += 1;
                1
            }
            '>' => {
                angles = angles.saturating_sub(1);
                1
            }
            '(' | '[' | '{' => {
                open.push(first);
                1
            }
            ')' | ']' | '}' => {
                let expected = match first {
                    ')' => '(',
                    ']' => '[',
                    _ => '{',
                };
                match open.pop() {
                    Some(opened) if opened == expected => 1,
                    Some('$') if first == '}' => {
                        open.push('`');
                        1 + template(&rest[1..], &mut open)
                    }
                    opened => return Err(format!("{first} closes {opened:?}")),
                }
            }
            _ => first.len_utf8(),
        };
        deepest = deepest.max(open.len() + angles);
        rest = &rest[length..];
    }
    match open.last() {
        Some(left) => Err(format!("{left} is not closed")),
        None => Ok(deepest),
    }
}

fn find(text: &str, what: &str) -> Result<usize, String> {
    text.find(what)
        .ok_or_else(|| format!("there is no {what} any more"))
}

/// The length of a string literal.
fn quoted(text: &str, quote: char) -> Result<usize, String> {
    let mut characters = text.char_indices().skip(1);
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => {
                characters.next();
            }
            '\n' | '\r' => return Err("a line ends in a string".to_owned()),
            _ if character == quote => return Ok(at + 1),
            _ => {}
        }
    }
    Err(format!("{quote} is not closed"))
}

/// The length of a piece of a template behind its opening: up to its end, which is not passed, or past
/// the `${` of a substitution.
fn template(text: &str, open: &mut Vec<char>) -> usize {
    if open.last() != Some(&'`') {
        return 0;
    }
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => {
                characters.next();
            }
            '`' => return at,
            '$' if text[at..].starts_with("${") => {
                open.pop();
                open.push('$');
                return at + 2;
            }
            _ => {}
        }
    }
    text.len()
}
