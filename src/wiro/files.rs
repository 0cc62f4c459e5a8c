//! Wiro's files: `FolderCreate` creates a folder, `Upload` stores a file in one and returns its URL.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::envelope::{Envelope, text};
use super::form::{FormBody, FormWriter};
use super::http_response::HttpResponse;

pub const FOLDER_CREATE: &str = "/File/FolderCreate";
pub const UPLOAD: &str = "/File/Upload";

/// The body of `FolderCreate`. Names may only contain letters, digits, `-` and `_`.
#[must_use]
pub fn folder_body(name: &str) -> String {
    json!({ "name": name }).to_string()
}

/// The form of an upload: the folder first, so that Wiro knows it before the file arrives. Without a folder the file
/// goes to the account's default folder.
///
/// `boundary` must be random, so that no caller can write it.
#[must_use]
pub fn upload_form(folder_id: Option<&str>, filename: &str, content_type: &str, boundary: &str) -> FormBody {
    let mut form = FormWriter::new(boundary);
    if let Some(id) = folder_id {
        form.text("folderid", id);
    }
    form.file("file", filename, content_type);
    form.finish()
}

/// A file that Wiro stored.
#[derive(Debug, PartialEq, Eq)]
pub struct StoredFile {
    /// Wiro's name for the file, if Wiro reports it.
    pub id: Option<String>,
    /// Anyone who knows the URL can read the file.
    pub url: String,
    /// In bytes, if Wiro reports it.
    pub size: Option<u64>,
}

/// Why Wiro stored no folder or file.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub enum Refusal {
    /// Wiro asks to wait, with its delay in seconds if given.
    #[serde(rename = "Busy")]
    RateLimited(Option<u64>),
    /// No response.
    Unreachable(String),
    /// A problem of the account for the operator. Not public.
    Account(String),
    /// The folder does not exist.
    FolderGone,
    /// The request had no `content-length`.
    LengthRequired,
    /// Another refusal. Not public.
    Declined(String),
    /// Any other failure. Not public.
    Failed(String),
}

impl Refusal {
    /// Whether the folder may be the cause, so that the same upload without a folder may succeed.
    #[must_use]
    pub const fn may_be_about_the_folder(&self) -> bool {
        matches!(self, Self::FolderGone | Self::Declined(_))
    }
}

/// The id of the created folder.
///
/// # Errors
/// [`Refusal`]. The folder may exist all the same.
pub fn read_folder(http: &HttpResponse) -> Result<String, Refusal> {
    let row = first_row(http)?;
    // It is sent back in a form.
    let id = text(&row, "id").filter(|id| !id.contains(char::is_control));
    id.ok_or_else(|| Refusal::Failed("a folder without an id".to_owned()))
}

/// The stored file.
///
/// # Errors
/// [`Refusal`]. The file may be stored all the same.
pub fn read_upload(http: &HttpResponse) -> Result<StoredFile, Refusal> {
    let row = first_row(http)?;
    let url = text(&row, "url").ok_or_else(|| Refusal::Failed("a file without a URL".to_owned()))?;
    let size = text(&row, "size").and_then(|size| size.parse().ok());
    Ok(StoredFile { id: text(&row, "id"), url, size })
}

