//! Run: the call that starts a job and costs money, and what its answer means for sending it again.

use serde_json::Value;

use super::answer::{Answer, HttpAnswer, text};
use super::form::{FILE_END, FormBody, field, file_head};

/// Where the image of a job comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunImage {
    None,
    /// A link that Wiro fetches.
    Url(String),
    /// A file that is streamed into the body.
    File {
        name: String,
        content_type: String,
    },
}

/// The parameters of one Run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunRequest {
    pub image: RunImage,
    pub prompt: String,
    pub prompt_optimizer: bool,
    pub resolution: String,
    pub duration_seconds: u8,
    pub callback_url: String,
}

impl RunRequest {
    /// Writes the form in the order of Wiro's own sample. Both image fields are always there, at most
    /// one of them filled.
    ///
    /// `boundary` must be random: nothing a caller can write may contain it.
    #[must_use]
    pub fn form(&self, boundary: &str) -> FormBody {
        let field = |name: &str, value: &str| field(boundary, name, value);
        let (head, after_file, image_url) = match &self.image {
            RunImage::None => (field("inputImageFirst", ""), "", ""),
            RunImage::Url(url) => (field("inputImageFirst", ""), "", url.as_str()),
            RunImage::File { name, content_type } => {
                (file_head(boundary, "inputImageFirst", name, content_type), FILE_END, "")
            }
        };
        let tail = [
            after_file.to_owned(),
            field("inputImageFirstUrl", image_url),
            field("prompt", &self.prompt),
            field("promptOptimizer", if self.prompt_optimizer { "true" } else { "false" }),
            field("resolution", &self.resolution),
            field("duration", &self.duration_seconds.to_string()),
            field("callbackUrl", &self.callback_url),
        ]
        .concat();
        FormBody::new(boundary, head, &tail)
    }
}

/// What an answer to Run says about whether the job started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunAnswer {
    Started {
        task_id: String,
        token: Option<String>,
    },
    /// Not started; may be sent again.
    Busy {
        retry_after_seconds: Option<u64>,
    },
    /// Not started: the account has as many jobs as it may.
    Full {
        retry_after_seconds: Option<u64>,
    },
    /// Not started: the parameters are refused. Wiro's own words, safe to show.
    RefusedParameters {
        message: String,
    },
    /// Not started: balance or authentication, the operator's business. Never to be shown.
    RefusedAccount {
        reason: String,
    },
    /// It may have started. Never to be sent again.
    Unknown,
}

impl RunAnswer {
    #[must_use]
    pub fn read(http: &HttpAnswer) -> Self {
        match http.status {
            429 => return Self::Busy { retry_after_seconds: http.retry_after_seconds },
            401 => return Self::RefusedAccount { reason: "HTTP 401".to_owned() },
            200 => {}
            _ => return Self::Unknown,
        }
        match Answer::read(http) {
            Answer::Done(value) => started(&value),
            Answer::Failed(error) => match error.code {
                Some(96) => Self::Full { retry_after_seconds: http.retry_after_seconds },
                Some(code @ (1 | 97 | 98 | 99)) => {
                    Self::RefusedAccount { reason: format!("code {code}: {}", error.message) }
                }
                _ if is_validation(&error.message) => Self::RefusedParameters { message: error.message },
                _ => Self::Unknown,
            },
            Answer::Unreadable => Self::Unknown,
        }
    }
}

/// A true result without a task id starts something that only the callback or the list can name.
fn started(value: &Value) -> RunAnswer {
    match text(value, "taskid") {
        Some(task_id) => RunAnswer::Started { task_id, token: text(value, "socketaccesstoken") },
        None => RunAnswer::Unknown,
    }
}

