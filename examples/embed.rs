//! The smallest useful embedding: one tool, one script, one answer.
//!
//!     cargo run -q --release -p code-mode --example embed

use code_mode::{ExecuteRequest, FunctionHost, Session, ToolDefinition, ToolOutput};
use serde_json::{Value, json};

#[tokio::main]
pub async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let weather = ToolDefinition::function("weather", "Temperature in a city, in °C.");
    let host = FunctionHost::new().function(weather, |call| async move {
        let input: Value = call.input.parse()?;
        let degrees = input["city"].as_str().map_or(0, str::len);
        Ok(ToolOutput::from(
            json!({ "city": input["city"], "degrees": degrees }),
        ))
    });
    let tools = host.tools();
    let session = Session::new(host);

    // What a model would have sent: one program instead of three calls and an addition.
    let script = "
        const cities = ['Oslo', 'Lisbon', 'Reykjavik'];
        const found = await Promise.all(cities.map((city) => tools.weather({ city })));
        found.sort((a, b) => b.degrees - a.degrees);
        text(`warmest: ${found[0].city}, ${found[0].degrees} °C`);
    ";
    let request = ExecuteRequest::new(script).enabled_tools(tools);
    let response = session.execute(request).await?;
    println!("{}", response.text());
    assert_eq!(response.text(), "warmest: Reykjavik, 9 °C");
    Ok(())
}
