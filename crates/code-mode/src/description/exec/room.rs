//! How a budget of tokens is shared among the tools of a description. Decides what is said of each tool;
//! says nothing itself but the lines that count.

use super::{
    ABOUT_OBSERVED, Detail, Entry, ExecDescriptionOptions, about_shortened, heading, is_observed,
    mcp_types, tools, uses_mcp_types,
};
use crate::response::ApproximateTokens;

/// After so many declarations that did not fit no more are rendered: there may be thousands.
const MOST_MISSES: usize = 32;

/// How many tools of one namespace are not named.
pub(super) struct Unnamed<'a> {
    pub(super) namespace: Option<&'a str>,
    pub(super) count: usize,
    /// `more ` where others of the namespace are named.
    pub(super) more: &'static str,
}

impl Unnamed<'_> {
    fn line(&self) -> String {
        let tools = tools(self.count, self.more);
        match self.namespace {
            Some(namespace) => format!("\n- `{namespace}`: {tools}"),
            None => format!("\n- without a namespace: {tools}"),
        }
    }
}

/// What is left of the tokens, for the sections that come.
pub(super) struct Room<'o> {
    tokens: usize,
    pub(super) options: &'o ExecDescriptionOptions<'o>,
}

impl<'o> Room<'o> {
    pub(super) fn new(options: &'o ExecDescriptionOptions<'o>) -> Self {
        Self {
            tokens: options.max_tokens.unwrap_or(usize::MAX),
            options,
        }
    }

