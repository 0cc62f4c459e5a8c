//! Reads Wiro's answers as the Worker does, for `make probe`: one JSON question on stdin, one JSON answer on stdout.

use std::io::{self, Write};

use hailuo_worker::mp4;
use hailuo_worker::storage::models::capabilities;
use hailuo_worker::video::model::{Capabilities, Format, Need};
use hailuo_worker::video::money::Usd;
use hailuo_worker::video::money::price_list::PriceList;
use hailuo_worker::wiro::envelope::Envelope;
use hailuo_worker::wiro::files::{folder_body, read_folder, read_upload, upload_form};
use hailuo_worker::wiro::form::FormBody;
use hailuo_worker::wiro::http_response::HttpResponse;
use hailuo_worker::wiro::model::{ModelDescription, tool_body};
use hailuo_worker::wiro::price::price;
use hailuo_worker::wiro::run::{Picture, RunRequest};
use hailuo_worker::wiro::run_answer::RunAnswer;
use hailuo_worker::wiro::search::{list_body, read_rows};
use hailuo_worker::wiro::socket;
use hailuo_worker::wiro::task::{RemoteStatus, RemoteTaskRef, read_detail};
use hailuo_worker::wiro::{callback, sign::Credentials};
use serde_json::{Value, json};

/// As long as the Worker's own.
const BOUNDARY: &str = "hailuo-worker-probe-7d1f0a6c2b9e4853";

fn main() -> io::Result<()> {
    let question: Value = serde_json::from_str(&io::read_to_string(io::stdin())?)?;
    let answer = answer(&question).map_err(io::Error::other)?;
    writeln!(io::stdout(), "{answer}")
}

fn answer(question: &Value) -> Result<Value, String> {
    Ok(match text(question, "do").as_str() {
        "headers" => headers(question)?,
        "bodies" => bodies(question),
        "describe" => describe(question)?,
        "run_form" => form_json(&run_form(question)?),
        "read_call" => read_call(&http(question)),
        "read_list" => json!(read_rows(&http(question)).map(|rows| json!([rows.rows.len(), rows.count]))),
        "read_folder" => json!(read_folder(&http(question)).map_err(|refusal| format!("{refusal:?}"))),
        "read_upload" => json!(
            read_upload(&http(question))
                .map(|file| json!({ "url": file.url, "size": file.size }))
                .map_err(|refusal| format!("{refusal:?}"))
        ),
        "read_detail" => json!(read_task(&http(question))),
        "read_socket" => read_socket(&text(question, "message")),
        "is_mp4" => json!(mp4::is_mp4_start(&bytes(question, "start"))),
        "read_callback" => name_json(callback::hint(text(question, "body").as_bytes())),
        unknown => return Err(format!("there is no question `{unknown}`")),
    })
}

fn bytes(value: &Value, field: &str) -> Vec<u8> {
    let items = value.get(field).and_then(Value::as_array).into_iter().flatten();
    items.filter_map(Value::as_u64).filter_map(|item| u8::try_from(item).ok()).collect()
}

