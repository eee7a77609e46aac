//! A script sent as one Markdown code fence.

use crate::support::{error, texts};

#[tokio::test]
async fn the_inside_of_one_fence_runs() {
    for script in [
        "```\ntext(1)\n```",
        "```js\ntext(1)\n```",
        "```javascript\ntext(1)\n```\n",
        "\n```mjs\r\ntext(1)\r\n```\r\n",
        "```ts\nconst n: number = 1;\ntext(n)\n```",
        "```typescript\ntext(1 as number)\n```",
        "````js\ntext(1) // ```\n````",
        "// @exec: {\"yield_time_ms\": 1000}\n```js\ntext(1)\n```",
    ] {
        assert_eq!(texts(script).await, ["1"], "{script}");
    }
}

#[tokio::test]
async fn lines_and_columns_are_those_of_the_text_sent() {
    let told = error("\n  ```js\n\n  null.x;\n```").await;
    assert_eq!(
        told,
        "TypeError: Cannot read properties of null (reading 'x')\n    at exec_main.mjs:4:8\n\n\
         4 |   null.x;\n  |        ^"
    );
    let told = error("```js\nconst x = ;\n```").await;
    assert!(told.contains("exec_main.mjs:2:11"), "{told}");
    let told = error("\u{a0}```ts\nenum A {}\n```").await;
    assert!(told.contains("exec_main.mjs:2:1\n"), "{told}");
    let told = error("```ts\nawait new Promise(() => {}) as T\n```").await;
    assert!(
        told.contains("2 | await new Promise(() => {}) as T"),
        "{told}"
    );
}

#[tokio::test]
async fn anything_but_exactly_one_fence_is_no_fence() {
    for script in [
        "```python\nprint(1)\n```",
        "Run this:\n```js\ntext(1)\n```",
        "```js\ntext(1)\n```\n```js\ntext(2)\n```",
        "```js\ntext(1)",
    ] {
        let told = error(script).await;
        assert!(told.contains("Error"), "{script}: {told}");
    }
    assert_eq!(texts("text(`\n\\`\\`\\`\n`.length)").await, ["5"]);
}