/// Code 0 is mixed: only a complaint about a parameter is known to come before the start.
fn is_validation(message: &str) -> bool {
    message.to_ascii_lowercase().contains("request parameter")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn request(image: RunImage) -> RunRequest {
        RunRequest {
            image,
            prompt: "a cat".to_owned(),
            prompt_optimizer: true,
            resolution: "768P".to_owned(),
            duration_seconds: 6,
            callback_url: "https://worker.example/hooks/wiro/1/2".to_owned(),
        }
    }

    #[test]
    fn the_form_is_pinned() {
        let image = RunImage::File { name: "image.png".to_owned(), content_type: "image/png".to_owned() };
        let form = request(image).form("B");
        assert_eq!(form.content_type, "multipart/form-data; boundary=B");
        assert_eq!(
            form.head,
            "--B\r\nContent-Disposition: form-data; name=\"inputImageFirst\"; filename=\"image.png\"\r\n\
             Content-Type: image/png\r\n\r\n"
        );
        let field = |name: &str, value: &str| {
            format!("--B\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
        };
        let rest = [
            field("prompt", "a cat"),
            field("promptOptimizer", "true"),
            field("resolution", "768P"),
            field("duration", "6"),
            field("callbackUrl", "https://worker.example/hooks/wiro/1/2"),
            "--B--\r\n".to_owned(),
        ]
        .concat();
        assert_eq!(form.tail, format!("\r\n{}{rest}", field("inputImageFirstUrl", "")));

        let form = request(RunImage::None).form("B");
        assert_eq!(form.head, field("inputImageFirst", ""));
        assert_eq!(form.tail, format!("{}{rest}", field("inputImageFirstUrl", "")));

        let form = request(RunImage::Url("https://a.example/b".to_owned())).form("B");
        assert_eq!(form.head, field("inputImageFirst", ""));
        assert_eq!(form.tail, format!("{}{rest}", field("inputImageFirstUrl", "https://a.example/b")));
    }

    fn answer(status: u16, body: &str) -> RunAnswer {
        RunAnswer::read(&HttpAnswer { status, retry_after_seconds: Some(7), body: Some(body.to_owned()) })
    }

    #[test]
    fn the_table_of_outcomes() {
        let account = |reason: &str| RunAnswer::RefusedAccount { reason: reason.to_owned() };
        let error = |code: u8, message: &str| {
            format!(r#"{{"result":false,"errors":[{{"code":{code},"message":"{message}"}}]}}"#)
        };
        let cases = [
            (
                200,
                r#"{"errors":[],"taskid":"2221","socketaccesstoken":"eDcC","result":true}"#.to_owned(),
                RunAnswer::Started { task_id: "2221".to_owned(), token: Some("eDcC".to_owned()) },
            ),
            (
                200,
                r#"{"taskid":2221,"result":true}"#.to_owned(),
                RunAnswer::Started { task_id: "2221".to_owned(), token: None },
            ),
            (200, r#"{"result":true}"#.to_owned(), RunAnswer::Unknown),
            (200, error(96, "limit"), RunAnswer::Full { retry_after_seconds: Some(7) }),
            (200, error(97, "balance"), account("code 97: balance")),
            (200, error(98, "auth"), account("code 98: auth")),
            (200, error(99, "auth"), account("code 99: auth")),
            (200, error(1, "gone"), account("code 1: gone")),
            (
                200,
                error(0, "Request parameter [prompt] required"),
                RunAnswer::RefusedParameters { message: "Request parameter [prompt] required".to_owned() },
            ),
            (200, error(0, "Internal error"), RunAnswer::Unknown),
            (200, "<html>".to_owned(), RunAnswer::Unknown),
            (401, String::new(), account("HTTP 401")),
            (429, "slow down".to_owned(), RunAnswer::Busy { retry_after_seconds: Some(7) }),
            (500, String::new(), RunAnswer::Unknown),
            (502, error(96, "limit"), RunAnswer::Unknown),
            (403, String::new(), RunAnswer::Unknown),
        ];
        for (status, body, expected) in cases {
            assert_eq!(answer(status, &body), expected, "{status} {body}");
        }
    }

    proptest! {
        #[test]
        fn no_answer_panics(status in any::<u16>(), body in ".{0,200}") {
            let _ = answer(status, &body);
        }
    }
}
