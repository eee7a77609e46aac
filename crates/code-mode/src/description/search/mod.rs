//! Finds tools by what they do: `search_tools` of scripts, and [`ToolSet::search`](super::ToolSet::search).
//!
//! BM25 over the words of a tool, weighted by where they stand (`fields`); the words of a question also
//! find what means the same (`words`, `synonyms`). The same tools and the same question give the same
//! answer, in whatever order the tools were given. What is read of a tool and of a question is bounded,
//! so that making the index and asking it take time in proportion to the number of tools.

mod fields;
mod synonyms;
mod words;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use self::fields::{FIELDS, Field, Fields};
use self::synonyms::synonyms;
use self::words::{query_words, stem};
use super::Tool;

/// How fast more of the same word stops to matter.
const SATURATION: f64 = 1.2;

/// What a word of the question counts where a tool has not the word itself but…
/// …one that means the same,
const SYNONYM: f64 = 0.7;
/// …one that begins with it (`env`: `environment`), or that it begins with,
const PREFIX: f64 = 0.5;
/// …the word and the next one in one (`time zone`: `timezone`).
const COMPOUND: f64 = 0.9;

/// The least letters of a beginning that counts.
const LEAST_PREFIX: usize = 3;
/// How many words that begin with a word of the question are looked up.
const MOST_COMPLETIONS: usize = 16;

/// The words of some tools.
pub(super) struct Index {
    /// For each word, which tools have it, in their order, and how strongly: from 0 to 1.
    postings: BTreeMap<String, Vec<Posting>>,
    /// The place of each tool in the order of global names.
    places: Vec<u32>,
}

#[derive(Clone, Copy)]
struct Posting {
    tool: u32,
    strength: f64,
}

impl Index {
    pub(super) fn new(tools: &[Arc<Tool>]) -> Self {
        let mut terms = Terms::default();
        let counted: Vec<Counted> = tools.iter().map(|tool| terms.count(tool)).collect();
        let average = average_lengths(&counted);
        let mut postings: Vec<Vec<Posting>> = vec![Vec::new(); terms.0.len()];
        for (tool, counted) in (0..).zip(&counted) {
            for &(term, ref counts) in &counted.terms {
                let weight = weight(counts, &counted.lengths, &average);
                postings[term].push(Posting {
                    tool,
                    strength: weight / (weight + SATURATION),
                });
            }
        }
        Self {
            postings: terms
                .0
                .into_iter()
                .map(|(word, term)| (word, std::mem::take(&mut postings[term])))
                .collect(),
            places: places(tools),
        }
    }

    /// The places in the set of the tools that have something to do with the question, the best first;
    /// all of them by name, if the question has no words.
    pub(super) fn ranked(&self, question: &str) -> Vec<usize> {
        let mut scores = vec![0.0; self.places.len()];
        let words = query_words(question);
        if words.is_empty() {
            scores.fill(1.0);
        }
        let mut matched = vec![0_u32; self.places.len()];
        let mut best = HashMap::new();
        for (position, word) in words.iter().enumerate() {
            best.clear();
            for (term, share) in self.meant(word, words.get(position + 1)) {
                for posting in self.postings.get(&term).into_iter().flatten() {
                    let best = best.entry(posting.tool).or_insert(0.0_f64);
                    *best = best.max(share * posting.strength);
                }
            }
            // Each tool's score gets one addition a word, so the order of the map changes nothing.
            let rarity = rarity(best.len(), scores.len());
            for (tool, strength) in &best {
                scores[*tool as usize] += rarity * strength;
                matched[*tool as usize] += 1;
            }
        }
        // A tool that has to do with more of the question is more likely the one that is meant.
        for (score, matched) in scores.iter_mut().zip(matched) {
            if !words.is_empty() {
                *score *= (f64::from(matched) / words.len() as f64).sqrt();
            }
        }
        let mut found: Vec<usize> = (0..scores.len())
            .filter(|tool| scores[*tool] > 0.0)
            .collect();
        found.sort_by(|a, b| {
            let by_score = scores[*b].total_cmp(&scores[*a]);
            by_score.then(self.places[*a].cmp(&self.places[*b]))
        });
        found
    }

