//! What happens when the host or the engine fails.

use code_mode::{
    CancellationToken, CellId, Host, Notification, Session, ToolCall, ToolError, ToolOutput,
};

use crate::probe::request;
use crate::support::text_items;

/// Panics wherever a host can.
struct Panicking;

impl Host for Panicking {
    async fn invoke_tool(
        &self,
        call: ToolCall,
        _: CancellationToken,
    ) -> Result<ToolOutput, ToolError> {
        let input: serde_json::Value = call.input.parse()?;
        assert!(input["panic"] != true, "as the script asked");
        Ok(ToolOutput::text("fine"))
    }

    async fn notify(&self, _: Notification, _: CancellationToken) {
        panic!("in notify");
    }

    async fn cell_closed(&self, _: CellId) {
        panic!("in cell_closed");
    }
}

/// Panics before there is a future.
struct PanickingAtOnce;

impl Host for PanickingAtOnce {
    #[allow(clippy::manual_async_fn)]
    fn invoke_tool(
        &self,
        _: ToolCall,
        _: CancellationToken,
    ) -> impl Future<Output = Result<ToolOutput, ToolError>> + Send {
        panic!("no future");
        #[allow(unreachable_code)]
        async {
            Ok(ToolOutput::text(""))
        }
    }
}

const CATCH: &str =
    "try { await tools.call({ panic: true }) } catch (e) { text(`${e.name}: ${e.message}`) }";

#[tokio::test]
async fn a_panic_in_a_tool_rejects_that_call_only() {
    let session = Session::new(Panicking);
    let script = format!("{CATCH}; text(await tools.call({{}}));");
    let response = session.execute(request(&script)).await.unwrap();
    assert_eq!(response.error_text(), None);
    let texts = text_items(&response);
    assert!(
        texts[0].contains("ToolError: the host's code panicked")
            && texts[0].contains("as the script asked"),
        "{texts:?}"
    );
    assert_eq!(texts[1], "fine");
}

#[tokio::test]
async fn a_panic_before_the_future_exists_rejects_that_call_only() {
    let session = Session::new(PanickingAtOnce);
    let response = session.execute(request(CATCH)).await.unwrap();
    let texts = text_items(&response);
    assert!(texts[0].contains("no future"), "{texts:?}");
}

#[tokio::test]
async fn panics_in_notify_and_cell_closed_harm_nobody() {
    let session = Session::new(Panicking);
    for _ in 0..2 {
        let response = session
            .execute(request("notify('x'); text('done')"))
            .await
            .unwrap();
        assert_eq!(text_items(&response), ["done"]);
    }
    session.shutdown().await;
}
