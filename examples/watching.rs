//! A host of one's own, a script that takes long, and somebody who watches it and then ends it.
//!
//!     cargo run -q --release -p code-mode --example watching

use code_mode::{
    CancellationToken, CellId, ExecuteRequest, Host, Limits, Notification, RuntimeResponse,
    Session, ToolCall, ToolDefinition, ToolError, ToolOutput, ToolSet, WaitRequest, WaitUntil,
};

/// Counts pages, and says what it hears.
struct Pages;

impl Host for Pages {
    async fn invoke_tool(
        &self,
        call: ToolCall,
        cancellation: CancellationToken,
    ) -> Result<ToolOutput, ToolError> {
        let page: u32 = call.input.parse::<serde_json::Value>()?["page"]
            .as_u64()
            .and_then(|page| page.try_into().ok())
            .ok_or_else(|| ToolError::new("page must be a small number"))?;
        if page > 3 {
            // A page that never comes: the call returns when its cell ends.
            cancellation.cancelled().await;
            return Err(ToolError::new("cancelled"));
        }
        Ok(ToolOutput::text(format!("page {page}")))
    }

    async fn notify(&self, notification: Notification, _: CancellationToken) {
        println!("cell {} says: {}", notification.cell_id, notification.text);
    }

    async fn cell_closed(&self, cell_id: CellId) {
        println!("cell {cell_id} is closed");
    }
}

#[tokio::main]
pub async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let tools = ToolSet::new([ToolDefinition::function("fetch_page", "Gives one page.")]);
    let session = Session::builder()
        .limits(Limits::default().heap_bytes(64 * 1024 * 1024))
        .build(Pages);

    let script = "
        notify('starting');
        for (let page = 1; ; page++) text(await tools.fetch_page({ page }));
    ";
    let started = session.start(ExecuteRequest::new(script).enabled_tools(tools))?;
    let mut response = started.until(WaitUntil::NewOutput).response().await;
    let mut pages = Vec::new();
    loop {
        pages.extend(response.content_items().to_vec());
        if pages.len() >= 3 {
            break;
        }
        let wait = WaitRequest::new(response.cell_id()).until(WaitUntil::NewOutput);
        response = session.wait(wait).await?;
    }
    println!("read {} pages; that is enough", pages.len());

    let end = session
        .wait(WaitRequest::terminate(response.cell_id()))
        .await?;
    assert!(matches!(end, RuntimeResponse::Terminated { .. }));
    session.shutdown().await;
    Ok(())
}