fn text(value: &Value, field: &str) -> String {
    value.get(field).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn http(question: &Value) -> HttpResponse {
    let http = question.get("http").unwrap_or(&Value::Null);
    let status = http.get("status").and_then(Value::as_u64).and_then(|status| u16::try_from(status).ok());
    HttpResponse {
        status: status.unwrap_or(0),
        retry_after_seconds: None,
        body: http.get("body").and_then(Value::as_str).map(str::to_owned),
    }
}

/// A project without a secret sends its key alone.
fn headers(question: &Value) -> Result<Value, String> {
    let secret = text(question, "secret");
    let secret = Some(secret.as_str()).filter(|secret| !secret.is_empty());
    let credentials = Credentials::new(text(question, "key"), secret).map_err(|error| error.to_string())?;
    let nonces = question.get("nonces").and_then(Value::as_array).into_iter().flatten();
    let headers = nonces.filter_map(Value::as_u64).map(|nonce| credentials.headers(nonce));
    let objects = headers.map(|headers| {
        headers.into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect::<Value>()
    });
    Ok(objects.collect())
}

fn bodies(question: &Value) -> Value {
    let folder = text(question, "folder");
    let folder = Some(folder.as_str()).filter(|folder| !folder.is_empty());
    let name = RemoteTaskRef::plausible(
        text(question, "task"),
        Some(text(question, "token")).filter(|t| !t.is_empty()),
    );
    json!({
        "list": list_body(0, 1),
        "tool": tool_body(&text(question, "slug")),
        "folder": folder_body(&text(question, "folder_name")),
        "upload": form_json(&upload_form(folder, "probe.png", "image/png", BOUNDARY)),
        "detail": name.as_ref().map(RemoteTaskRef::detail_body),
        "task_info": name.as_ref().map(socket::task_info),
    })
}

fn form_json(form: &FormBody) -> Value {
    json!({ "content_type": form.content_type, "texts": form.texts })
}

/// What the Worker would make of the answer of Tool/Detail: a description, and why it is not Wiro's.
fn model_of(question: &Value) -> (ModelDescription, Option<String>) {
    let slug = text(question, "slug");
    let built_in = ModelDescription::built_in(&slug);
    match ModelDescription::read(&slug, &http(question), &built_in, 0) {
        Ok(description) => (description, None),
        Err(refusal) => (built_in, Some(format!("{refusal:?}"))),
    }
}

fn describe(question: &Value) -> Result<Value, String> {
    let slug = text(question, "slug");
    let (model, problem) = model_of(question);
    let built_in = ModelDescription::built_in(&slug);
    let own_prices = PriceList::parse(&text(question, "prices"))?;
    let offered = capabilities(&slug, &model);
    let formats: Vec<Value> =
        offered.formats().iter().map(|format| format_json(format, &model, &own_prices)).collect();
    Ok(json!({
        "problem": problem,
        "description": model,
        "built_in": built_in,
        "formats": formats,
        "needs": needs(&offered),
    }))
}

fn needs(offered: &Capabilities) -> Value {
    let name = |need| match need {
        Need::Required => "required",
        Need::Optional => "optional",
        Need::None => "none",
    };
    json!({
        "prompt": name(offered.prompt),
        "first_frame": name(offered.first_frame),
        "last_frame": name(offered.last_frame),
    })
}

/// `price` is in millionths of a dollar, and whose word it is.
fn format_json((resolution, duration): &Format, model: &ModelDescription, own: &PriceList) -> Value {
    let resolution = resolution.as_ref().map_or("", |name| name.as_str());
    let seconds = duration.map(|seconds| seconds.to_string()).unwrap_or_default();
    let micros = |amount: &str| Usd::parse(amount).map(Usd::micros);
    let told = price(&model.prices, resolution, &seconds, micros);
    let set = own.get(&format!("{resolution}/{seconds}")).map(Usd::micros);
    let source = if told.is_some() { "Wiro" } else { "PRICES_USD" };
    json!({ "resolution": resolution, "duration": duration, "price": told.or(set), "source": source })
}

/// The form of a Run of the model that `http` describes. `first_frame` and `last_frame` are a link, or `file`.
fn run_form(question: &Value) -> Result<FormBody, String> {
    let picture = |field| match text(question, field).as_str() {
        "" => None,
        "file" => Some(Picture::File { name: "probe.png".to_owned(), content_type: "image/png".to_owned() }),
        link => Some(Picture::Link(link.to_owned())),
    };
    let duration = question.get("duration").and_then(Value::as_u64);
    let duration = duration.map(u16::try_from).transpose().map_err(|error| error.to_string())?;
    let request = RunRequest {
        first_frame: picture("first_frame"),
        last_frame: picture("last_frame"),
        prompt: text(question, "prompt"),
        prompt_optimizer: true,
        resolution: Some(text(question, "resolution")).filter(|name| !name.is_empty()),
        duration,
        callback_url: text(question, "callback_url"),
    };
    Ok(request.form(&model_of(question).0, BOUNDARY))
}

/// What an answer says of the account and of a job: the rules are those of Run.
fn read_call(http: &HttpResponse) -> Value {
    let is_done = http.status == 200 && matches!(Envelope::read(http), Envelope::Success(_));
    match RunAnswer::read(http) {
        RunAnswer::Started { task_id, token } => json!({ "ok": true, "task": task_id, "token": token }),
        RunAnswer::Unknown { .. } if is_done => json!({ "ok": true }),
        RunAnswer::RefusedAccount { problem, reason } => json!({
            "ok": false, "problem": format!("{problem:?}"), "advice": problem.advice(), "reason": reason,
        }),
        RunAnswer::RefusedParameters { message } => refused("Parameters", &message),
        RunAnswer::UnknownModel { reason } => refused("UnknownModel", &reason),
        RunAnswer::AtCapacity { .. } => refused("AtCapacity", "too many jobs at once (code 96)"),
        RunAnswer::RateLimited { .. } => refused("RateLimited", "too many calls (HTTP 429)"),
        RunAnswer::Unknown { reason } => refused("Unknown", &reason),
    }
}

fn refused(problem: &str, reason: &str) -> Value {
    json!({ "ok": false, "problem": problem, "advice": null, "reason": reason })
}

fn read_task(http: &HttpResponse) -> Result<Value, String> {
    let detail = read_detail(http)?;
    let pictures = detail.pictures;
    Ok(match detail.state {
        RemoteStatus::Working { status, error_output } => {
            json!({ "state": "working", "status": status, "error_output": error_output, "pictures": pictures })
        }
        RemoteStatus::Succeeded { output, total_cost } => json!({
            "state": "succeeded", "url": output.url, "size": output.size, "cost": total_cost, "pictures": pictures,
        }),
        RemoteStatus::Failed { cause, reason, total_cost } => {
            json!({ "state": "failed", "cause": cause, "reason": reason, "cost": total_cost })
        }
        RemoteStatus::Cancelled { total_cost } => json!({ "state": "cancelled", "cost": total_cost }),
    })
}

fn read_socket(message: &str) -> Value {
    let events = socket::read(message);
    let is_end = events.contains(&socket::SocketEvent::Ended);
    json!({ "understood": !events.is_empty(), "ended": is_end })
}

fn name_json(name: Option<RemoteTaskRef>) -> Value {
    name.map_or(Value::Null, |name| json!({ "task": name.task_id, "token": name.token }))
}
