//! Parses all samples of Wiro's answers in `tests/wiro/`. `tests/wiro/README.md` lists their sources.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use hailuo_worker::wiro::callback::hint;
use hailuo_worker::wiro::files::{StoredFile, read_folder, read_upload};
use hailuo_worker::wiro::http_response::HttpResponse;
use hailuo_worker::wiro::model::{FrameStyle, ModelDescription, tool_body};
use hailuo_worker::wiro::run::{Picture, RunRequest};
use hailuo_worker::wiro::run_answer::{AccountProblem, RunAnswer};
use hailuo_worker::wiro::search::read_rows;
use hailuo_worker::wiro::task::{
    RemoteStatus, TaskDetail, TaskOutput, read_detail, read_done, read_remote_ref,
};
use serde_json::{Value, json};

macro_rules! sample {
    ($name:literal) => {
        include_str!(concat!("wiro/", $name))
    };
}

fn answer(body: &str) -> HttpResponse {
    HttpResponse { status: 200, retry_after_seconds: None, body: Some(body.to_owned()) }
}

fn detail(body: &str) -> TaskDetail {
    read_detail(&answer(body)).unwrap()
}

#[test]
fn the_answer_to_run_has_task_id_and_token() {
    let RunAnswer::Started { task_id, token } = RunAnswer::read(&answer(sample!("run-answer.json"))) else {
        panic!("Run did not start")
    };
    assert_eq!((task_id.as_str(), token.as_deref()), ("420206", Some("MadeUpTokenMadeUpTokenMadeUpTo")));
}

/// The meaning of each documented refusal as an answer to Run.
#[test]
fn each_documented_refusal_is_recognized() {
    let expected = |code: &Value, message: &str| match message {
        "Request parameter [prompt] required"
        | "Request files [inputImage] required"
        | "Request parameters are invalid."
        | "invalid-parameters" => "parameters",
        "tool-not-accessible" | "slug-owner-project-not-exist" => "unknown model",
        "You don't have any permission for this action."
        | "Project authorization is not valid."
        | "Authorization bearer token is invalid."
        | "authentication required"
        | "token invalid" => "authentication",
        "Requested ip 203.0.113.7 is not allowed." => "address",
        "insufficient balance" => "balance",
        text if text.contains("suspended") => "suspended",
        text if text.contains("concurrent task limit") => "at capacity",
        "Error parsing url." => "not started",
        // Texts of other calls. In an answer to Run, code 1 is about the model; without a code the meaning is unknown.
        _ if code == 1 => "unknown model",
        _ => "unknown",
    };
    let errors: Vec<Value> = serde_json::from_str(sample!("errors.json")).unwrap();
    assert!(errors.len() > 20);
    for error in errors {
        let status = u16::try_from(error["http"].as_u64().unwrap()).unwrap();
        let body = error["body"].to_string();
        let first = &error["body"]["errors"][0];
        let message = first["message"].as_str().or(first.as_str()).unwrap();
        let read = RunAnswer::read(&HttpResponse { status, retry_after_seconds: None, body: Some(body) });
        let kind = match &read {
            RunAnswer::Started { .. } => "started",
            RunAnswer::RateLimited { .. } => "rate limited",
            RunAnswer::AtCapacity { .. } => "at capacity",
            RunAnswer::RefusedParameters { .. } => "parameters",
            RunAnswer::UnknownModel { .. } => "unknown model",
            RunAnswer::Unknown { .. } => "unknown",
            RunAnswer::RefusedAccount { problem, .. } => match problem {
                AccountProblem::Balance => "balance",
                AccountProblem::Suspended => "suspended",
                AccountProblem::IpAllowList => "address",
                AccountProblem::Authentication => "authentication",
            },
        };
        let expected = expected(&first["code"], message);
        if expected == "not started" {
            assert_ne!(kind, "unknown", "{message}: a 404 did not start anything");
        } else {
            assert_eq!(kind, expected, "HTTP {status}, {message}: {read:?}");
        }
        if let RunAnswer::RefusedParameters { message } = &read {
            assert!(!message.to_ascii_lowercase().contains("account"), "{message}");
        }
    }
}

