//! Words of texts and names, and their stems: `listDirectories` has `list` and `directori`, and so does
//! `a directory listing`.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use super::fields::cut;

/// In bytes: what is kept of a longer word.
const LONGEST_WORD: usize = 40;
/// How much of a question is looked at, in bytes, and how many of its words.
const LONGEST_QUESTION: usize = 1_000;
const MOST_QUESTION_WORDS: usize = 32;

/// Words that say nothing of what a tool does.
const STOP_WORDS: &str = "a about after again all also am an and another any anything are arent as at be been before \
    being both but by can cant could did didnt do does doesnt doing done dont each for from had has hasnt have \
    havent having he her here hers him his how i if im in into is isnt it its ive just let lets like may me might \
    mine more most must my need new no not of on once one only or other our ours out over own please shall she \
    should so some somehow something such than that the their them then there these they thing things this those \
    three through to too tool tools two under until up us use used using very want was wasnt we were what when \
    where which while who whom whose why will with wont would yet you your yours";

/// Forms of common verbs that no rule finds: the base form, then the others.
const IRREGULAR: &str = "
    begin began begun
    bring brought
    build built
    buy bought
    choose chose chosen
    draw drew drawn
    find found
    forget forgot forgotten
    get got gotten
    give gave given
    go went gone
    hide hid hidden
    hold held
    keep kept
    know knew known
    leave left
    lose lost
    make made
    mean meant
    pay paid
    run ran
    say said
    see saw seen
    sell sold
    send sent
    show shown
    speak spoke spoken
    spend spent
    steal stole stolen
    take took taken
    tell told
    think thought
    throw threw thrown
    understand understood
    write wrote written
";

static BASE_FORMS: LazyLock<HashMap<&str, &str>> = LazyLock::new(|| {
    let verbs = IRREGULAR.lines().map(str::split_ascii_whitespace);
    let forms = verbs.filter_map(|mut forms| Some((forms.next()?, forms)));
    forms
        .flat_map(|(base, others)| others.map(move |form| (form, base)))
        .collect()
});

static STOPPED: LazyLock<HashSet<&str>> =
    LazyLock::new(|| STOP_WORDS.split_ascii_whitespace().collect());

/// Tells the words of a text or a name, in lower case: letters and digits together, parted where small
/// letters meet capitals (`camelCase`, `HTTPServer`), not where letters meet digits (`s3`). Scripts
/// without spaces have a word a character.
pub(super) fn words(text: &str, mut tell: impl FnMut(&str)) {
    let mut word = String::new();
    let mut characters = text.chars().peekable();
    let mut before = None;
    while let Some(character) = characters.next() {
        let next = characters.peek().copied();
        if before.is_some_and(|before| parts(before, character, next)) {
            finish(&mut word, &mut tell);
        }
        before = Some(character);
        if character.is_alphanumeric() {
            word.extend(character.to_lowercase());
        } else if !is_apostrophe(character) {
            finish(&mut word, &mut tell);
        }
    }
    finish(&mut word, &mut tell);
}

fn finish(word: &mut String, tell: &mut impl FnMut(&str)) {
    // `user's` without its apostrophe: the stem is the same as that of `users`.
    let told = cut(word, LONGEST_WORD);
    if !told.is_empty() {
        tell(told);
    }
    word.clear();
}

fn is_apostrophe(character: char) -> bool {
    matches!(character, '\'' | '\u{2019}')
}

/// Whether a new word begins at `character`.
fn parts(before: char, character: char, next: Option<char>) -> bool {
    let capital = character.is_uppercase();
    (capital && before.is_lowercase())
        || (capital && before.is_uppercase() && next.is_some_and(char::is_lowercase))
        || stands_alone(before)
        || stands_alone(character)
}

