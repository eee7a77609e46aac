//! Images, audio and resources in answers; what was cut, as a resource; the structured form.

use rmcp::model::{
    CallToolResult, ContentBlock, ReadResourceRequestParams, Resource, ResourceContents,
};
use serde_json::{Value, json};

use super::client::{Client, Identity, REVISIONS, Revision, result, structured, text};
use super::raw::RawClient;
use super::rig::{LONG_MS, Rig};

#[tokio::test]
async fn images_audio_and_resources_of_servers_reach_the_client_as_they_are() {
    let mut rig = Rig::new().await;
    for revision in REVISIONS {
        let client = rig.client(revision).await;
        let source = "forward_output(...await tools.mcp__test__held())";
        let running = client
            .begin(
                "exec",
                json!({ "source": source, "yield_time_ms": LONG_MS }),
            )
            .await;
        let link = Resource::new("file:///a.txt", "a")
            .with_mime_type("text/x")
            .with_size(7);
        let blocks = vec![
            ContentBlock::text("words"),
            ContentBlock::image("aGk=", "image/jpeg"),
            ContentBlock::audio("aGk=", "audio/mpeg"),
            ContentBlock::resource_link(link),
            ContentBlock::resource(ResourceContents::text("inside", "file:///b.txt")),
        ];
        let call = rig.server.call().await;
        let _ = call.answer.send(CallToolResult::success(blocks.clone()));
        let result = result(running).await;
        assert_eq!(result.content[1..], blocks[..]);
    }
}

#[tokio::test]
async fn a_data_url_becomes_an_image_and_says_its_detail_where_it_is_not_the_usual_one() {
    let rig = Rig::new().await;
    let client = rig.client(REVISIONS[0]).await;
    let result = client
        .exec("image('data:image/png;base64,aGk='); image('data:image/gif;base64,aGk=', 'low')")
        .await;
    let image = |block: &ContentBlock| json!(block);
    assert_eq!(
        image(&result.content[1]),
        json!({ "type": "image", "data": "aGk=", "mimeType": "image/png" })
    );
    assert_eq!(
        image(&result.content[2]),
        json!({ "type": "image", "data": "aGk=", "mimeType": "image/gif", "_meta": { "code-mode/detail": "low" } })
    );
}

#[tokio::test]
async fn clients_of_old_revisions_get_no_kind_of_content_that_those_did_not_have() {
    let rig = Rig::new().await;
    for (revision, kinds) in [
        ("2024-11-05", ["text", "image", "text", "text"]),
        ("2025-03-26", ["text", "image", "audio", "text"]),
        ("2025-06-18", ["text", "image", "audio", "resource_link"]),
        ("2025-11-25", ["text", "image", "audio", "resource_link"]),
    ] {
        let mut client = RawClient::of_revision(&rig, revision).await;
        let source = "image('data:image/png;base64,aGk='); audio('data:audio/wav;base64,aGk=');
            forward_output({ type: 'resource_link', uri: 'file:///a.txt', name: 'a' })";
        let result = client.call("exec", json!({ "source": source })).await;
        let found: Vec<Value> = result
            .content
            .iter()
            .map(|block| json!(block)["type"].clone())
            .collect();
        assert_eq!(found, kinds, "{revision}: {}", text(&result));
        if kinds[3] == "text" {
            assert!(text(&result).ends_with("[resource a: file:///a.txt]"));
        }
    }
}

async fn cut(client: &Client) -> CallToolResult {
    let source = "for (let i = 0; i < 1000; i++) text(`line ${i}`)";
    let arguments = json!({ "source": source, "max_output_tokens": 50 });
    client.call("exec", arguments).await
}

async fn read(client: &Client, uri: &str) -> Result<String, String> {
    let request = ReadResourceRequestParams::new(uri);
    match client.service.read_resource(request).await {
        Ok(result) => match &result.contents[..] {
            [ResourceContents::TextResourceContents { text, .. }] => Ok(text.clone()),
            other => panic!("one text, not {other:?}"),
        },
        Err(error) => Err(error.to_string()),
    }
}

