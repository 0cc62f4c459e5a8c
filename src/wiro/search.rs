//! Searches Task/List for the job whose response to Run was lost: by our callback URL where rows contain it, else by
//! model, time and parameters.

use serde_json::{Map, Value, json};

use super::envelope::text;
use super::http_response::HttpResponse;
use super::model::{canonical_slug, read_seconds};
use super::task::{RemoteTaskRef, done, parameters, pictures, remote_ref};

pub const TASK_LIST: &str = "/Task/List";

/// Rows of one page. Rows may contain logs, so a page of 50 may exceed the longest response that is read.
pub const PAGE_ROWS: u32 = 20;

/// How far Wiro's clock may be behind ours. A row that is older than the task belongs to another.
const CLOCK_SKEW_SECONDS: i64 = 60;

/// The body of Task/List: `limit` rows after the first `start`, newest first.
#[must_use]
pub fn list_body(start: u32, limit: u32) -> String {
    json!({
        "type": "model",
        "sort": "id",
        "order": "DESC",
        "start": start.to_string(),
        "limit": limit.to_string(),
    })
    .to_string()
}

/// A job in Detail or List, as far as it helps to find its owner.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskRow {
    pub remote: RemoteTaskRef,
    /// `None` if the row does not contain it.
    pub callback_url: Option<String>,
    /// Unix seconds.
    created_at: Option<i64>,
    /// `owner/project`, canonical.
    model: Option<String>,
    parameters: Option<Map<String, Value>>,
}

/// Rows of Task/Detail or Task/List.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskRows {
    pub rows: Vec<TaskRow>,
    /// The number of all rows, including unreadable ones.
    pub count: usize,
}

/// Reads a response of Task/Detail or Task/List.
///
/// # Errors
/// A reason for the log if there is no list.
pub fn read_rows(http: &HttpResponse) -> Result<TaskRows, String> {
    let value = done(http)?;
    let rows = value.get("tasklist").and_then(Value::as_array).ok_or("no task list")?;
    Ok(TaskRows { rows: rows.iter().filter_map(read_row).collect(), count: rows.len() })
}

fn read_row(row: &Value) -> Option<TaskRow> {
    let slug = || Some(format!("{}/{}", text(row, "modelslugowner")?, text(row, "modelslugproject")?));
    Some(TaskRow {
        remote: remote_ref(row)?,
        callback_url: text(row, "callbackurl"),
        created_at: text(row, "createtime").and_then(|seconds| seconds.parse().ok()),
        model: slug().map(|slug| canonical_slug(&slug)),
        parameters: parameters(row),
    })
}

/// The Run whose job is searched for.
#[derive(Clone, Debug)]
pub struct LostRun {
    pub callback_url: String,
    /// When the video was created, in unix seconds.
    pub created_at: i64,
    /// `owner/project`.
    pub model: String,
    pub prompt: String,
    pub resolution: Option<String>,
    /// Seconds.
    pub duration: Option<u16>,
    /// How many images were sent.
    pub pictures: usize,
    /// The images that were sent as links.
    pub links: Vec<String>,
}

/// How a row matches a Run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Match {
    /// It has our callback URL.
    Certain,
    /// It has no callback URL, and everything else matches.
    Possible,
    No,
}

impl LostRun {
    #[must_use]
    pub fn matches(&self, row: &TaskRow) -> Match {
        if self.is_older(row) {
            return Match::No;
        }
        match &row.callback_url {
            Some(url) if *url == self.callback_url => Match::Certain,
            None if self.has_same_inputs(row) => Match::Possible,
            Some(_) | None => Match::No,
        }
    }

    /// Whether the row is older than the video; then all later rows are too.
    #[must_use]
    pub fn is_older(&self, row: &TaskRow) -> bool {
        row.created_at.is_some_and(|at| at < self.created_at - CLOCK_SKEW_SECONDS)
    }

    /// Only a row with time, model and prompt can match. Its other fields must not differ.
    fn has_same_inputs(&self, row: &TaskRow) -> bool {
        let (Some(_), Some(model), Some(parameters)) = (row.created_at, &row.model, &row.parameters) else {
            return false;
        };
        let shown = |name: &str| {
            let found = parameters.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
            found.and_then(|(name, _)| text(&Value::Object(parameters.clone()), name))
        };
        let resolution_fits = match (shown("resolution"), &self.resolution) {
            (Some(shown), Some(asked)) => shown.eq_ignore_ascii_case(asked),
            _ => true,
        };
        let duration_fits = match (shown("duration").and_then(|text| read_seconds(&text)), self.duration) {
            (Some(shown), Some(asked)) => shown == asked,
            _ => true,
        };
        // Wiro may show its own copy of an image that was sent as a link.
        let is_known = |link: &str| link.contains("wiro.ai/") || self.links.iter().any(|ours| ours == link);
        let mut shown_links = parameters.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("callbackUrl"));
        *model == canonical_slug(&self.model)
            && same_text(&shown("prompt").unwrap_or_default(), &self.prompt)
            && resolution_fits
            && duration_fits
            && pictures(parameters) == self.pictures
            && shown_links.all(|(_, value)| links_in(value).into_iter().all(is_known))
    }
}

/// Line breaks may differ.
fn same_text(a: &str, b: &str) -> bool {
    a.split_whitespace().eq(b.split_whitespace())
}

