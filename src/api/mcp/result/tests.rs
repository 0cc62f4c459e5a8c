use super::*;

fn video(status: &str) -> Value {
    json!({
        "id": "vid_a", "object": "video", "status": status, "stage": "task_start", "progress": 40,
        "queue_position": null, "prompt": "a heron", "seconds": "6", "size": "1366x768", "warnings": [],
        "output": null, "cost_usd": null, "error": null, "urls": { "content": null },
    })
}

fn texts(result: &Map<String, Value>) -> Vec<&str> {
    let content = result["content"].as_array().unwrap();
    content.iter().filter_map(|block| block.get("text")?.as_str()).collect()
}

#[test]
fn an_unfinished_video_says_what_to_ask_next() {
    let waited = of_video(video("in_progress"), Purpose::End);
    assert_eq!(waited["structuredContent"], video("in_progress"));
    assert_eq!(waited.get("isError"), None);
    let summary = texts(&waited)[0];
    assert!(
        summary.starts_with("Video vid_a is not finished: in_progress, stage task_start, 40 %."),
        "{summary}"
    );
    assert!(summary.contains("Call wait_for_video with the id vid_a"), "{summary}");
    assert!(summary.contains("Do not call create_video again"), "{summary}");
    let looked = of_video(video("in_progress"), Purpose::Look);
    assert!(!texts(&looked)[0].contains("wait_for_video"));
    assert_eq!(texts(&looked)[1], video("in_progress").to_string());
}

#[test]
fn a_completed_video_has_a_link() {
    let mut completed = video("completed");
    completed["urls"]["content"] = json!("https://a/content?grant=b");
    completed["output"] = json!({ "size": 12 });
    completed["cost_usd"] = json!("0.28");
    let result = of_video(completed, Purpose::End);
    let summary =
        "Video vid_a is completed (1366x768, 6 s). It cost $0.28. Play it: https://a/content?grant=b";
    assert_eq!(texts(&result)[0], summary);
    let link = &result["content"][2];
    assert_eq!((&link["type"], &link["uri"]), (&json!("resource_link"), &json!("https://a/content?grant=b")));
    assert_eq!((&link["mimeType"], &link["size"]), (&json!("video/mp4"), &json!(12)));
    assert_eq!((&link["name"], &link["title"]), (&json!("vid_a.mp4"), &json!("a heron")));
}

#[test]
fn a_failed_video_fails_the_call_that_waited_for_it() {
    let mut failed = video("failed");
    failed["error"] = json!({ "code": "generation_failed", "message": "no luck" });
    let result = of_video(failed.clone(), Purpose::End);
    assert_eq!(texts(&result)[0], "Video vid_a has failed: no luck (generation_failed).");
    assert_eq!(result["isError"], true);
    assert_eq!(of_video(failed, Purpose::Look).get("isError"), None);
}

#[test]
fn a_problem_names_every_field_and_the_wait() {
    let problem = json!({
        "code": "invalid_parameter", "detail": "prompt is required; duration must be 6 or 10", "request_id": "req_1",
        "errors": [{ "field": "prompt", "message": "is required" }, { "field": "duration", "message": "must be 6 or 10" }],
    });
    let result = of_problem(&problem, Some("60"));
    assert_eq!(result["isError"], true);
    assert_eq!(result.get("structuredContent"), None);
    let text = "invalid_parameter: prompt is required; duration must be 6 or 10\n- prompt is required\n\
                - duration must be 6 or 10\nTry again in 60 seconds, not earlier.\nRequest id: req_1";
    assert_eq!(texts(&result), [text]);
}

#[test]
fn progress_only_grows() {
    let mut progress = Progress::default();
    let mut at = |stage: &str, percent: u64| {
        let mut video = video("in_progress");
        video["stage"] = json!(stage);
        video["progress"] = json!(percent);
        progress.of(&video)
    };
    let number = |told: Option<(f64, String)>| told.map(|(progress, _)| progress);
    assert_eq!(at("waiting", 0), Some((0.0, "in_progress, stage waiting, 0 %".to_owned())));
    assert_eq!(at("waiting", 0), None);
    assert_eq!(number(at("task_queue", 0)), Some(0.01));
    assert_eq!(number(at("task_start", 30)), Some(30.0));
    assert_eq!(number(at("done", 100)), Some(100.0));
    assert_eq!(number(at("more", 100)), None);
}