    /// How much is said of each tool, and the lines that count those that are not named.
    ///
    /// If all names fit, every tool gets its name, then as many as possible their descriptions, then
    /// their declarations. If not, every namespace is counted, half of what is left is for names, and the
    /// rest for declarations: a few tools whole help more than many by halves. Namespaces with few tools
    /// come first: one with a thousand must not hide the others.
    pub(super) fn divide(mut self, entries: &[Entry<'_>]) -> (Vec<Detail>, String) {
        if self.options.max_tokens.is_none() {
            return (vec![Detail::Declaration; entries.len()], String::new());
        }
        self.set_aside(entries);
        let mut details = vec![Detail::Counted; entries.len()];
        let groups = smallest_first(entries);
        let all_names: usize = groups
            .iter()
            .map(|group| self.heading_cost(group[0].1) + self.names_cost(group))
            .fold(0, usize::saturating_add);
        if self.take(all_names) {
            details.fill(Detail::Name);
            self.raise(Detail::Name, Detail::Description, &groups, &mut details);
            self.raise(
                Detail::Description,
                Detail::Declaration,
                &groups,
                &mut details,
            );
            return (details, String::new());
        }
        let before = self.tokens;
        self.lines(&unnamed(entries, &details, "more "));
        let for_counts = before - self.tokens;
        let for_names = self.tokens / 2;
        self.tokens -= for_names;
        self.tokens += self.within(for_names).name(&groups, &mut details);
        let counts = self
            .within(for_counts)
            .lines(&unnamed(entries, &details, ""));
        self.raise(Detail::Name, Detail::Declaration, &groups, &mut details);
        (details, counts)
    }

    /// Keeps room for all that may have to be said besides the tools themselves.
    fn set_aside(&mut self, entries: &[Entry<'_>]) {
        let unnamed: Vec<_> = entries
            .iter()
            .map(|entry| (entry, Detail::Counted))
            .collect();
        let shortened = about_shortened(&unnamed, "");
        let observed = entries
            .iter()
            .any(is_observed)
            .then(|| ABOUT_OBSERVED.to_owned());
        let mcp = entries.iter().any(uses_mcp_types).then(mcp_types);
        for section in [shortened, observed, mcp].into_iter().flatten() {
            self.take_what_there_is(&section);
        }
    }

    /// Names as many tools as fit; what is left.
    fn name(mut self, groups: &[Group<'_, '_>], details: &mut [Detail]) -> usize {
        for group in groups {
            // Given back if no name fits after it.
            let heading = self.heading_cost(group[0].1);
            if !self.take(heading) {
                continue;
            }
            let mut any = false;
            for (position, entry) in group {
                if !self.take(self.cost(&entry.text(Detail::Name))) {
                    break;
                }
                details[*position] = Detail::Name;
                any = true;
            }
            if !any {
                self.tokens += heading;
            }
        }
        self.tokens
    }

    /// Says more of as many tools as fit.
    fn raise(
        &mut self,
        from: Detail,
        to: Detail,
        groups: &[Group<'_, '_>],
        details: &mut [Detail],
    ) {
        let mut misses = 0;
        for (position, entry) in groups.iter().flatten() {
            if details[*position] != from {
                continue;
            }
            let freed = self.cost(&entry.text(from));
            if self.take(self.cost(&entry.text(to)).saturating_sub(freed)) {
                details[*position] = to;
                continue;
            }
            misses += 1;
            if misses == MOST_MISSES {
                return;
            }
        }
    }

    /// A line for each namespace, as far as they fit, and one for those that do not.
    pub(super) fn lines(&mut self, unnamed: &[Unnamed<'_>]) -> String {
        let lines: Vec<String> = unnamed.iter().map(Unnamed::line).collect();
        let costs: Vec<usize> = lines.iter().map(|line| self.cost(line)).collect();
        if self.take(costs.iter().copied().fold(0, usize::saturating_add)) {
            return lines.concat();
        }
        let others = |from: usize| {
            let count = unnamed[from..].iter().map(|unnamed| unnamed.count).sum();
            let namespaces = unnamed.len() - from;
            format!("\n- {} in {namespaces} other namespaces", tools(count, ""))
        };
        if !self.take(self.cost(&others(0))) {
            return String::new();
        }
        let shown = costs.iter().take_while(|cost| self.take(**cost)).count();
        lines[..shown].concat() + &others(shown)
    }

    fn heading_cost(&self, entry: &Entry<'_>) -> usize {
        // "Also: " too, wherever it comes to stand.
        self.cost(&format!(
            "{}Also: ",
            heading(entry.namespace(), self.options)
        ))
    }

    fn names_cost(&self, group: &Group<'_, '_>) -> usize {
        let costs = group
            .iter()
            .map(|(_, entry)| self.cost(&entry.text(Detail::Name)));
        costs.fold(0, usize::saturating_add)
    }

    /// A part of the room.
    fn within(&self, tokens: usize) -> Self {
        Self { tokens, ..*self }
    }

    fn take(&mut self, tokens: usize) -> bool {
        let fits = tokens <= self.tokens;
        if fits {
            self.tokens -= tokens;
        }
        fits
    }

    /// For what is said in any case.
    pub(super) fn take_what_there_is(&mut self, piece: &str) {
        self.tokens = self.tokens.saturating_sub(self.cost(piece));
    }

    /// What a piece of the text takes, with what divides it from the next.
    fn cost(&self, piece: &str) -> usize {
        let counter = self.options.token_counter.unwrap_or(&ApproximateTokens);
        counter.count(&format!("{piece}\n\n"))
    }
}

/// The tools of one namespace, with their places in the list of all.
type Group<'e, 'a> = Vec<(usize, &'e Entry<'a>)>;

/// The namespaces with their tools, those with the fewest first.
fn smallest_first<'e, 'a>(entries: &'e [Entry<'a>]) -> Vec<Group<'e, 'a>> {
    let placed: Group<'e, 'a> = entries.iter().enumerate().collect();
    let same =
        |a: &(usize, &Entry<'_>), b: &(usize, &Entry<'_>)| a.1.namespace() == b.1.namespace();
    let mut groups: Vec<_> = placed.chunk_by(same).map(<[_]>::to_vec).collect();
    groups.sort_by_key(Vec::len);
    groups
}

/// How many tools of each namespace are not named, in the order of the namespaces.
///
/// `more` is said of those of which none is named.
fn unnamed<'a>(entries: &[Entry<'a>], details: &[Detail], more: &'static str) -> Vec<Unnamed<'a>> {
    let shown: Vec<_> = entries.iter().zip(details).collect();
    let groups = shown.chunk_by(|(a, _), (b, _)| a.namespace() == b.namespace());
    groups
        .map(|group| {
            let count = group
                .iter()
                .filter(|(_, detail)| **detail == Detail::Counted)
                .count();
            Unnamed {
                namespace: group[0].0.namespace(),
                count,
                more: if count < group.len() { "more " } else { more },
            }
        })
        .filter(|unnamed| unnamed.count > 0)
        .collect()
}
