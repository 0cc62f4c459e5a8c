use super::*;

const STATELESS: &str = "2026-07-28";

fn meta(version: &str) -> Value {
    json!({ PROTOCOL_VERSION: version, CLIENT_CAPABILITIES: {} })
}

fn body(method: &str, params: &Value) -> Vec<u8> {
    json!({ "jsonrpc": "2.0", "id": 7, "method": method, "params": params }).to_string().into_bytes()
}

/// The headers that go with a method and a name.
fn headers<'a>(method: &'a str, name: Option<&'a str>) -> Headers<'a> {
    Headers { version: Some(STATELESS), method: Some(method), name }
}

fn failure(body: &[u8], headers: Headers<'_>) -> (u16, Value) {
    let failure = read(body, headers).unwrap_err();
    (failure.status, failure.body())
}

/// Status, code and id of the refusal.
fn refused(body: &[u8], headers: Headers<'_>) -> (u16, i64, Option<Value>) {
    let (status, body) = failure(body, headers);
    (status, body["error"]["code"].as_i64().unwrap(), body.get("id").cloned())
}

fn request_of(body: &[u8], headers: Headers<'_>) -> Request {
    match read(body, headers).unwrap() {
        Message::Request(request) => request,
        Message::Notification => panic!("a notification"),
    }
}

#[test]
fn a_stateless_call_is_read() {
    let params = json!({ "name": "get_video", "arguments": { "id": "a" }, "_meta": meta(STATELESS) });
    let request = request_of(&body("tools/call", &params), headers("tools/call", Some("get_video")));
    let arguments = Map::from_iter([("id".to_owned(), json!("a"))]);
    assert_eq!(request.method, Method::CallTool { name: "get_video".to_owned(), arguments });
    assert_eq!((request.version, request.id, request.progress_token), (Version::V2026_07_28, json!(7), None));
}

#[test]
fn headers_must_say_what_the_body_says() {
    let params = json!({ "name": "é", "_meta": meta(STATELESS) });
    let call = body("tools/call", &params);
    let encoded = Some("=?base64?w6k=?=");
    assert!(read(&call, headers("tools/call", encoded)).is_ok());
    let wrong = [
        Headers { version: None, ..headers("tools/call", encoded) },
        Headers { version: Some("2025-11-25"), ..headers("tools/call", encoded) },
        Headers { method: None, ..headers("tools/call", encoded) },
        headers("tools/list", encoded),
        headers("Tools/Call", encoded),
        headers("tools/call", None),
        headers("tools/call", Some("e")),
        headers("tools/call", Some("=?base64?w6k?=")),
        headers("tools/call", Some("=?base64?/w==?=")),
    ];
    for headers in wrong {
        assert_eq!(refused(&call, headers), (400, -32020, Some(json!(7))), "{headers:?}");
    }
}

#[test]
fn a_stateless_request_says_who_asks() {
    let refusal = |meta: Value| {
        let list = body("tools/list", &json!({ "_meta": meta }));
        refused(&list, headers("tools/list", None))
    };
    let invalid = (400, -32602, Some(json!(7)));
    assert_eq!(refusal(json!({})), invalid);
    assert_eq!(refusal(json!("meta")), invalid);
    assert_eq!(refusal(json!({ PROTOCOL_VERSION: 3 })), invalid);
    assert_eq!(refusal(json!({ PROTOCOL_VERSION: STATELESS })), invalid);
    assert_eq!(refusal(json!({ PROTOCOL_VERSION: STATELESS, CLIENT_CAPABILITIES: [] })), invalid);
    let mut named = meta(STATELESS);
    named[CLIENT_INFO] = json!({ "name": "a" });
    assert_eq!(refusal(named), invalid);
}