#[test]
fn detail_of_a_finished_task_has_video_and_cost() {
    let TaskDetail { state, pictures } = detail(sample!("detail-done-openapi-2026-03.json"));
    let RemoteStatus::Succeeded { output: TaskOutput { url, size }, total_cost } = state else {
        panic!("{state:?}")
    };
    let sample: Value = serde_json::from_str(sample!("detail-done-openapi-2026-03.json")).unwrap();
    let output = &sample["tasklist"][0]["outputs"][0];
    assert_eq!(url, output["url"].as_str().unwrap());
    assert_eq!(size.map(|size| size.to_string()).as_deref(), output["size"].as_str());
    assert_eq!((total_cost.as_deref(), pictures), (Some("0.0468416"), Some(0)));
}

#[test]
fn detail_of_a_failed_task_has_a_reason() {
    let TaskDetail { state, .. } = detail(sample!("detail-failed-docs.json"));
    let RemoteStatus::Failed { reason, total_cost, .. } = state else { panic!("{state:?}") };
    assert_eq!(reason.as_deref(), Some("CUDA out of memory"));
    assert_eq!(total_cost.as_deref(), Some("0.00"));
}

#[test]
fn parameters_may_be_json_text() {
    let TaskDetail { state, pictures } = detail(sample!("detail-parameters-as-string.json"));
    assert!(matches!(state, RemoteStatus::Succeeded { .. }), "{state:?}");
    assert_eq!(pictures, Some(0));
    let rows = read_rows(&answer(sample!("detail-parameters-as-string.json"))).unwrap();
    assert_eq!((rows.count, rows.rows.len()), (1, 1));
}

#[test]
fn a_purged_task_has_no_video() {
    let TaskDetail { state, .. } = detail(sample!("detail-purged.json"));
    assert!(matches!(state, RemoteStatus::Failed { cause: "no output", .. }), "{state:?}");
}

#[test]
fn a_running_task_without_pexit_is_working() {
    let TaskDetail { state, .. } = detail(sample!("detail-running-pexit-null.json"));
    assert_eq!(state, RemoteStatus::Working { status: "task_start".to_owned(), error_output: None });
}

#[test]
fn task_error_is_not_an_end_and_keeps_its_text() {
    let TaskDetail { state, .. } = detail(sample!("detail-task-error-persisted.json"));
    let complaint = Some("Output folder creation failed".to_owned());
    assert_eq!(state, RemoteStatus::Working { status: "task_error".to_owned(), error_output: complaint });
}

#[test]
fn each_detail_has_the_id_of_its_task() {
    for body in [
        sample!("detail-done-openapi-2026-03.json"),
        sample!("detail-failed-docs.json"),
        sample!("detail-parameters-as-string.json"),
        sample!("detail-purged.json"),
        sample!("detail-running-pexit-null.json"),
        sample!("detail-task-error-persisted.json"),
    ] {
        assert_eq!(read_remote_ref(&answer(body)).unwrap().task_id, "420206");
        let TaskDetail { .. } = detail(body);
        // An empty callback URL does not mean that the row belongs to another video.
        let rows = read_rows(&answer(body)).unwrap().rows;
        assert_eq!(rows.first().unwrap().callback_url, None);
    }
}

#[test]
fn a_callback_has_the_id_of_its_task() {
    let found = hint(sample!("callback-assumed.json").as_bytes()).unwrap();
    assert_eq!((found.task_id.as_str(), found.token), ("420206", None));
}

#[test]
fn answers_about_files_and_folders_are_parsed() {
    assert_eq!(read_folder(&answer(sample!("folder-answer-docs.json"))).as_deref(), Ok("bbbb0002"));
    let url = "https://cdn1.wiro.ai/aaaa0001/photo.jpg".to_owned();
    let stored = StoredFile { id: Some("aaaa0001".to_owned()), url, size: Some(1_024_000) };
    assert_eq!(read_upload(&answer(sample!("upload-answer-docs.json"))), Ok(stored));
    assert_eq!(read_done(&answer(sample!("input-output-delete-answer.json"))), Ok(()));
}