    /// The words of the index that a word of a question may mean, and how surely.
    fn meant(&self, word: &str, next: Option<&String>) -> Vec<(String, f64)> {
        let stemmed = stem(word);
        let mut meant = vec![(stemmed.clone(), 1.0)];
        meant.extend(synonyms(&stemmed).map(|synonym| (synonym.to_owned(), SYNONYM)));
        if let Some(next) = next {
            meant.push((stem(&format!("{word}{next}")), COMPOUND));
        }
        if stemmed.chars().count() >= LEAST_PREFIX {
            let completions = self.postings.range(stemmed.clone()..);
            let completions = completions
                .take_while(|(term, _)| term.starts_with(&stemmed))
                .take(MOST_COMPLETIONS);
            meant.extend(completions.map(|(term, _)| (term.clone(), PREFIX)));
            let beginnings = stemmed.char_indices().skip(LEAST_PREFIX + 1);
            meant.extend(beginnings.map(|(end, _)| (stemmed[..end].to_owned(), PREFIX)));
        }
        meant
    }
}

/// How much a word says that `having` of `all` tools have.
fn rarity(having: usize, all: usize) -> f64 {
    let (having, all) = (having as f64, all as f64);
    (1.0 + (all - having + 0.5) / (having + 0.5)).ln()
}

/// How often a word stands in each field of a tool.
type Counts = [u32; FIELDS];

/// The words of one tool.
struct Counted {
    /// In the order in which they were met.
    terms: Vec<(usize, Counts)>,
    /// How many words each field has.
    lengths: Counts,
}

/// All words, and a number for each.
#[derive(Default)]
struct Terms(HashMap<String, usize>);

impl Terms {
    fn count(&mut self, tool: &Tool) -> Counted {
        let mut counted = Counted {
            terms: Vec::new(),
            lengths: [0; FIELDS],
        };
        let mut seen: HashMap<usize, usize> = HashMap::new();
        Fields::read(tool, &mut |field: Field, word: &str| {
            let next = self.0.len();
            let term = *self.0.entry(stem(word)).or_insert(next);
            let slot = *seen.entry(term).or_insert_with(|| {
                counted.terms.push((term, [0; FIELDS]));
                counted.terms.len() - 1
            });
            counted.terms[slot].1[field as usize] += 1;
            counted.lengths[field as usize] += 1;
        });
        counted
    }
}

/// How many words each field has, where it has any.
fn average_lengths(counted: &[Counted]) -> [f64; FIELDS] {
    std::array::from_fn(|field| {
        let lengths = counted
            .iter()
            .map(|counted| u64::from(counted.lengths[field]));
        let filled = lengths.clone().filter(|length| *length > 0).count();
        lengths.sum::<u64>() as f64 / filled.max(1) as f64
    })
}

/// What a word weighs in a tool: more in the fields that say most, less in long ones.
fn weight(counts: &Counts, lengths: &Counts, average: &[f64; FIELDS]) -> f64 {
    let fields = Field::ALL
        .into_iter()
        .filter(|field| counts[*field as usize] > 0);
    fields
        .map(|field| {
            let at = field as usize;
            let spread = field.length_matters();
            let length = f64::from(lengths[at]) / average[at];
            field.weight() * f64::from(counts[at]) / (1.0 - spread + spread * length)
        })
        .sum()
}

/// The place of each tool in the order of global names.
fn places(tools: &[Arc<Tool>]) -> Vec<u32> {
    let mut by_name: Vec<usize> = (0..tools.len()).collect();
    by_name.sort_by_key(|tool| &tools[*tool].global_name);
    let mut places = vec![0; tools.len()];
    for (place, tool) in (0..).zip(by_name) {
        places[tool] = place;
    }
    places
}
