//! What a check takes at most, by the shape of the schema and the size of the arguments. Known before
//! it begins, because nothing can interrupt it.

use serde_json::Value;

use super::schema::{Node, Schema};

/// Subschemas applied inside each other, whatever the instance: a bound of the stack. Tests hold a
/// check of that many to two thirds of what a cell's stack has left at its deepest script.
const MAX_LEVELS: u64 = 300;

/// Subschemas and schema data applied to values of the arguments: a bound of the time, under a second.
const MAX_STEPS: u64 = 50_000_000;

/// Bytes of the arguments times patterns that may be matched against them. A pattern takes a few
/// nanoseconds for a byte, one made to be slow up to half a microsecond.
const MAX_PATTERN_BYTES: u64 = 2 * 1024 * 1024;

/// Memory for telling all errors there may be, if each of them took this much and its path.
const MAX_ERROR_BYTES: u64 = 256 * 1024 * 1024;
const BYTES_OF_AN_ERROR: u64 = 256;

/// The deepest value `serde_json` reads.
const DEEPEST_VALUE: usize = 128;

/// Costs of applying the root of a schema, by the depth of the value it is applied to.
#[derive(Debug)]
pub(super) struct Costs {
    by_depth: Vec<Cost>,
    /// Deeper values cost what the deepest listed one does.
    settled: bool,
    has_alternatives: bool,
}

/// How much may be told of arguments that do not fit.
pub(super) enum Telling {
    Everything,
    TheFirstError,
    Nothing,
}

/// What a value in the arguments, at any place, is at most met with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Cost {
    levels: u64,
    steps: u64,
    patterns: u64,
}

/// How much there is to check.
pub(super) struct Size {
    depth: usize,
    values: u64,
    bytes: u64,
    /// The longest path, in bytes.
    path: u64,
}

impl Size {
    pub(super) fn of(value: &Value, bytes: usize) -> Self {
        let mut size = Self {
            depth: 0,
            values: 0,
            bytes: bytes as u64,
            path: 0,
        };
        size.count(value, 0, 0);
        size
    }

    fn count(&mut self, value: &Value, depth: usize, path: u64) {
        self.values += 1;
        self.depth = self.depth.max(depth);
        self.path = self.path.max(path);
        match value {
            Value::Array(items) => items
                .iter()
                .for_each(|item| self.count(item, depth + 1, path + 8)),
            Value::Object(map) => map
                .iter()
                .for_each(|(name, item)| self.count(item, depth + 1, path + name.len() as u64)),
            _ => {}
        }
    }
}

impl Costs {
    /// Fails if a subschema applies itself to the same value again, or if even an empty object costs
    /// too much.
    pub(super) fn of(schema: &Schema) -> Result<Self, String> {
        let nodes = &schema.nodes;
        let order = children_first(nodes)?;
        let mut costs = Self {
            by_depth: Vec::new(),
            settled: false,
            has_alternatives: schema.has_alternatives(),
        };
        // Of every node, for values one level less deep.
        let mut below = vec![Cost::default(); nodes.len()];
        for _ in 0..DEEPEST_VALUE {
            let mut here = vec![Cost::default(); nodes.len()];
            for &index in &order {
                here[index] = cost(&nodes[index], &here, &below);
            }
            costs.settled = here == below;
            if costs.settled || !here[0].is_bearable() {
                break;
            }
            costs.by_depth.push(here[0]);
            below = here;
        }
        if costs.by_depth.is_empty() {
            return Err("it takes too long to check".to_owned());
        }
        Ok(costs)
    }

    /// Whether arguments of this size may be checked.
    pub(super) fn allow_check(&self, size: &Size) -> bool {
        self.at(size).is_some_and(|cost| {
            cost.steps.saturating_mul(size.values) <= MAX_STEPS
                && cost.patterns.saturating_mul(size.bytes) <= MAX_PATTERN_BYTES
        })
    }

    /// How much of what is wrong with arguments of this size fits into memory.
    pub(super) fn telling(&self, size: &Size) -> Telling {
        let Some(cost) = self.at(size) else {
            return Telling::Nothing;
        };
        let of_each_value = size.path.saturating_add(BYTES_OF_AN_ERROR);
        let of_each_step = size.values.saturating_mul(of_each_value) + size.bytes;
        if cost.steps.saturating_mul(of_each_step) <= MAX_ERROR_BYTES {
            return Telling::Everything;
        }
        if self.has_alternatives {
            return Telling::Nothing;
        }
        Telling::TheFirstError
    }

    fn at(&self, size: &Size) -> Option<&Cost> {
        self.by_depth
            .get(size.depth)
            .or_else(|| self.by_depth.last().filter(|_| self.settled))
    }
}

impl Cost {
    fn is_bearable(&self) -> bool {
        self.levels <= MAX_LEVELS && self.steps <= MAX_STEPS
    }

    fn add(&mut self, part: Self) {
        self.levels = self.levels.max(part.levels + 1);
        self.steps = self.steps.saturating_add(part.steps);
        self.patterns = self.patterns.saturating_add(part.patterns);
    }
}

fn cost(node: &Node, here: &[Cost], below: &[Cost]) -> Cost {
    let mut cost = Cost {
        levels: 1,
        steps: node.steps,
        patterns: node.patterns,
    };
    node.in_place.iter().for_each(|&part| cost.add(here[part]));
    node.below.iter().for_each(|&part| cost.add(below[part]));
    if node.looks_again {
        // What is unevaluated is found by applying the parts again, at each of their levels.
        cost.steps = cost.steps.saturating_mul(cost.levels + 1);
        cost.patterns = cost.patterns.saturating_mul(cost.levels + 1);
    }
    cost
}

/// The nodes in an order in which each comes after those it applies to the same value.
fn children_first(nodes: &[Node]) -> Result<Vec<usize>, String> {
    #[derive(Clone, Copy, PartialEq)]
    enum Seen {
        No,
        Entered,
        Left,
    }

    let mut order = Vec::with_capacity(nodes.len());
    let mut seen = vec![Seen::No; nodes.len()];
    for start in 0..nodes.len() {
        let mut path = vec![start];
        while let Some(&node) = path.last() {
            if seen[node] == Seen::No {
                seen[node] = Seen::Entered;
                for &part in &nodes[node].in_place {
                    match seen[part] {
                        Seen::No => path.push(part),
                        Seen::Entered => {
                            return Err("it applies itself to the same value again".to_owned());
                        }
                        Seen::Left => {}
                    }
                }
                continue;
            }
            path.pop();
            if seen[node] == Seen::Entered {
                seen[node] = Seen::Left;
                order.push(node);
            }
        }
    }
    Ok(order)
}
