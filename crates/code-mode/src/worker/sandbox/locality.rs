//! The time zone and the locale that cells see: what ICU would find by itself, found where the files and
//! the environment still are. In the sandbox ICU sees two variables and no file.
//!
//! The rules of time zones come with ICU's data. Only the *name* of the host's zone has to be told.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;

/// The variables that a worker keeps.
pub(super) const VARIABLES: [&str; 2] = ["TZ", "LC_ALL"];

const LOCAL_TIME: &str = "/etc/localtime";
const ZONES: &str = "/usr/share/zoneinfo";

/// The environment of a worker. A zone that cannot be found has no variable: ICU then takes UTC.
pub(super) fn variables() -> Vec<(&'static str, String)> {
    // Like ICU, which looks once: the search below may read many files.
    static ZONE: OnceLock<Option<String>> = OnceLock::new();
    let zone = ZONE.get_or_init(time_zone).clone();
    let zone = zone.map(|zone| (VARIABLES[0], zone));
    let locale = locale().map(|locale| (VARIABLES[1], locale));
    zone.into_iter().chain(locale).collect()
}

/// The variable that says it first, as ICU reads them: even an empty one counts.
fn locale() -> Option<String> {
    ["LC_ALL", "LC_MESSAGES", "LANG"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok())
}

/// The name of this host's time zone, in ICU's order: the variable, the file that `/etc/localtime` links
/// to, the file that it is a copy of.
fn time_zone() -> Option<String> {
    if let Ok(named) = std::env::var("TZ")
        && is_zone_name(&named)
    {
        let name = named.strip_prefix(':').unwrap_or(&named);
        return Some(without_variant(name).to_owned());
    }
    let target = fs::canonicalize(LOCAL_TIME).ok()?;
    if target == Path::new(LOCAL_TIME) {
        return copied_from(Path::new(ZONES), &fs::read(LOCAL_TIME).ok()?);
    }
    zone_of_path(&target).or_else(|| zone_of_path(&fs::read_link(LOCAL_TIME).ok()?))
}

/// Where a path goes on below a folder `zoneinfo`.
fn zone_of_path(path: &Path) -> Option<String> {
    let (_, name) = path.to_str()?.split_once("/zoneinfo/")?;
    let name = without_variant(name);
    (name != "posixrules" && is_zone_name(name)).then(|| name.to_owned())
}

fn without_variant(name: &str) -> &str {
    let stripped = name.strip_prefix("posix/");
    stripped
        .or_else(|| name.strip_prefix("right/"))
        .unwrap_or(name)
}

/// Whether a text names a zone of the database, unlike a rule such as `CET-1CEST,M3.5.0,M10.5.0/3`.
fn is_zone_name(text: &str) -> bool {
    let tail = text.trim_start_matches(|c: char| !c.is_ascii_digit() && c != ',');
    let digits = tail.bytes().take_while(u8::is_ascii_digit).count();
    (digits == tail.len() && digits <= 2)
        || ["PST8PDT", "MST7MDT", "CST6CDT", "EST5EDT"].contains(&text)
}

/// The first zone, in the order of the folders, whose file has these contents.
fn copied_from(folder: &Path, contents: &[u8]) -> Option<String> {
    for entry in fs::read_dir(folder).ok()?.flatten() {
        let path = entry.path();
        if ["posixrules", "localtime"]
            .iter()
            .any(|n| path.ends_with(n))
        {
            continue;
        }
        let Ok(about) = fs::metadata(&path) else {
            continue;
        };
        let found = if about.is_dir() {
            copied_from(&path, contents)
        } else if about.len() == contents.len() as u64
            && fs::read(&path).is_ok_and(|zone| zone == contents)
        {
            zone_of_path(&path)
        } else {
            None
        };
        if found.is_some() {
            return found;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_told_from_rules() {
        for name in [
            "Europe/Paris",
            "UTC",
            ":Asia/Tokyo",
            "Etc/GMT+11",
            "EST5EDT",
            "",
        ] {
            assert!(is_zone_name(name), "{name}");
        }
        for rule in [
            "CET-1CEST",
            "CET-1CEST,M3.5.0,M10.5.0/3",
            "<+01>-1,M3",
            "Etc/GMT+123",
        ] {
            assert!(!is_zone_name(rule), "{rule}");
        }
    }

    #[test]
    fn a_link_into_the_database_names_its_zone() {
        let zone = |path: &str| zone_of_path(Path::new(path));
        assert_eq!(
            zone("/usr/share/zoneinfo/Europe/Berlin").as_deref(),
            Some("Europe/Berlin")
        );
        assert_eq!(
            zone("/usr/share/zoneinfo/posix/Asia/Tokyo").as_deref(),
            Some("Asia/Tokyo")
        );
        assert_eq!(zone("/usr/share/zoneinfo/posixrules"), None);
        assert_eq!(zone("/etc/zone"), None);
    }

    #[test]
    fn a_copy_of_a_zone_is_recognised() {
        let tokyo = Path::new(ZONES).join("Asia/Tokyo");
        // Some machines have no database; on them nothing is a copy of anything.
        let contents = fs::read(tokyo).unwrap_or_else(|_| b"nothing".to_vec());
        let found = copied_from(Path::new(ZONES), &contents);
        match found.as_deref() {
            Some(name) => assert!(["Asia/Tokyo", "Japan"].contains(&name), "{name}"),
            None => assert_eq!(contents, b"nothing"),
        }
    }
}