/// Ideographs, kana and Thai: written without spaces.
fn stands_alone(character: char) -> bool {
    matches!(character, '\u{e00}'..='\u{e7f}' | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

/// The words of a question that say something, each once; all of them if none does.
pub(super) fn query_words(question: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    words(cut(question, LONGEST_QUESTION), |word| {
        if !all.iter().any(|known| known == word) {
            all.push(word.to_owned());
        }
    });
    let is_stopped = |word: &String| STOPPED.contains(word.as_str());
    if !all.iter().all(is_stopped) {
        all.retain(|word| !is_stopped(word));
    }
    all.truncate(MOST_QUESTION_WORDS);
    all
}

/// A word without its English ending, light-handedly: what differs only by number or tense becomes the
/// same. Not a word of a dictionary.
pub(super) fn stem(word: &str) -> String {
    if !word.is_ascii() || word.len() < 4 {
        return word.to_owned();
    }
    let word = BASE_FORMS.get(word).copied().unwrap_or(word);
    let mut stem = without_plural(word);
    for ending in ["ing", "ed"] {
        if let Some(rest) = stem.strip_suffix(ending)
            && rest.len() >= 3
            && has_vowel(rest)
            && !(ending == "ed" && rest.ends_with('e'))
        {
            stem = without_doubling(rest).to_owned();
            break;
        }
    }
    if let Some(rest) = stem.strip_suffix("ly")
        && rest.len() >= 4
    {
        stem.truncate(rest.len());
    }
    if let Some(rest) = stem.strip_suffix("ion")
        && rest.len() >= 3
        && rest.ends_with(['s', 't'])
    {
        stem.truncate(rest.len());
    }
    if stem.len() > 3 && stem.ends_with('e') {
        stem.pop();
    }
    if stem.len() > 2 && stem.ends_with('y') {
        stem.pop();
        stem.push('i');
    }
    stem
}

fn without_plural(word: &str) -> String {
    if let Some(rest) = word.strip_suffix("ies")
        && rest.len() >= 2
    {
        return format!("{rest}y");
    }
    for ending in ["sses", "shes", "ches", "xes", "zes"] {
        if word.ends_with(ending) {
            return word[..word.len() - 2].to_owned();
        }
    }
    match word.strip_suffix('s') {
        Some(rest) if !rest.ends_with(['s', 'u', 'i']) => rest.to_owned(),
        _ => word.to_owned(),
    }
}

/// `runn` of `running` is `run`; `add`, `call`, `pass` stay.
fn without_doubling(word: &str) -> &str {
    let bytes = word.as_bytes();
    let doubled = bytes.len() > 3 && bytes[bytes.len() - 1] == bytes[bytes.len() - 2];
    if doubled && !word.ends_with(['l', 's', 'z']) {
        &word[..word.len() - 1]
    } else {
        word
    }
}

fn has_vowel(word: &str) -> bool {
    word.contains(['a', 'e', 'i', 'o', 'u', 'y'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<String> {
        let mut found = Vec::new();
        words(text, |word| found.push(word.to_owned()));
        found
    }

    #[test]
    fn names_are_parted_where_people_see_words() {
        assert_eq!(
            split("git_diff-staged.now"),
            ["git", "diff", "staged", "now"]
        );
        assert_eq!(split("listAllFiles"), ["list", "all", "files"]);
        assert_eq!(split("parseHTTPRequest2"), ["parse", "http", "request2"]);
        assert_eq!(split("the user's file\u{2019}s"), ["the", "users", "files"]);
        assert_eq!(split("Straße ÉTÉ"), ["straße", "été"]);
        assert_eq!(split("天気API"), ["天", "気", "api"]);
        assert!(split("_ -- \u{1f600}").is_empty());
    }

    #[test]
    fn forms_of_a_word_have_one_stem() {
        for forms in [
            &["create", "creates", "created", "creating", "creation"][..],
            &["directory", "directories"],
            &["commit", "commits", "committed", "committing"],
            &["stage", "staged", "staging"],
            &["branch", "branches"],
            &["delete", "deletion", "deleting"],
            &["compress", "compression", "compressed", "compresses"],
            &["recursive", "recursively"],
            &["add", "adding", "added", "adds"],
            &["log", "logs", "logging"],
            &["write", "writes", "wrote", "written", "writing"],
        ] {
            for form in forms {
                assert_eq!(stem(form), stem(forms[0]), "{form}");
            }
        }
        for word in [
            "string", "thing", "need", "status", "process", "this", "ls", "été",
        ] {
            assert_eq!(stem(word), word);
        }
    }

    #[test]
    fn a_question_is_its_words_that_say_something() {
        assert_eq!(
            query_words("What is in the folder? The FOLDER!"),
            ["folder"]
        );
        assert_eq!(query_words("what is it"), ["what", "is", "it"]);
        assert!(query_words(" ?! ").is_empty());
        assert_eq!(query_words(&"x y ".repeat(1_000_000)), ["x", "y"]);
    }
}
