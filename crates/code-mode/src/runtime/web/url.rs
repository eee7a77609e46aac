//! URLs, by the parser of the crate `url`.

use ::url::{Position, Url, quirks};

use super::super::Thrown;
use super::super::callbacks::{Arguments, Return, run};
use super::form::text_argument;

/// `parseUrl(url, base)`: the href, or nothing where it is no URL. `base` may be `undefined`.
pub(super) fn parse_url<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    args: Arguments<'s>,
    mut result: Return,
) {
    run(scope, |scope, _| {
        let text = text_argument(scope, &args, 0);
        let parsed = if args.get(1).is_undefined() {
            Url::parse(&text)
        } else {
            let base = text_argument(scope, &args, 1);
            Url::parse(&base).and_then(|base| base.join(&text))
        };
        match parsed {
            Ok(url) => set_text(scope, &mut result, settled(url).as_str()),
            Err(_) => Ok(()),
        }
    });
}

/// A URL as the standard has it now, in two points where the crate is behind: the first segment of
/// a `file` URL is `C:` where it was given as `C|`, and an opaque path ends in no space.
fn settled(url: Url) -> Url {
    let mut href = url.as_str().to_owned();
    let start = url[..Position::BeforePath].len();
    let end = url[..Position::AfterPath].len();
    match url.path().as_bytes() {
        [b'/', letter, b'|'] | [b'/', letter, b'|', b'/', ..]
            if url.scheme() == "file" && letter.is_ascii_alphabetic() =>
        {
            href.replace_range(start + 2..start + 3, ":");
        }
        [.., b' '] => href.replace_range(end - 1..end, "%20"),
        _ => return url,
    }
    Url::parse(&href).unwrap_or(url)
}

/// `urlPart(href, name)`
pub(super) fn url_part<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    args: Arguments<'s>,
    mut result: Return,
) {
    run(scope, |scope, _| {
        let url = url_argument(scope, &args)?;
        let name = text_argument(scope, &args, 1);
        let origin;
        let part = match name.as_str() {
            "protocol" => quirks::protocol(&url),
            "username" => quirks::username(&url),
            "password" => quirks::password(&url),
            "host" => quirks::host(&url),
            "hostname" => quirks::hostname(&url),
            "port" => quirks::port(&url),
            "pathname" => quirks::pathname(&url),
            "search" => quirks::search(&url),
            "hash" => quirks::hash(&url),
            _ => {
                origin = quirks::origin(&url);
                &origin
            }
        };
        set_text(scope, &mut result, part)
    });
}

/// `setUrlPart(href, name, value)`: the new href; a value that does not fit changes nothing.
pub(super) fn set_url_part<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    args: Arguments<'s>,
    mut result: Return,
) {
    run(scope, |scope, _| {
        let mut url = url_argument(scope, &args)?;
        let name = text_argument(scope, &args, 1);
        let value = text_argument(scope, &args, 2);
        let before = url.clone();
        let fits = match name.as_str() {
            "protocol" => quirks::set_protocol(&mut url, &value).is_ok(),
            "username" => quirks::set_username(&mut url, &value).is_ok(),
            "password" => quirks::set_password(&mut url, &value).is_ok(),
            "host" => quirks::set_host(&mut url, &value).is_ok(),
            "hostname" => quirks::set_hostname(&mut url, &value).is_ok(),
            "port" => quirks::set_port(&mut url, &value).is_ok(),
            _ => {
                match name.as_str() {
                    "pathname" => quirks::set_pathname(&mut url, &value),
                    "search" => quirks::set_search(&mut url, &value),
                    _ => quirks::set_hash(&mut url, &value),
                }
                true
            }
        };
        let url = if fits { url } else { before };
        set_text(scope, &mut result, url.as_str())
    });
}

fn url_argument(scope: &mut v8::PinScope<'_, '_>, args: &Arguments<'_>) -> Result<Url, Thrown> {
    let href = text_argument(scope, args, 0);
    Url::parse(&href).map_err(|error| Thrown::Type(format!("URL: {error}")))
}

fn set_text(
    scope: &mut v8::PinScope<'_, '_>,
    result: &mut Return,
    text: &str,
) -> Result<(), Thrown> {
    let text = v8::String::new(scope, text)
        .ok_or_else(|| Thrown::Range("URL: the URL is longer than a string may be".to_owned()))?;
    result.set(text.into());
    Ok(())
}
