//! The official JSON Schema Test Suite: every schema compiles, every valid instance is accepted, and
//! how many invalid ones are rejected is known.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use code_mode::{OpenObjects, RenderOptions, SchemaUse, render_schema};
use serde_json::Value;

use super::type_file::TypeFile;

/// A file of the suite.
pub struct SuiteFile {
    /// Such as `optional/id.json`.
    pub name: String,
    pub groups: Vec<Group>,
}

/// A schema and what it says of some instances.
pub struct Group {
    pub description: String,
    pub schema: Value,
    pub tests: Vec<Test>,
}

pub struct Test {
    pub description: String,
    pub data: Value,
    pub is_valid: bool,
}

/// All files, by name.
pub fn read() -> Vec<SuiteFile> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/json-schema-test-suite/draft2020-12");
    let mut paths = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of the suite") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                paths.push(path);
            }
        }
    }
    paths.sort();
    let files = paths.iter().map(|path| read_file(&root, path));
    files.collect()
}

fn read_file(root: &Path, path: &PathBuf) -> SuiteFile {
    let text = fs::read_to_string(path).expect("a file of the suite");
    let groups: Vec<Value> = serde_json::from_str(&text).expect("a list of groups");
    let name = path.strip_prefix(root).expect("inside the suite");
    SuiteFile {
        name: name.to_string_lossy().into_owned(),
        groups: groups.into_iter().map(group).collect(),
    }
}

fn group(mut group: Value) -> Group {
    let text = |value: &Value| value["description"].as_str().expect("a text").to_owned();
    let tests = group["tests"].as_array().expect("tests").iter();
    Group {
        description: text(&group),
        tests: tests
            .map(|test| Test {
                description: text(test),
                data: test["data"].clone(),
                is_valid: test["valid"].as_bool().expect("valid or not"),
            })
            .collect(),
        schema: group["schema"].take(),
    }
}

/// The name of a test, as tables write it.
pub fn test_name(file: &SuiteFile, group: &Group, test: &Test) -> String {
    format!(
        "{} :: {} :: {}",
        file.name, group.description, test.description
    )
}

/// Each file of the suite with its types, which say where objects are open, and with all instances as
/// literals.
pub fn proof_files(suite: &[SuiteFile]) -> Vec<TypeFile> {
    let options = RenderOptions::default()
        .open_objects(OpenObjects::Explicit)
        .max_bytes(1_000_000);
    let files = suite.iter().map(|file| {
        let mut types = TypeFile::new(file_name("suite", &file.name));
        for (number, group) in file.groups.iter().enumerate() {
            let name = format!("G{number}");
            let options = options.clone().alias_prefix(format!("{name}_"));
            let rendered = render_schema(&group.schema, &options);
            assert!(!rendered.is_cut, "{}", group.description);
            types.declare(
                &name,
                &rendered,
                &format!("{}: {}", file.name, group.description),
            );
            for test in &group.tests {
                types.assign(&name, &test.data, &test_name(file, group, test));
            }
        }
        types
    });
    files.collect()
}

/// The same types as they are declared to models, in both directions.
pub fn declared_files(suite: &[SuiteFile]) -> Vec<TypeFile> {
    let files = suite.iter().map(|file| {
        let mut types = TypeFile::new(file_name("declared", &file.name));
        for (number, group) in file.groups.iter().enumerate() {
            for (name, schema_use) in [("In", SchemaUse::Input), ("Out", SchemaUse::Output)] {
                let name = format!("{name}{number}");
                let options = RenderOptions::default()
                    .schema_use(schema_use)
                    .alias_prefix(format!("{name}_"));
                let rendered = render_schema(&group.schema, &options);
                types.declare(
                    &name,
                    &rendered,
                    &format!("{}: {}", file.name, group.description),
                );
            }
        }
        types
    });
    files.collect()
}

fn file_name(set: &str, name: &str) -> String {
    let flat = name.trim_end_matches(".json").replace('/', "-");
    format!("{set}-{flat}.ts")
}

/// What the compiler said of the instances.
pub struct Verdicts {
    /// Names of the values it rejected.
    pub rejected: BTreeSet<String>,
}

impl Verdicts {
    /// Valid instances that were rejected.
    pub fn wrongly_rejected(&self, suite: &[SuiteFile]) -> BTreeSet<String> {
        let mut wrong = BTreeSet::new();
        for file in suite {
            for group in &file.groups {
                for test in group.tests.iter().filter(|test| test.is_valid) {
                    let name = test_name(file, group, test);
                    if self.rejected.contains(&name) {
                        wrong.insert(name);
                    }
                }
            }
        }
        wrong
    }

    /// The table of what was accepted and rejected, file by file.
    pub fn table(&self, suite: &[SuiteFile]) -> String {
        let mut counted = BTreeMap::<&str, Counts>::new();
        let mut counts_of_all = Counts::default();
        let mut formats = Counts::default();
        let mut remote = Counts::default();
        for file in suite {
            let mut counts = Counts::default();
            for group in &file.groups {
                let counts = if leads_outside(&group.schema) {
                    &mut remote
                } else {
                    &mut counts
                };
                counts.schemas += 1;
                for test in &group.tests {
                    let is_rejected = self.rejected.contains(&test_name(file, group, test));
                    counts.add(test.is_valid, is_rejected);
                }
            }
            if is_format_assertion(&file.name) {
                formats.sum(&counts);
            } else {
                counts_of_all.sum(&counts);
                counted.insert(&file.name, counts);
            }
        }
        let mut table = format!(
            "{:<46}{:>8}{:>16}{:>18}\n",
            "file", "schemas", "valid accepted", "invalid rejected"
        );
        for (name, counts) in &counted {
            table.push_str(&counts.row(name));
        }
        table.push_str(&counts_of_all.row("all"));
        table.push_str(&formats.row("not in «all»: formats as assertions"));
        table.push_str(&remote.row("not in «all»: references to other documents"));
        let precision =
            100.0 * f64::from(counts_of_all.rejected) / f64::from(counts_of_all.invalid);
        table.push_str(&format!("precision of rejections: {precision:.1} %\n"));
        table
    }
}

/// Whether a schema refers to documents that are not there, of which nothing can be known.
fn leads_outside(schema: &Value) -> bool {
    let rendered = render_schema(schema, &RenderOptions::default());
    !rendered.unresolved_references.is_empty()
}

/// Whether a file tests `format` as an assertion, which it is not unless somebody asks for it.
fn is_format_assertion(name: &str) -> bool {
    name.starts_with("optional/format")
}

#[derive(Default)]
struct Counts {
    schemas: u32,
    valid: u32,
    accepted: u32,
    invalid: u32,
    rejected: u32,
}

impl Counts {
    fn add(&mut self, is_valid: bool, is_rejected: bool) {
        if is_valid {
            self.valid += 1;
            self.accepted += u32::from(!is_rejected);
        } else {
            self.invalid += 1;
            self.rejected += u32::from(is_rejected);
        }
    }

    fn sum(&mut self, other: &Self) {
        self.schemas += other.schemas;
        self.valid += other.valid;
        self.accepted += other.accepted;
        self.invalid += other.invalid;
        self.rejected += other.rejected;
    }

    fn row(&self, name: &str) -> String {
        format!(
            "{name:<46}{:>8}{:>16}{:>18}\n",
            self.schemas,
            format!("{}/{}", self.accepted, self.valid),
            format!("{}/{}", self.rejected, self.invalid)
        )
    }
}
