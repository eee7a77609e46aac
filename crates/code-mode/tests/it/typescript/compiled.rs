//! The one run of the compiler, and what it says.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use super::suite::{self, SuiteFile, Verdicts};
use super::type_file::{Content, TypeFile};
use super::{fuzz, mcp_tools, truth_table};
use crate::snapshot::assert_snapshot;
use crate::tooling::type_check;

/// Valid instances that TypeScript cannot accept: a name, then an indented reason.
const EXCEPTIONS: &str = include_str!("exceptions.txt");

struct Compiled {
    suite: Vec<SuiteFile>,
    /// What did not compile although it is a type.
    broken_types: Vec<String>,
    verdicts: Verdicts,
}

fn compiled() -> &'static Compiled {
    static COMPILED: OnceLock<Compiled> = OnceLock::new();
    COMPILED.get_or_init(|| {
        let suite = suite::read();
        let mut files = suite::proof_files(&suite);
        files.extend(suite::declared_files(&suite));
        files.extend([
            truth_table::type_file(),
            mcp_tools::type_file(),
            fuzz::type_file(),
        ]);
        let sources: Vec<_> = files.iter().map(TypeFile::source).collect();
        let by_name: BTreeMap<_, _> = files
            .iter()
            .map(|file| (file.name.as_str(), file))
            .collect();
        let mut broken_types = Vec::new();
        let mut rejected = BTreeSet::new();
        for diagnostic in type_check("typescript", &sources) {
            match by_name[diagnostic.file.as_str()].content(&diagnostic) {
                Content::Type(what) => broken_types.push(format!("{what}: {diagnostic:?}")),
                Content::Value(what) => {
                    rejected.insert(what.clone());
                }
            }
        }
        Compiled {
            suite,
            broken_types,
            verdicts: Verdicts { rejected },
        }
    })
}

#[test]
fn every_rendered_type_compiles() {
    let broken = &compiled().broken_types;
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn every_valid_instance_of_the_suite_is_accepted_but_for_the_listed_exceptions() {
    let compiled = compiled();
    let rejected = compiled.verdicts.wrongly_rejected(&compiled.suite);
    let listed = EXCEPTIONS
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#') && !line.starts_with(' '));
    let listed: BTreeSet<_> = listed.map(str::to_owned).collect();
    let unlisted: Vec<_> = rejected.difference(&listed).cloned().collect();
    let needless: Vec<_> = listed.difference(&rejected).cloned().collect();
    assert!(unlisted.is_empty(), "rejected:\n{}", unlisted.join("\n"));
    assert!(
        needless.is_empty(),
        "no longer rejected:\n{}",
        needless.join("\n")
    );
}

#[test]
fn the_share_of_invalid_instances_that_types_reject_is_what_it_was() {
    let compiled = compiled();
    let table = compiled.verdicts.table(&compiled.suite);
    println!("{table}");
    assert_snapshot("typescript/precision.txt", &table);
}