#[tokio::test]
async fn output_that_was_cut_is_a_resource_of_the_session() {
    let rig = Rig::new().await;
    let http = rig.http(Default::default()).await;
    for revision in REVISIONS {
        for client in [
            rig.client(revision).await,
            http.client(Identity::of(revision)).await,
        ] {
            let result = cut(&client).await;
            assert!(text(&result).contains("Warning: truncated output"));
            let link = result
                .content
                .iter()
                .find_map(|block| block.as_resource_link());
            let link = link.expect("a link to the whole");
            let truncated = &structured(&result)["truncated"];
            assert_eq!(truncated["uri"], json!(link.uri));
            assert_eq!(truncated["handle"], "out-1-1");
            assert_eq!(truncated["lines"], 1000);
            let whole = read(&client, &link.uri).await.unwrap();
            assert_eq!(whole.lines().count(), 1000);
            assert_eq!(link.size, Some(whole.len() as u64));

            let other = rig.client(revision).await;
            let stranger = read(&other, &link.uri).await.unwrap_err();
            assert!(
                stranger.contains("out-1-1") || stranger.contains("no resource"),
                "{stranger}"
            );
        }
    }
}

#[tokio::test]
async fn the_resources_of_a_connection_are_the_outputs_that_are_kept() {
    let rig = Rig::new().await;
    for revision in REVISIONS {
        let client = rig.client(revision).await;
        assert!(
            client
                .service
                .list_all_resources()
                .await
                .unwrap()
                .is_empty()
        );
        cut(&client).await;
        let listed = client.service.list_all_resources().await.unwrap();
        assert_eq!(listed[0].uri, "code-mode://output/out-1-1");
        let none = read(&client, "code-mode://output/out-9-1")
            .await
            .unwrap_err();
        assert!(
            none.contains("no output \"out-9-1\" was ever kept"),
            "{none}"
        );
        let foreign = read(&client, "file:///etc/passwd").await.unwrap_err();
        assert!(
            foreign.contains("is no resource of this server"),
            "{foreign}"
        );
    }
}

#[tokio::test]
async fn the_structured_form_of_every_answer_fits_the_schema_that_is_published_for_it() {
    let mut rig = Rig::new().await;
    let http = rig.http(Default::default()).await;
    for revision in REVISIONS {
        for client in [
            rig.client(revision).await,
            http.client(Identity::of(revision)).await,
        ] {
            let tools = client.service.list_all_tools().await.unwrap();
            let schema = tools[0].output_schema.clone().unwrap();
            assert_eq!(tools[1].output_schema, Some(schema.clone()));
            let fits = jsonschema::validator_for(&Value::Object((*schema).clone())).unwrap();
            let check = |result: &CallToolResult, status: &str| {
                let form = structured(result);
                let wrong: Vec<String> = fits.iter_errors(form).map(|e| e.to_string()).collect();
                assert!(wrong.is_empty(), "{form}: {wrong:?}");
                assert_eq!(form["status"], status);
            };
            check(&client.exec("1").await, "completed");
            check(&client.exec("null.x").await, "failed");
            check(&cut(&client).await, "completed");
            let running = client
                .exec("yield_control(); await tools.mcp__test__held()")
                .await;
            check(&running, "running");
            let _held = rig.server.call().await;
            let mut terminate = structured(&running).clone();
            terminate
                .as_object_mut()
                .unwrap()
                .retain(|key, _| key == "cell_id" || key == "session");
            terminate["terminate"] = json!(true);
            check(&client.call("wait", terminate).await, "terminated");
        }
    }
    // And it is no schema that everything fits.
    let client = rig.client(Revision::V2025_11_25).await;
    let tools = client.service.list_all_tools().await.unwrap();
    let schema = Value::Object((**tools[0].output_schema.as_ref().unwrap()).clone());
    assert!(!jsonschema::is_valid(
        &schema,
        &json!({ "status": "odd", "cell_id": "1", "wall_time_ms": 1, "calls": [] })
    ));
}

#[tokio::test]
async fn an_answer_lists_the_newest_hundred_calls_since_the_last_and_counts_the_others() {
    let rig = Rig::new().await;
    let client = rig.client(REVISIONS[0]).await;
    let source = "for (let i = 0; i < 103; i++) await tools.mcp__test__echo({ text: 'x' });
        await tools.mcp__test__echo({ text: 1 }).catch(() => {});";
    let result = client
        .call(
            "exec",
            json!({ "source": source, "yield_time_ms": LONG_MS }),
        )
        .await;
    let form = structured(&result);
    assert_eq!(form["calls"].as_array().unwrap().len(), 100);
    assert_eq!(form["calls_omitted"], 4);
    let next = client.exec("1").await;
    assert_eq!(structured(&next)["calls"], json!([]));
    assert_eq!(structured(&next).get("calls_omitted"), None);
}