fn links_in(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) if text.starts_with("http") => vec![text],
        Value::Array(items) => items.iter().flat_map(links_in).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const URL: &str = "https://worker.example/hooks/wiro/1/2";

    fn run() -> LostRun {
        LostRun {
            callback_url: URL.to_owned(),
            created_at: 1_734_513_800,
            model: "MiniMax/hailuo-2.3".to_owned(),
            prompt: "a cat\nand a dog".to_owned(),
            resolution: Some("768P".to_owned()),
            duration: Some(6),
            pictures: 0,
            links: Vec::new(),
        }
    }

    fn row(changes: &Value) -> Value {
        let mut row = json!({
            "id": "7", "socketaccesstoken": "t", "callbackurl": "", "createtime": "1734513807",
            "modelslugowner": "minimax", "modelslugproject": "hailuo-2-3",
            "parameters": { "prompt": "a cat\r\nand a dog", "resolution": "768P", "duration": "6" },
        });
        for (name, value) in changes.as_object().unwrap() {
            row[name] = value.clone();
        }
        row
    }

    fn read(rows: &Value) -> TaskRows {
        let body = json!({ "result": true, "tasklist": rows }).to_string();
        read_rows(&HttpResponse { status: 200, retry_after_seconds: None, body: Some(body) }).unwrap()
    }

    fn matched(run: &LostRun, changes: &Value) -> Match {
        run.matches(&read(&json!([row(changes)])).rows[0])
    }

    #[test]
    fn a_page_of_the_list_is_parsed() {
        let body = r#"{"limit":"20","order":"DESC","sort":"id","start":"40","type":"model"}"#;
        assert_eq!(list_body(40, PAGE_ROWS), body);
        let rows = read(
            &json!([row(&json!({})), { "id": 8, "callbackurl": null }, { "socketaccesstoken": "t" }, null]),
        );
        assert_eq!((rows.rows.len(), rows.count), (2, 4));
        assert_eq!(
            rows.rows[0].remote,
            RemoteTaskRef { task_id: "7".to_owned(), token: Some("t".to_owned()) }
        );
        assert_eq!(rows.rows[1].remote, RemoteTaskRef { task_id: "8".to_owned(), token: None });
    }

    #[test]
    fn the_callback_url_decides_if_present() {
        let run = run();
        assert_eq!(matched(&run, &json!({ "callbackurl": URL, "parameters": null })), Match::Certain);
        assert_eq!(matched(&run, &json!({ "callbackurl": format!("{URL}3") })), Match::No);
        let old = json!({ "callbackurl": URL, "createtime": "1734513700" });
        assert_eq!(matched(&run, &old), Match::No);
    }

    #[test]
    fn without_a_callback_url_all_fields_must_match() {
        let run = run();
        let parameters = |changes: Value| {
            let mut parameters = row(&json!({}))["parameters"].take();
            for (name, value) in changes.as_object().unwrap() {
                parameters[name] = value.clone();
            }
            json!({ "parameters": parameters })
        };
        for fitting in [
            json!({}),
            json!({ "callbackurl": null }),
            json!({ "parameters": row(&json!({}))["parameters"].to_string() }),
            json!({ "modelslugowner": "MiniMax", "modelslugproject": "hailuo-2.3" }),
            parameters(json!({ "duration": "6s", "resolution": "768p", "inputImageFirst": "" })),
            parameters(json!({ "duration": null, "resolution": null })),
        ] {
            assert_eq!(matched(&run, &fitting), Match::Possible, "{fitting}");
        }
        for other in [
            json!({ "createtime": null }),
            json!({ "createtime": "1734513700" }),
            json!({ "modelslugproject": "hailuo-2-3-fast" }),
            json!({ "modelslugowner": null }),
            json!({ "parameters": null }),
            parameters(json!({ "prompt": "another cat" })),
            parameters(json!({ "prompt": null })),
            parameters(json!({ "duration": "10" })),
            parameters(json!({ "resolution": "1080P" })),
            parameters(json!({ "inputImageFirst": "https://a.example/b.png" })),
        ] {
            assert_eq!(matched(&run, &other), Match::No, "{other}");
        }
    }

    #[test]
    fn images_must_match_too() {
        let link = "https://a.example/b.png";
        let with_link = LostRun { pictures: 1, links: vec![link.to_owned()], ..run() };
        let with_file = LostRun { pictures: 1, ..run() };
        let shown = |link: Value| {
            let mut parameters = row(&json!({}))["parameters"].take();
            parameters["inputImage"] = link;
            json!({ "parameters": parameters })
        };
        assert_eq!(matched(&with_link, &shown(json!(link))), Match::Possible);
        assert_eq!(matched(&with_link, &shown(json!([link]))), Match::Possible);
        let copy = "https://api.wiro.ai/v1/File/x/inputImage-1.png";
        assert_eq!(matched(&with_link, &shown(json!(copy))), Match::Possible);
        assert_eq!(matched(&with_link, &shown(json!("https://a.example/c.png"))), Match::No);
        assert_eq!(matched(&with_link, &json!({})), Match::No);
        assert_eq!(
            matched(&with_file, &shown(json!("https://api.wiro.ai/v1/File/x/1.png"))),
            Match::Possible
        );
        assert_eq!(matched(&with_file, &json!({})), Match::No);
    }

    proptest! {
        #[test]
        fn arbitrary_rows_do_not_panic(name in ".{0,12}", value in ".{0,20}") {
            let row = json!({
                "id": "1", "createtime": value, "modelslugowner": value, "modelslugproject": value,
                "parameters": { "prompt": value, name: [value] },
            });
            for row in read(&json!([row])).rows {
                let _ = run().matches(&row);
            }
        }
    }
}