/// Other models of Wiro: their parameters are parsed too, and unsupported ones are named.
#[test]
fn each_recorded_model_has_a_description() {
    let list: Value = serde_json::from_str(sample!("tool-list-2026-09-29.json")).unwrap();
    let tools = list["tool"].as_array().unwrap();
    assert_eq!(tools.len(), 4);
    for tool in tools {
        let text = |field: &str| tool[field].as_str().unwrap();
        let slug = format!("{}/{}", text("cleanslugowner"), text("cleanslugproject"));
        let body = json!({ "result": true, "errors": [], "tool": [tool] }).to_string();
        let known = ModelDescription::built_in(&slug);
        let model = ModelDescription::read(&slug, &answer(&body), &known, 1).unwrap();
        assert_eq!(model.read_at, Some(1));
        let prices = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        assert_eq!(prices(&model.prices), prices(text("dynamicprice")), "{slug}");
        let items = tool["parameters"].as_array().unwrap().iter();
        let items: Vec<&Value> = items.flat_map(|group| group["items"].as_array().unwrap()).collect();
        let has = |id: &str| items.iter().any(|item| item["id"] == id);
        assert_eq!(model.prompt.is_some(), has("prompt"), "{slug}");
        assert_eq!(model.resolution.is_some(), has("resolution"), "{slug}");
        let style = model.first_frame.map(|frame| frame.style);
        assert_eq!(style, has("inputImage").then_some(FrameStyle::Combined), "{slug}");
    }
}

/// The request of Wiro's own clients with a URL as first frame: our form has the same fields and values.
#[test]
fn run_has_the_form_of_wiros_own_clients() {
    for (body, style, required) in [
        (sample!("run-request-hailuo-2-3-fast-sdk-2026-07-24.json"), "combinefileinput", true),
        (sample!("run-request-hailuo-2-3-n8n-2026-03-21.json"), "fileinput", false),
    ] {
        let sent: Value = serde_json::from_str(body).unwrap();
        let slug = sent["path"].as_str().unwrap().strip_prefix("/Run/").unwrap();
        let item = |id: &str, kind: &str, required: bool, default: &str, options: &[&str]| {
            let options: Vec<Value> = options.iter().map(|value| json!({ "value": value })).collect();
            json!({ "id": id, "type": kind, "required": required, "defaultvalue": default, "options": options })
        };
        let items = [
            item("inputImage", style, required, "", &[]),
            item("prompt", "textarea", false, "", &[]),
            item("promptOptimizer", "select", true, "true", &["true", "false"]),
            item("resolution", "select", true, "768P", &["768P", "1080P"]),
            item("duration", "select", true, "6", &["6", "10"]),
        ];
        let tool = json!({ "result": true, "errors": [], "tool": [{ "parameters": [{ "items": items }] }] });
        let known = ModelDescription::built_in(slug);
        let model = ModelDescription::read(slug, &answer(&tool.to_string()), &known, 1).unwrap();
        let run = RunRequest {
            first_frame: Some(Picture::Link("https://example.com/in.png".to_owned())),
            last_frame: None,
            prompt: "zoom".to_owned(),
            prompt_optimizer: true,
            resolution: Some("768P".to_owned()),
            duration: Some(6),
            callback_url: "https://example.com/hook".to_owned(),
        };
        let form = run.form(&model, "B").texts.concat();
        let field = |name: &str| {
            let (_, rest) = form.split_once(&format!("name=\"{name}\"\r\n\r\n"))?;
            rest.split_once("\r\n").map(|(value, _)| value)
        };
        for (name, value) in sent["body"].as_object().unwrap() {
            let value = value.get(0).unwrap_or(value);
            assert_eq!(field(name), value.as_str(), "{slug}: {name}");
        }
    }
}

/// Slugs in any spelling select the model.
#[test]
fn a_model_is_requested_by_its_canonical_slug() {
    let body = tool_body("MiniMax/hailuo-2.3");
    assert_eq!(body, r#"{"slugowner":"minimax","slugproject":"hailuo-2-3"}"#);
}
