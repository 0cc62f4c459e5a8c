use super::*;

fn arguments(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        other => panic!("{other}"),
    }
}

fn fields(tool: &str, given: Value) -> Vec<String> {
    match action(tool, arguments(given)) {
        Err(CallError::Arguments(errors)) => {
            errors.into_iter().map(|error| format!("{} {}", error.field, error.message)).collect()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_tool_is_described_and_can_be_called() {
    let tools = list(&["hailuo-2.3", "other"]);
    let tools = tools.as_array().unwrap();
    assert_eq!(tools.len(), 7);
    for tool in tools {
        let name = tool["name"].as_str().unwrap();
        assert!(names().split(", ").any(|known| known == name));
        assert_eq!(tool["inputSchema"]["type"], "object", "{name}");
        assert_eq!(tool["inputSchema"]["additionalProperties"], false, "{name}");
        assert_eq!(tool["outputSchema"]["type"], "object", "{name}");
        for hint in ["readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"] {
            assert!(tool["annotations"][hint].is_boolean(), "{name} {hint}");
        }
        assert_ne!(action(name, Map::new()), Err(CallError::UnknownTool), "{name}");
    }
    let model = &tools[0]["inputSchema"]["properties"]["model"];
    assert_eq!((&model["enum"], &model["default"]), (&json!(["hailuo-2.3", "other"]), &json!("hailuo-2.3")));
    let filter = &tools[3]["inputSchema"]["properties"]["model"];
    assert_eq!((&filter["enum"], &filter["default"]), (&json!(["hailuo-2.3", "other"]), &Value::Null));
    assert_eq!(action("drop_video", Map::new()), Err(CallError::UnknownTool));
}

#[test]
fn what_is_said_of_arguments_is_what_is_read() {
    for tool in list(&[]).as_array().unwrap() {
        let name = tool["name"].as_str().unwrap();
        let properties = tool["inputSchema"]["properties"].as_object().unwrap();
        // The API knows the fields of a submit.
        if name == "create_video" {
            continue;
        }
        let Err(CallError::Arguments(errors)) = action(name, arguments(json!({ "id": "a", "what": 1 })))
        else {
            panic!("{name}");
        };
        let message = &errors.last().unwrap().message;
        let takes: Vec<&str> = properties.keys().map(String::as_str).collect();
        assert!(takes.iter().all(|property| message.contains(property)), "{message}");
    }
}

#[test]
fn a_submit_is_handed_on_without_what_is_ours() {
    let given =
        json!({ "prompt": "a", "seconds": 6, "idempotency_key": "k", "wait_seconds": "3", "model": null });
    let Ok(Action::Create { submit, key, wait_seconds }) = action("create_video", arguments(given)) else {
        panic!()
    };
    assert_eq!(Value::Object(submit), json!({ "prompt": "a", "seconds": 6 }));
    assert_eq!((key.as_deref(), wait_seconds), (Some("k"), 3));
    let Ok(Action::Create { key, wait_seconds, .. }) = action("create_video", Map::new()) else { panic!() };
    assert_eq!((key, wait_seconds), (None, MAX_WAIT_SECONDS));
}

#[test]
fn wrong_arguments_are_named() {
    assert_eq!(fields("get_video", json!({})), ["id is required: the id of a video, vid_…"]);
    assert_eq!(fields("get_video", json!({ "id": 3 })), ["id must be a string"]);
    assert_eq!(
        fields("get_video", json!({ "id": "a", "ID": "b" })),
        ["ID is not an argument; get_video takes id"]
    );
    assert_eq!(fields("list_models", json!({ "a": 1 })), ["a is not an argument; list_models takes nothing"]);
    for key in [json!(""), json!("a b"), json!("a\nb"), json!("é"), json!(7), json!("k".repeat(256))] {
        let message = "idempotency_key must be 1 to 255 visible ASCII characters";
        assert_eq!(fields("create_video", json!({ "idempotency_key": key })), [message]);
    }
    for seconds in [json!(46), json!(-1), json!(1.5), json!("soon"), json!(true), json!(1e12)] {
        let message = "wait_seconds must be a whole number from 0 to 45";
        assert_eq!(fields("wait_for_video", json!({ "id": "a", "wait_seconds": seconds })), [message]);
    }
}

#[test]
fn a_query_ends_where_its_parameter_ends() {
    let query = |given| match action("list_videos", arguments(given)) {
        Ok(Action::List { query }) => query,
        other => panic!("{other:?}"),
    };
    assert_eq!(query(json!({})), "");
    assert_eq!(
        query(json!({ "limit": 3, "after": "vid_a", "order": "asc" })),
        "limit=3&after=vid_a&order=asc"
    );
    assert_eq!(
        query(json!({ "created_after": 1_700_000_000, "model": "a/b", "status": "failed" })),
        "status=failed&model=a%2Fb&created_after=1700000000"
    );
    assert_eq!(query(json!({ "after": "a&limit=9#é" })), "after=a%26limit%3D9%23%C3%A9");
}
