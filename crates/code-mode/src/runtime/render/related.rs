//! What stands behind an error: its `cause`, and the `errors` of an aggregate.

use super::reading::{Attempt, attempt, behind_proxies, own_value};

/// Causes and members followed in all.
const MAX_RELATED: usize = 8;
/// Members of one aggregate that are named.
const MAX_MEMBERS: usize = 3;

/// One step of the chain.
pub(in crate::runtime) enum Related<'s> {
    Cause(v8::Local<'s, v8::Value>),
    /// A member of an aggregate, its number from 1, and how many there are.
    Member(v8::Local<'s, v8::Value>, usize, usize),
    /// Members that are not named.
    More(usize),
    /// A cause that was told already.
    Again,
}

impl<'s> Related<'s> {
    /// What goes before it.
    pub(in crate::runtime) fn label(&self) -> String {
        match self {
            Self::Cause(_) => "Caused by: ".to_owned(),
            Self::Member(_, number, of) => format!("Error {number} of {of}: "),
            Self::More(left) => format!("… {left} more errors"),
            Self::Again => "Caused by an error above: the causes form a circle".to_owned(),
        }
    }

    pub(in crate::runtime) fn value(&self) -> Option<v8::Local<'s, v8::Value>> {
        match self {
            Self::Cause(value) | Self::Member(value, ..) => Some(*value),
            Self::More(_) | Self::Again => None,
        }
    }
}

/// All that stands behind `error`, nearest first. Getters are not asked.
pub(in crate::runtime) fn related<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    error: v8::Local<'s, v8::Value>,
) -> Vec<Related<'s>> {
    let mut found = Vec::new();
    let mut seen = vec![error];
    let mut next = 0;
    while next < seen.len() && found.len() < MAX_RELATED {
        let error = seen[next];
        next += 1;
        let Some(error) = as_error(scope, error) else {
            continue;
        };
        if members(scope, error, &mut found, &mut seen).is_none() {
            break;
        }
        match own_value(scope, error, "cause") {
            Err(_) => break,
            Ok(None) => {}
            Ok(Some(cause)) if seen.iter().any(|seen| seen.strict_equals(cause)) => {
                found.push(Related::Again);
            }
            Ok(Some(cause)) => {
                found.push(Related::Cause(cause));
                seen.push(cause);
            }
        }
    }
    found
}

fn as_error<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    value: v8::Local<'s, v8::Value>,
) -> Option<v8::Local<'s, v8::Object>> {
    let object = v8::Local::<v8::Object>::try_from(value).ok()?;
    behind_proxies(scope, object).filter(|object| object.is_native_error())
}

/// Adds the members of an aggregate; `None` if execution is being terminated.
fn members<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    error: v8::Local<'s, v8::Object>,
    found: &mut Vec<Related<'s>>,
    seen: &mut Vec<v8::Local<'s, v8::Value>>,
) -> Option<()> {
    let Some(errors) = own_value(scope, error, "errors").ok()? else {
        return Some(());
    };
    let Ok(errors) = v8::Local::<v8::Array>::try_from(errors) else {
        return Some(());
    };
    let count = errors.length() as usize;
    for (index, number) in (0..errors.length()).zip(1..=MAX_MEMBERS) {
        let member = attempt(scope, |scope| errors.get_index(scope, index)).ok()?;
        if let Attempt::Done(member) = member {
            found.push(Related::Member(member, number, count));
            if !seen.iter().any(|seen| seen.strict_equals(member)) {
                seen.push(member);
            }
        }
    }
    if count > MAX_MEMBERS {
        found.push(Related::More(count - MAX_MEMBERS));
    }
    Some(())
}
