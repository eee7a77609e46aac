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
