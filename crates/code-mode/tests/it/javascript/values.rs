//! The table "Values to text".

use super::tables;
use crate::support::texts;

#[tokio::test]
async fn values_become_the_texts_of_the_table() {
    tables::check(include_str!("values.txt")).await;
}

#[tokio::test]
async fn a_rendering_is_cut_at_64_kib_of_utf_8() {
    let script = "const many = (text) => Array.from({ length: 9 }, (_, i) => i + text);
                  text(new Set(many('x'.repeat(9000))));
                  text(new Set(many('é'.repeat(9000))));
                  const row = () => Array(100).fill('abc');
                  const plane = () => Array.from({ length: 100 }, row);
                  text(new Map(Array.from({ length: 100 }, (_, i) => [i, plane()])));";
    for text in texts(script).await {
        assert!(text.ends_with('…'), "{}", &text[text.len() - 20..]);
        let kept = text.len() - '…'.len_utf8();
        assert!((65_530..=65_536).contains(&kept), "{kept}");
    }
}

#[tokio::test]
async fn strings_and_json_are_never_cut() {
    let script = "text('x'.repeat(100000)); text({ s: 'x'.repeat(100000) });";
    let lengths: Vec<_> = texts(script).await.iter().map(String::len).collect();
    assert_eq!(lengths, [100_000, 100_008]);
}

#[tokio::test]
async fn a_getter_that_asks_for_the_same_rendering_again_comes_to_an_end() {
    for script in [
        "const o = { get a() { console.log(o); }, b: 1n }; console.log(o);",
        "const m = new Map([[1, { get a() { text(m); }, get b() { text(m); } }]]); text(m);",
    ] {
        let texts = texts(script).await;
        assert!(texts.len() < 1000, "{}", texts.len());
        let last = texts.last().unwrap();
        assert!(last.contains("a: undefined"), "{last}");
    }
}
