use proptest::prelude::*;

use super::*;

fn detail(task: &Value) -> Result<TaskDetail, String> {
    let body = json!({ "total": "1", "errors": [], "tasklist": [task], "result": true });
    read_detail(&HttpResponse { status: 200, retry_after_seconds: None, body: Some(body.to_string()) })
}

fn read(task: &Value) -> Result<RemoteStatus, String> {
    detail(task).map(|detail| detail.state)
}

fn failed(cause: &'static str) -> RemoteStatus {
    RemoteStatus::Failed { cause, reason: None, total_cost: None }
}

#[test]
fn a_finished_job_may_have_strings_or_numbers() {
    let url = "https://cdn1.wiro.ai/a/0.mp4";
    for (pexit, size, cost) in
        [(json!("0"), json!("202472"), json!("0.280000000000")), (json!(0), json!(202_472), json!(0.28))]
    {
        let task = json!({
            "status": "task_postprocess_end", "pexit": pexit, "totalcost": cost, "guestid": null,
            "outputs": [{ "url": url, "size": size, "ispublic": 0 }],
        });
        let output = TaskOutput { url: url.to_owned(), size: Some(202_472) };
        let total_cost = Some("0.28".to_owned());
        assert_eq!(read(&task), Ok(RemoteStatus::Succeeded { output, total_cost }));
    }
}

#[test]
fn an_end_without_a_video_is_a_failure() {
    let end = |pexit: Value, outputs: Value| json!({ "status": "task_postprocess_end", "pexit": pexit, "outputs": outputs });
    let outputs = json!([{ "url": "https://cdn1.wiro.ai/0.mp4" }]);
    assert_eq!(read(&end(json!("1"), outputs.clone())), Ok(failed("pexit is not 0")));
    assert_eq!(read(&end(json!(null), outputs)), Ok(failed("pexit is not 0")));
    for none in [json!([]), json!(null), json!("x"), json!([null]), json!([{ "url": null }])] {
        assert_eq!(read(&end(json!("0"), none)), Ok(failed("no output")));
    }
}

#[test]
fn other_statuses_are_work_in_progress() {
    let working = |status: &str| Ok(RemoteStatus::Working { status: status.to_owned(), error_output: None });
    assert_eq!(read(&json!({ "status": "task_end", "pexit": "0" })), working("task_end"));
    assert_eq!(read(&json!({ "status": "task_new_thing" })), working("task_new_thing"));
    assert_eq!(read(&json!({ "status": "<b>hi</b>\n" })), working("bhib"));
    assert_eq!(read(&json!({ "status": "☃" })), working("unknown"));
    assert_eq!(read(&json!({ "status": 7 })), working("7"));
    assert_eq!(read(&json!({ "status": "task_cancel" })), Ok(RemoteStatus::Cancelled { total_cost: None }));
    let charged = json!({ "status": "task_cancel", "totalcost": "0.140000000000" });
    assert_eq!(read(&charged), Ok(RemoteStatus::Cancelled { total_cost: Some("0.14".to_owned()) }));
}