#[test]
fn an_unknown_version_is_told_the_known_ones() {
    let version = Some("2031-01-01");
    let unknown = body("tools/list", &json!({ "_meta": meta("2031-01-01") }));
    let (status, body) = failure(&unknown, Headers { version, ..headers("tools/list", None) });
    assert_eq!((status, &body["error"]["code"]), (400, &json!(-32022)));
    assert_eq!(body["error"]["data"], json!({ "supported": VERSIONS, "requested": "2031-01-01" }));
    let list = br#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
    let headers = Headers { version: Some("2025-03-26"), ..Headers::default() };
    assert_eq!(refused(list, headers), (400, -32022, Some(json!(1))));
    assert_eq!(refused(br#"{"jsonrpc":"2.0","method":"a"}"#, headers), (400, -32022, None));
}

#[test]
fn initialize_agrees_on_a_version() {
    let agreed = |asked: Value| {
        let request = request_of(&body("initialize", &asked), Headers::default());
        assert_eq!(request.method, Method::Initialize);
        request.version.to_string()
    };
    assert_eq!(agreed(json!({ "protocolVersion": "2025-06-18" })), "2025-06-18");
    assert_eq!(agreed(json!({ "protocolVersion": "2025-11-25" })), "2025-11-25");
    for asked in
        [json!({ "protocolVersion": "2024-11-05" }), json!({ "protocolVersion": STATELESS }), json!({})]
    {
        assert_eq!(agreed(asked), "2025-11-25");
    }
    let asked = json!({ "protocolVersion": "2025-11-25" });
    assert_eq!(refused(&body("initialize", &asked), headers("initialize", None)).1, -32020);
    let stateless = body("initialize", &json!({ "_meta": meta(STATELESS) }));
    assert_eq!(refused(&stateless, headers("initialize", None)), (404, -32601, Some(json!(7))));
}

#[test]
fn earlier_versions_need_no_headers() {
    for version in [None, Some("2025-06-18"), Some("2025-11-25")] {
        let headers = Headers { version, method: Some("something/else"), name: None };
        let request = request_of(&body("tools/list", &json!({})), headers);
        assert_eq!(request.method, Method::ListTools);
        assert_eq!(request.version, version.and_then(Version::parse).unwrap_or(Version::V2025_06_18));
    }
    assert_eq!(request_of(&body("ping", &json!({})), Headers::default()).method, Method::Ping);
}

#[test]
fn each_version_has_its_methods() {
    let earlier = |method| refused(&body(method, &json!({})), Headers::default());
    for method in ["server/discover", "subscriptions/listen", "prompts/list", "resources/read", ""] {
        assert_eq!(earlier(method), (200, -32601, Some(json!(7))), "{method}");
    }
    let stateless =
        |method| refused(&body(method, &json!({ "_meta": meta(STATELESS) })), headers(method, None));
    for method in ["ping", "prompts/list", "tools/other"] {
        assert_eq!(stateless(method), (404, -32601, Some(json!(7))), "{method}");
    }
}

#[test]
fn what_is_no_message_is_refused() {
    for (body, code) in [
        ("", -32700),
        ("{", -32700),
        ("\u{0}", -32700),
        ("[]", -32600),
        (r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, -32600),
        ("7", -32600),
        ("{}", -32600),
        (r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#, -32600),
        (r#"{"id":1,"method":"ping"}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":1,"result":{}}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":1,"method":7}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#, -32600),
    ] {
        assert_eq!(refused(body.as_bytes(), Headers::default()), (400, code, None), "{body}");
    }
    let params = br#"{"jsonrpc":"2.0","id":"a","method":"ping","params":[]}"#;
    assert_eq!(refused(params, Headers::default()), (400, -32602, Some(json!("a"))));
    let deep = format!("{}1{}", "[".repeat(5000), "]".repeat(5000));
    assert_eq!(refused(deep.as_bytes(), Headers::default()).1, -32700);
    assert_eq!(refused(b"\xff", Headers::default()).1, -32700);
}

#[test]
fn a_notification_is_only_taken() {
    for text in [
        r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#,
    ] {
        assert_eq!(read(text.as_bytes(), Headers::default()), Ok(Message::Notification));
        assert_eq!(read(text.as_bytes(), headers("other", None)), Ok(Message::Notification));
    }
}

#[test]
fn calls_are_checked() {
    for params in [json!({}), json!({ "name": 3 }), json!({ "name": "a", "arguments": [] })] {
        assert_eq!(refused(&body("tools/call", &params), Headers::default()), (200, -32602, Some(json!(7))));
    }
    assert_eq!(refused(&body("tools/list", &json!({ "cursor": "a" })), Headers::default()).1, -32602);
    let call = body("tools/call", &json!({ "name": "a", "arguments": null }));
    let method = Method::CallTool { name: "a".to_owned(), arguments: Map::new() };
    assert_eq!(request_of(&call, Headers::default()).method, method);
}

#[test]
fn a_progress_token_is_a_string_or_an_integer() {
    let token = |token: Value| {
        let params = json!({ "name": "a", "_meta": { "progressToken": token } });
        request_of(&body("tools/call", &params), Headers::default()).progress_token
    };
    assert_eq!(token(json!("a")), Some(json!("a")));
    assert_eq!(token(json!(0)), Some(json!(0)));
    assert_eq!(token(json!(0.5)), None);
    assert_eq!(token(json!(null)), None);
}
