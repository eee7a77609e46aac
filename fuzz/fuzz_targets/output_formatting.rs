//! Any answer within any budget: nothing is torn, lost, out of order or over it.
#![no_main]

use std::sync::OnceLock;
use std::time::Duration;

use code_mode::{
    ContentItem, FormatOptions, FunctionHost, ImageDetail, RuntimeResponse, Session, StoredValues,
};
use libfuzzer_sys::arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use serde_json::json;

// The same that the tests of the crate hold answers to.
#[path = "../../crates/code-mode/tests/it/output/invariants.rs"]
mod invariants;

fuzz_target!(|data: &[u8]| {
    let mut u = Unstructured::new(data);
    if let Ok((response, budget, wall_time)) = answer(&mut u) {
        invariants::check(session(), &response, budget, wall_time);
    }
    let url = String::from_utf8_lossy(data);
    recording_stays(&format!("data:{url}"));
    recording_stays(&format!("data:audio/wav,RIFF....WAVE{url}"));
});

/// Whatever a recording says of its length, it is shown.
fn recording_stays(audio_url: &str) {
    let items = [ContentItem::Audio {
        audio_url: audio_url.to_owned(),
    }];
    let response = result(items.to_vec(), None);
    let options = FormatOptions::new(Duration::ZERO).max_tokens(1);
    let formatted = session().format(&response, options);
    assert_eq!(formatted.content_items[1..], items);
}

fn result(content_items: Vec<ContentItem>, error_text: Option<String>) -> RuntimeResponse {
    RuntimeResponse::Result {
        cell_id: "1".parse().expect("a number"),
        content_items,
        stored_values: StoredValues::default(),
        error_text,
    }
}

/// One for all: it has outputs to drop, too.
fn session() -> &'static Session {
    static SESSION: OnceLock<Session> = OnceLock::new();
    SESSION.get_or_init(|| Session::new(FunctionHost::new()))
}

fn answer(u: &mut Unstructured<'_>) -> Result<(RuntimeResponse, usize, Duration)> {
    let budget = match u.arbitrary()? {
        true => usize::from(u.arbitrary::<u8>()?),
        false => u.arbitrary()?,
    };
    let wall_time = Duration::new(u.arbitrary()?, u.int_in_range(0..=999_999_999)?);
    let cell_id = u
        .int_in_range(1..=u64::MAX)?
        .to_string()
        .parse()
        .expect("a number");
    let kind = u.int_in_range(0..=4)?;
    let error = text(u)?;
    let mut content_items = Vec::new();
    while !u.is_empty() && content_items.len() < 16 {
        content_items.push(item(u)?);
    }
    let response = match kind {
        0 => RuntimeResponse::Yielded {
            cell_id,
            content_items,
        },
        1 => RuntimeResponse::Terminated {
            cell_id,
            content_items,
        },
        _ => result(content_items, (kind == 2).then_some(error)),
    };
    Ok((response, budget, wall_time))
}

fn item(u: &mut Unstructured<'_>) -> Result<ContentItem> {
    Ok(match u.int_in_range(0..=7)? {
        0 => ContentItem::Image {
            image_url: format!("data:image/png,{}", u.arbitrary::<&str>()?),
            detail: ImageDetail::Low,
        },
        1 => ContentItem::Audio {
            audio_url: format!("data:audio/mpeg,{}", "x".repeat(8_000)),
        },
        2 => ContentItem::Resource {
            resource: json!({ "uri": u.arbitrary::<&str>()? }),
        },
        _ => ContentItem::Text { text: text(u)? },
    })
}

/// Any text without the character that markers begin with, once or many times.
fn text(u: &mut Unstructured<'_>) -> Result<String> {
    let times = *u.choose(&[1, 1, 1, 2, 50, 900])?;
    let length = u.int_in_range(0..=40)?.min(u.len());
    let text = String::from_utf8_lossy(u.bytes(length)?).replace('…', "→");
    Ok(text.repeat(times))
}
