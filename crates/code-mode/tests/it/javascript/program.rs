//! What a program is and how it ends.

use crate::support::texts;

#[tokio::test]
async fn a_script_is_a_module_with_top_level_await() {
    assert_eq!(
        texts("const { x } = await tools.echo({ x: 3 }); text(x);").await,
        ["3"]
    );
}
