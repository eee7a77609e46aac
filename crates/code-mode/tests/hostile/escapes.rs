//! Ways out of JavaScript sandboxes.
pub async fn run(_asked: impl Fn(&str) -> bool) -> Vec<String> {
    Vec::new()
}
pub fn names() -> impl Iterator<Item = String> {
    std::iter::empty()
}
