//! The embeddings under `examples/` run, and their own assertions hold.

#[path = "../../../../examples/embed.rs"]
mod embed;
#[path = "../../../../examples/watching.rs"]
mod watching;

#[test]
fn embed_runs() {
    embed::main().expect("the example succeeds");
}

#[test]
fn watching_runs() {
    watching::main().expect("the example succeeds");
}

/// A file of the repository.
fn repository_file(path: &str) -> String {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    std::fs::read_to_string(format!("{root}/{path}")).expect("the file is there")
}

#[test]
fn the_readme_shows_the_embedding_as_it_is() {
    let example = repository_file("examples/embed.rs");
    let (_, code) = example
        .split_once("\n\n")
        .expect("a comment, then the code");
    assert!(repository_file("README.md").contains(code));
}

#[test]
fn the_readme_runs_the_report_as_its_comment_says() {
    let readme = repository_file("README.md");
    let script = repository_file("examples/repo_report.js");
    let command: Vec<&str> = script
        .lines()
        .filter_map(|line| line.strip_prefix("//     "))
        .collect();
    assert!(command.len() > 1, "{command:?}");
    assert!(readme.contains(&command.join("\n")), "{command:?}");
}
