//! `image`, `audio` and `forward_output`.

use super::tables::{self, shown};
use crate::support::{error, run};

#[tokio::test]
async fn media_helpers_take_and_refuse_what_the_table_says() {
    tables::check(include_str!("media.txt")).await;
}

#[tokio::test]
async fn a_detail_of_null_or_undefined_is_not_given() {
    let script = "for (const none of [null, undefined]) {
                      image('data:,x', none);
                      image({ image_url: 'data:,x', detail: none }, none);
                      image({ image_url: 'data:,x', detail: 'low' }, none);
                  }";
    let items: Vec<_> = run(script)
        .await
        .content_items()
        .iter()
        .map(shown)
        .collect();
    let expected = [
        "image high data:,x",
        "image high data:,x",
        "image low data:,x",
    ];
    assert_eq!(items, [expected, expected].concat());
}

#[tokio::test]
async fn a_detail_may_be_any_of_the_four_names_in_any_case() {
    let script =
        "for (const detail of ['auto', 'LOW', 'High', 'oRiGiNaL']) image('data:,x', detail);";
    let items: Vec<_> = run(script)
        .await
        .content_items()
        .iter()
        .map(shown)
        .collect();
    assert_eq!(
        items,
        ["auto", "low", "high", "original"].map(|detail| format!("image {detail} data:,x"))
    );
}

#[tokio::test]
async fn a_tool_result_is_forwarded_as_it_came() {
    let script = "const content = [
                      { type: 'text', text: 'before' },
                      { type: 'image', data: 'QUJD', mimeType: 'image/png', _meta: { 'codex/imageDetail': 'original' } },
                      { type: 'audio', data: 'QUJD', mimeType: 'audio/wav' },
                      { type: 'text', text: 'after' },
                  ];
                  forward_output(await tools.echo({ content, isError: false }));";
    let items: Vec<_> = run(script)
        .await
        .content_items()
        .iter()
        .map(shown)
        .collect();
    assert_eq!(
        items,
        [
            "before",
            "image original data:image/png;base64,QUJD",
            "audio data:audio/wav;base64,QUJD",
            "after"
        ]
    );
}

#[tokio::test]
async fn a_refusal_nobody_caught_says_where() {
    let error = error("\nimage('https://example.com/a.png');").await;
    assert!(
        error.starts_with("TypeError: remote image URLs are not supported"),
        "{error}"
    );
    assert!(
        error.ends_with(
            "\n    at exec_main.mjs:2:1\n\n2 | image('https://example.com/a.png');\n  | ^"
        ),
        "{error}"
    );
}