#[test]
fn answers_without_a_task_are_errors() {
    assert!(read(&json!({ "status": null })).is_err());
    assert!(read(&json!("x")).is_err());
    for (status, body) in [
        (500, r#"{"result":true,"tasklist":[{"status":"task_cancel"}]}"#),
        (200, r#"{"result":true,"tasklist":[]}"#),
        (200, r#"{"result":false,"errors":[{"code":1,"message":"gone"}]}"#),
        (200, "<html>"),
    ] {
        let http = HttpResponse { status, retry_after_seconds: None, body: Some(body.to_owned()) };
        assert!(read_detail(&http).is_err(), "{status} {body}");
    }
}

#[test]
fn costs_are_decimal_strings() {
    for (given, shown) in [("0.003510000000", "0.00351"), ("1", "1.00"), ("0.3", "0.30"), ("12.50", "12.50")]
    {
        assert_eq!(decimal(given).as_deref(), Some(shown));
    }
    for bad in ["", "x", "-1", "1e5", ".5", "1.2.3", "NaN"] {
        assert_eq!(decimal(bad), None, "{bad}");
    }
}

#[test]
fn detail_uses_the_token_or_else_the_id() {
    let name =
        |token: Option<&str>| RemoteTaskRef { task_id: "1".to_owned(), token: token.map(str::to_owned) };
    assert_eq!(name(Some("t")).detail_body(), r#"{"tasktoken":"t"}"#);
    assert_eq!(name(None).detail_body(), r#"{"taskid":"1"}"#);
    assert_eq!(name(Some("t")).stop_body(), r#"{"socketaccesstoken":"t","taskid":"1"}"#);
    assert_eq!(name(Some("t")).purge_body().as_deref(), Some(r#"{"tasktoken":"t"}"#));
    assert_eq!(name(None).stop_body(), r#"{"taskid":"1"}"#);
    assert_eq!(name(None).purge_body(), None);
}

#[test]
fn a_queued_job_is_cancelled_and_a_running_one_killed() {
    assert_eq!(Stop::ways("task_queue").map(Stop::path), ["/Task/Cancel", "/Task/Kill"]);
    assert_eq!(Stop::ways("task_output").map(Stop::path), ["/Task/Kill", "/Task/Cancel"]);
}

#[test]
fn the_video_is_chosen_by_its_type() {
    let chosen = |outputs: Value| match read(&json!({
        "status": "task_postprocess_end", "pexit": "0", "outputs": outputs,
    })) {
        Ok(RemoteStatus::Succeeded { output, .. }) => Some(output.url),
        _ => None,
    };
    let url = |name: &str| format!("https://cdn1.wiro.ai/{name}");
    let entry = |name: &str, kind: &str| json!({ "name": name, "contenttype": kind, "url": url(name) });
    let raw = json!({ "contenttype": "raw", "content": {} });
    let preview = || entry("preview.png", "image/png");
    for (outputs, expected) in [
        (json!([raw, preview(), entry("0.mp4", "video/mp4")]), "0.mp4"),
        (json!([preview(), entry("0", "video/quicktime")]), "0"),
        (json!([preview(), entry("0.MP4?v=1", "application/octet-stream")]), "0.MP4?v=1"),
        (json!([raw, entry("0.bin", "")]), "0.bin"),
        (json!([{ "contenttype": "video/mp4" }, entry("1.mp4", "video/mp4")]), "1.mp4"),
    ] {
        assert_eq!(chosen(outputs), Some(url(expected)), "{expected}");
    }
    assert_eq!(chosen(json!([raw])), None);
}

#[test]
fn failed_and_stuck_jobs_have_a_reason() {
    let task = json!({
        "status": "task_postprocess_end", "pexit": "1", "totalcost": "0.28", "outputs": [],
        "debugerror": "Loading\nThe prompt was refused by moderation.",
    });
    let reason = Some("Loading The prompt was refused by moderation.".to_owned());
    let total_cost = Some("0.28".to_owned());
    assert_eq!(read(&task), Ok(RemoteStatus::Failed { cause: "pexit is not 0", reason, total_cost }));
    let stuck = json!({ "status": "task_error", "pexit": "", "debugerror": "Output folder creation failed" });
    let error_output = Some("Output folder creation failed".to_owned());
    assert_eq!(read(&stuck), Ok(RemoteStatus::Working { status: "task_error".to_owned(), error_output }));
    let warned = json!({ "status": "task_start", "debugerror": "UserWarning" });
    assert_eq!(
        read(&warned),
        Ok(RemoteStatus::Working { status: "task_start".to_owned(), error_output: None })
    );
}

#[test]
fn images_are_counted_in_the_parameters() {
    let pictures = |parameters: Value| {
        detail(&json!({ "status": "task_start", "parameters": parameters })).unwrap().pictures
    };
    let link = "https://api.wiro.ai/v1/File/x/inputImage-1.png";
    assert_eq!(pictures(json!({ "prompt": "a", "inputImage": link })), Some(1));
    assert_eq!(
        pictures(json!(json!({ "inputImageFirst": [link], "inputImageLast": link }).to_string())),
        Some(2)
    );
    assert_eq!(pictures(json!({ "start": link, "callbackUrl": link })), Some(1));
    assert_eq!(pictures(json!({ "prompt": "a", "inputImage": "", "inputImageUrl": null, "x": [] })), Some(0));
    assert_eq!(pictures(json!({})), Some(0));
    for unknown in [json!(null), json!("later"), json!([]), json!(7)] {
        assert_eq!(pictures(unknown), None);
    }
}

proptest! {
    #[test]
    fn arbitrary_tasks_do_not_panic(status in ".{0,60}", pexit in ".{0,6}", size in ".{0,30}", cost in ".{0,30}") {
        let _ = read(&json!({
            "status": status, "pexit": pexit, "totalcost": cost,
            "outputs": [{ "url": "https://a/", "size": size }],
        }));
        let _ = read(&json!({
            "status": "task_postprocess_end", "pexit": "0", "totalcost": cost,
            "outputs": [{ "url": "https://a/", "size": size }],
        }));
    }
}
