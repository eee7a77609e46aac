//! Values between the host and scripts, and from scripts to text, in real cells of one session.
//!
//! The first byte says what: a JSON value there and back, any text there and back, or expressions to be
//! put into words.
#![no_main]

use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use code_mode::{
    ExecuteRequest, FunctionHost, Limits, RuntimeResponse, Session, ToolDefinition, ToolError,
    ToolOutput, ToolSet,
};
use code_mode_fuzz::expressions::{expression, literal};
use code_mode_fuzz::json;
use libfuzzer_sys::arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::runtime::Runtime;

fuzz_target!(|data: &[u8]| {
    let _ = convert(&mut Unstructured::new(data));
});

fn convert(u: &mut Unstructured<'_>) -> Result<()> {
    match u.int_in_range(0..=3)? {
        0 => json_there_and_back(&json::value(u)?),
        1 => {
            let text = String::from_utf8_lossy(u.bytes(u.len())?).into_owned();
            text_there_and_back(&text);
        }
        _ => {
            let mut script = String::new();
            for _ in 0..u.int_in_range(1..=4)? {
                script.push_str(&shown(u)?);
            }
            ends_well_or_badly(&script);
        }
    }
    Ok(())
}

/// The session of all scripts, and what its tools are given and give.
struct Stage {
    runtime: Runtime,
    session: Session,
    tools: ToolSet,
    given: Arc<Mutex<ToolOutput>>,
    taken: Arc<Mutex<Vec<String>>>,
}

static STAGE: LazyLock<Stage> = LazyLock::new(|| {
    let given = Arc::new(Mutex::new(ToolOutput::text("")));
    let taken = Arc::new(Mutex::new(Vec::new()));
    let (gives, takes, hears) = (given.clone(), taken.clone(), taken.clone());
    let host = FunctionHost::new()
        .function(ToolDefinition::function("give", ""), move |_| {
            let output = gives.lock().unwrap().clone();
            async move { Ok(output) }
        })
        .function(ToolDefinition::function("take", ""), move |call| {
            takes.lock().unwrap().push(call.input.to_json());
            async move {
                let arguments: Value = call.input.parse()?;
                assert!(arguments.is_object(), "{arguments}");
                let json = RawValue::from_string(call.input.to_json());
                json.map(ToolOutput::from)
                    .map_err(|error| ToolError::new(error.to_string()))
            }
        })
        .function(ToolDefinition::freeform("hear", ""), move |call| {
            let text: std::result::Result<String, _> = call.input.parse();
            if let Ok(text) = &text {
                hears.lock().unwrap().push(text.clone());
            }
            async move { text.map(ToolOutput::text) }
        });
    let tools = host.tools();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    // Some expressions are large: the limits end them.
    let limits = Limits::default()
        .cpu_time(Duration::from_millis(500))
        .heap_bytes(64 << 20);
    let session = runtime.block_on(async { Session::builder().limits(limits).build(host) });
    Stage {
        runtime,
        session,
        tools,
        given,
        taken,
    }
});

impl Stage {
    fn run(&self, script: &str) -> RuntimeResponse {
        self.taken.lock().unwrap().clear();
        let request = ExecuteRequest::new(script)
            .enabled_tools(self.tools.clone())
            .yield_time_ms(60_000);
        let response = self
            .runtime
            .block_on(self.session.execute(request))
            .expect("the cell starts");
        assert!(
            matches!(response, RuntimeResponse::Result { .. }),
            "did not end: {script}"
        );
        if let Some(error) = response.error_text() {
            let is_ours = error.contains("this cell is lost");
            assert!(!is_ours, "{error}\nof: {script}");
        }
        response
    }

    /// Runs a script that succeeds; its texts.
    fn texts(&self, script: &str) -> Vec<String> {
        let response = self.run(script);
        assert_eq!(response.error_text(), None, "of: {script}");
        let items = response.content_items().iter();
        items
            .map(|item| match item {
                code_mode::ContentItem::Text { text } => text.clone(),
                other => panic!("no text: {other:?}"),
            })
            .collect()
    }
}