fn first_row(http: &HttpResponse) -> Result<Value, Refusal> {
    match http.status {
        429 | 503 => return Err(Refusal::RateLimited(http.retry_after_seconds)),
        401 => {
            let reason = match Envelope::read(http) {
                Envelope::Error(error) => format!("HTTP {}, {error}", http.status),
                _ => format!("HTTP {}", http.status),
            };
            return Err(Refusal::Account(reason));
        }
        411 => return Err(Refusal::LengthRequired),
        200 => {}
        status @ 400..=499 => return Err(Refusal::Declined(format!("HTTP {status}"))),
        status => return Err(Refusal::Failed(format!("HTTP {status}"))),
    }
    match Envelope::read(http) {
        Envelope::Success(mut value) => {
            Ok(value.get_mut("list").and_then(|list| list.get_mut(0)).map(Value::take).unwrap_or_default())
        }
        Envelope::Error(error) => Err(match error.code {
            Some(96) => Refusal::RateLimited(http.retry_after_seconds),
            Some(97..=99) => Refusal::Account(error.to_string()),
            Some(1) => Refusal::FolderGone,
            _ => Refusal::Declined(error.to_string()),
        }),
        Envelope::Unreadable => Err(Refusal::Failed("not a Wiro response".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn answer(status: u16, body: &str) -> HttpResponse {
        HttpResponse { status, retry_after_seconds: Some(7), body: Some(body.to_owned()) }
    }

    #[test]
    fn the_form_has_exactly_these_bytes() {
        let form = upload_form(Some("f1"), "a \"cat\".png", "image/png", "B");
        assert_eq!(form.content_type, "multipart/form-data; boundary=B");
        assert_eq!(
            form.texts[0],
            "--B\r\nContent-Disposition: form-data; name=\"folderid\"\r\n\r\nf1\r\n\
             --B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a %22cat%22.png\"\r\n\
             Content-Type: image/png\r\n\r\n"
        );
        assert_eq!(form.texts[1..], ["\r\n--B--\r\n"]);
        let without_folder = upload_form(None, "a.png", "image/png", "B");
        assert!(!without_folder.texts[0].contains("folderid"));
        assert_eq!(folder_body("uploads-1"), r#"{"name":"uploads-1"}"#);
    }

    #[test]
    fn a_file_name_cannot_add_a_header() {
        let form = upload_form(Some("f1"), "a\"\r\nX-Evil: 1\r\n\r\n--B--", "image/png", "B");
        assert!(form.texts[0].contains("filename=\"a%22%0D%0AX-Evil: 1%0D%0A%0D%0A--B--\"\r\nContent-Type"));
    }

    #[test]
    fn several_response_formats_are_accepted() {
        let folder = |row: &str| {
            read_folder(&answer(200, &format!(r#"{{"result":true,"errors":[],"list":[{row}]}}"#)))
        };
        assert_eq!(folder(r#"{"id":"f1","name":"x"}"#), Ok("f1".to_owned()));
        assert_eq!(folder(r#"{"id":12}"#), Ok("12".to_owned()));
        for row in ["", "{}", r#"{"id":null}"#, r#"{"id":""}"#, r#"{"id":"a\r\nb"}"#, "7"] {
            assert!(matches!(folder(row), Err(Refusal::Failed(_))), "{row}");
        }
        let file = |row: &str| {
            read_upload(&answer(200, &format!(r#"{{"result":true,"errors":[],"list":[{row}]}}"#)))
        };
        let url = "https://cdn.example/a.png".to_owned();
        let stored = |size| Ok(StoredFile { id: None, url: url.clone(), size });
        assert_eq!(file(r#"{"url":"https://cdn.example/a.png","size":"12"}"#), stored(Some(12)));
        assert_eq!(file(r#"{"url":"https://cdn.example/a.png","size":12}"#), stored(Some(12)));
        assert_eq!(file(r#"{"url":"https://cdn.example/a.png"}"#), stored(None));
        assert!(matches!(file(r#"{"id":"1"}"#), Err(Refusal::Failed(_))));
    }

    #[test]
    fn each_refusal_has_its_meaning() {
        let error = |code: i64| format!(r#"{{"result":false,"errors":[{{"code":{code},"message":"m"}}]}}"#);
        let cases = [
            (429, String::new(), Refusal::RateLimited(Some(7))),
            (503, String::new(), Refusal::RateLimited(Some(7))),
            (200, error(96), Refusal::RateLimited(Some(7))),
            (401, error(98), Refusal::Account("HTTP 401, code 98: m".to_owned())),
            (403, String::new(), Refusal::Declined("HTTP 403".to_owned())),
            (411, String::new(), Refusal::LengthRequired),
            (413, String::new(), Refusal::Declined("HTTP 413".to_owned())),
            (200, error(97), Refusal::Account("code 97: m".to_owned())),
            (200, error(98), Refusal::Account("code 98: m".to_owned())),
            (200, error(99), Refusal::Account("code 99: m".to_owned())),
            (200, error(1), Refusal::FolderGone),
            (200, error(0), Refusal::Declined("code 0: m".to_owned())),
            (200, r#"{"result":false}"#.to_owned(), Refusal::Declined(String::new())),
            (200, "<html>".to_owned(), Refusal::Failed("not a Wiro response".to_owned())),
            (500, String::new(), Refusal::Failed("HTTP 500".to_owned())),
            (302, String::new(), Refusal::Failed("HTTP 302".to_owned())),
        ];
        for (status, body, expected) in cases {
            assert_eq!(read_upload(&answer(status, &body)), Err(expected.clone()), "{status} {body}");
            assert_eq!(read_folder(&answer(status, &body)), Err(expected), "{status} {body}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_answers_do_not_panic(status in any::<u16>(), body in ".{0,200}") {
            let _ = read_upload(&answer(status, &body));
            let _ = read_folder(&answer(200, &format!(r#"{{"result":true,"list":{body}}}"#)));
        }
    }
}