/// From the host, through a tool's result, arguments, a stored value and text.
fn json_there_and_back(value: &Value) {
    let stage = &*STAGE;
    let script = "const v = await tools.give();
        store('v', v);
        text(JSON.stringify(v));
        text(JSON.stringify(load('v')));
        text(JSON.stringify((await tools.take({ v })).v));
        text(v);";
    let give = |value: &Value| {
        *stage.given.lock().unwrap() = ToolOutput::from(value.clone());
        stage.texts(script)
    };
    let texts = give(value);
    let canonical = &texts[0];
    assert_eq!(&texts[1], canonical, "stored");
    assert_eq!(&texts[2], canonical, "as an argument");
    assert_eq!(
        stage.taken.lock().unwrap()[0],
        format!("{{\"v\":{canonical}}}")
    );
    match value {
        Value::String(text) => assert_eq!(&texts[3], text),
        Value::Number(_) | Value::Bool(_) | Value::Null | Value::Array(_) | Value::Object(_) => {
            assert_eq!(&texts[3], canonical);
        }
    }
    let back: Value = serde_json::from_str(canonical).expect("JSON");
    assert!(is_same(value, &back), "{value} became {back}");
    let json = RawValue::from_string(canonical.clone()).expect("JSON");
    *stage.given.lock().unwrap() = ToolOutput::from(json);
    assert_eq!(stage.texts(script)[..3], texts[..3], "the second time");
}

/// Whether two values are the same to JavaScript, whose numbers are doubles and whose objects put
/// indices first.
fn is_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => {
            let (one, other) = (one.as_f64().unwrap(), other.as_f64().unwrap());
            // Reading a number back here may be off by the last bit.
            one == other || ((one - other) / one).abs() < 1e-15
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len()
                && one
                    .iter()
                    .zip(other)
                    .all(|(one, other)| is_same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one
                    .iter()
                    .all(|(name, one)| other.get(name).is_some_and(|other| is_same(one, other)))
        }
        _ => one == other,
    }
}

/// Through a freeform tool, a literal, a stored value and a notification.
fn text_there_and_back(text: &str) {
    let stage = &*STAGE;
    *stage.given.lock().unwrap() = ToolOutput::text(text);
    let script = format!(
        "const s = await tools.give();
        store('s', s);
        text(s);
        text({});
        text(await tools.hear(s));
        text(load('s'));
        console.log(s);",
        serde_json::Value::from(text)
    );
    let texts = stage.texts(&script);
    assert!(
        texts.len() == 5 && texts.iter().all(|shown| shown == text),
        "{text:?}: {texts:?}"
    );
    assert_eq!(*stage.taken.lock().unwrap(), [text]);
}

/// A statement that puts an expression into words, or lets it out in another way.
fn shown(u: &mut Unstructured<'_>) -> Result<String> {
    let value = expression(u)?;
    let shown = match u.int_in_range(0..=11)? {
        0..=3 => format!("text({value})"),
        4 => format!("console.log({value}, {value})"),
        5 => format!("notify({value})"),
        6 => format!("store({}, {value}); load('a')", literal(&json::name(u)?)),
        7 => format!("await tools.take({value})"),
        8 => format!("await tools.hear({value})"),
        9 => format!("image({value}, {value})"),
        10 => format!("forward_output({value})"),
        _ => format!("throw ({value})"),
    };
    // One in eight fails the cell.
    Ok(match u.ratio(7, 8)? {
        true => format!("try {{ {shown} }} catch (error) {{ try {{ text(error) }} catch {{}} }}\n"),
        false => format!("{shown};\n"),
    })
}

fn ends_well_or_badly(script: &str) {
    STAGE.run(script);
}
