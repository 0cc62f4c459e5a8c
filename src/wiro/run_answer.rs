//! The response to Run: whether the job started, and if not, why.

use serde_json::Value;

use super::envelope::{Envelope, WiroError, text};
use super::http_response::HttpResponse;

/// Longest text of Wiro that is passed on.
const MAX_TEXT_CHARS: usize = 300;

/// Whether the job started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunAnswer {
    Started {
        task_id: String,
        token: Option<String>,
    },
    /// Not started; may be sent again.
    RateLimited {
        retry_after_seconds: Option<u64>,
    },
    /// Not started: the account has as many jobs as it may.
    AtCapacity {
        retry_after_seconds: Option<u64>,
    },
    /// Not started: Wiro refused the parameters. Wiro's message is safe to show.
    RefusedParameters {
        message: String,
    },
    /// Not started: a problem of the account for the operator. `reason` is not public.
    RefusedAccount {
        problem: AccountProblem,
        reason: String,
    },
    /// Not started: the account has no such model. `reason` is not public.
    UnknownModel {
        reason: String,
    },
    /// It may have started. Must never be sent again.
    Unknown {
        reason: String,
    },
}

/// Why Wiro refuses the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountProblem {
    Balance,
    Suspended,
    /// The project only accepts certain IP addresses.
    IpAllowList,
    /// Key, secret, signature or permission.
    Authentication,
}

impl AccountProblem {
    /// What the operator must do, for the log.
    #[must_use]
    pub const fn advice(self) -> &'static str {
        match self {
            Self::Balance => "Wiro refuses the account: its balance is too low; add funds",
            Self::Suspended => "Wiro refuses the account: it is suspended; ask Wiro's support",
            Self::IpAllowList => {
                "Wiro refuses the project: its IP allow-list must be off, because a Worker has no fixed address"
            }
            Self::Authentication => {
                "Wiro refuses the account: check WIRO_API_KEY, WIRO_API_SECRET and the project"
            }
        }
    }
}

impl RunAnswer {
    #[must_use]
    pub fn read(http: &HttpResponse) -> Self {
        let retry_after_seconds = http.retry_after_seconds;
        match http.status {
            429 => Self::RateLimited { retry_after_seconds },
            200..=299 => match Envelope::read(http) {
                Envelope::Success(value) => started(&value),
                Envelope::Error(error) => refused(&error, retry_after_seconds)
                    .unwrap_or_else(|| Self::Unknown { reason: error.to_string() }),
                Envelope::Unreadable => Self::Unknown { reason: "not a Wiro response".to_owned() },
            },
            // The request was not read completely or in time: it may have started.
            408 => Self::Unknown { reason: "HTTP 408".to_owned() },
            400..=499 => not_started(http),
            status => Self::Unknown { reason: format!("HTTP {status}") },
        }
    }
}

/// A success without a task id: only the callback or the list can name the job.
fn started(value: &Value) -> RunAnswer {
    match text(value, "taskid") {
        Some(task_id) => RunAnswer::Started { task_id, token: text(value, "socketaccesstoken") },
        None => RunAnswer::Unknown { reason: "a success without a task id".to_owned() },
    }
}

/// A 4xx other than 408 did not start. The body may explain why, otherwise the status does.
fn not_started(http: &HttpResponse) -> RunAnswer {
    let status = http.status;
    let error = match Envelope::read(http) {
        Envelope::Error(error) => Some(error),
        Envelope::Success(_) | Envelope::Unreadable => None,
    };
    let reason = match &error {
        Some(error) => format!("HTTP {status}, {error}"),
        None => format!("HTTP {status}"),
    };
    let account = |problem| RunAnswer::RefusedAccount { problem, reason: reason.clone() };
    match status {
        401..=403 => account(error.map_or(AccountProblem::Authentication, |error| account_problem(&error))),
        404 | 405 | 410 => RunAnswer::UnknownModel { reason },
        _ => error.and_then(|error| refused(&error, http.retry_after_seconds)).unwrap_or_else(|| {
            RunAnswer::RefusedParameters { message: format!("The upstream answered HTTP {status}.") }
        }),
    }
}

/// Classifies an error of Wiro; `None` for an unknown one: the job may have started.
fn refused(error: &WiroError, retry_after_seconds: Option<u64>) -> Option<RunAnswer> {
    let reason = || error.to_string();
    Some(match error.code {
        Some(96) => RunAnswer::AtCapacity { retry_after_seconds },
        Some(97..=99) => RunAnswer::RefusedAccount { problem: account_problem(error), reason: reason() },
        _ if is_about_parameters(&error.message) => {
            let message = error.message.chars().filter(|c| !c.is_control()).take(MAX_TEXT_CHARS);
            RunAnswer::RefusedParameters { message: message.collect() }
        }
        _ if is_about_the_account(&error.message) => {
            RunAnswer::RefusedAccount { problem: account_problem(error), reason: reason() }
        }
        Some(1) => RunAnswer::UnknownModel { reason: reason() },
        _ => return None,
    })
}

fn contains_any(message: &str, words: &[&str]) -> bool {
    let message = message.to_ascii_lowercase();
    words.iter().any(|word| message.contains(word))
}

/// `Request parameter [prompt] required`, `Request files [inputImage] required`, `Request parameters are invalid.`,
/// `invalid-parameters`: from Wiro's documentation and from real responses.
fn is_about_parameters(message: &str) -> bool {
    contains_any(message, &["request parameter", "request file", "invalid-parameters", "invalid parameters"])
}

fn is_about_the_account(message: &str) -> bool {
    contains_any(
        message,
        &["authorization", "signature authentication", "bearer", "not allowed", "permission", "suspended"],
    )
}

fn account_problem(error: &WiroError) -> AccountProblem {
    match error.code {
        Some(97) => AccountProblem::Balance,
        _ if contains_any(&error.message, &["suspended"]) => AccountProblem::Suspended,
        _ if contains_any(&error.message, &["requested ip"]) => AccountProblem::IpAllowList,
        _ => AccountProblem::Authentication,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::AccountProblem::{Authentication, Balance, IpAllowList, Suspended};
    use super::*;

    fn answer(status: u16, body: &str) -> RunAnswer {
        RunAnswer::read(&HttpResponse { status, retry_after_seconds: Some(7), body: Some(body.to_owned()) })
    }

    fn error(code: u8, message: &str) -> String {
        format!(r#"{{"result":false,"errors":[{{"code":{code},"message":"{message}"}}]}}"#)
    }

    /// The meaning of a response, in a word.
    fn meaning(status: u16, body: &str) -> String {
        match answer(status, body) {
            RunAnswer::Started { task_id, token } => format!("started {task_id} {token:?}"),
            RunAnswer::RateLimited { retry_after_seconds } => format!("rate limited {retry_after_seconds:?}"),
            RunAnswer::AtCapacity { retry_after_seconds } => format!("at capacity {retry_after_seconds:?}"),
            RunAnswer::RefusedParameters { message } => format!("parameters: {message}"),
            RunAnswer::RefusedAccount { problem, .. } => format!("account: {problem:?}"),
            RunAnswer::UnknownModel { .. } => "no model".to_owned(),
            RunAnswer::Unknown { .. } => "unknown".to_owned(),
        }
    }

    #[test]
    fn each_answer_has_its_meaning() {
        let account = |problem: AccountProblem| format!("account: {problem:?}");
        let parameters = |message: &str| format!("parameters: {message}");
        let required = "Request parameter [prompt] required";
        let cases = [
            (
                200,
                r#"{"errors":[],"taskid":"2221","socketaccesstoken":"eDcC","result":true}"#.to_owned(),
                r#"started 2221 Some("eDcC")"#.to_owned(),
            ),
            (200, r#"{"taskid":2221,"result":true}"#.to_owned(), "started 2221 None".to_owned()),
            (201, r#"{"taskid":2221,"result":true}"#.to_owned(), "started 2221 None".to_owned()),
            (200, r#"{"result":true}"#.to_owned(), "unknown".to_owned()),
            (200, error(96, "limit"), "at capacity Some(7)".to_owned()),
            (429, "slow down".to_owned(), "rate limited Some(7)".to_owned()),
            (400, error(96, "limit"), "at capacity Some(7)".to_owned()),
            // Parameters.
            (200, error(0, required), parameters(required)),
            (
                200,
                error(0, "Request parameter [seed] is not allowed"),
                parameters("Request parameter [seed] is not allowed"),
            ),
            (
                200,
                error(0, "Request files [inputImage] required"),
                parameters("Request files [inputImage] required"),
            ),
            (200, error(0, "Request parameters are invalid."), parameters("Request parameters are invalid.")),
            (200, error(0, "invalid-parameters"), parameters("invalid-parameters")),
            (
                200,
                r#"{"result":false,"errors":["invalid-parameters"]}"#.to_owned(),
                parameters("invalid-parameters"),
            ),
            (400, error(0, required), parameters(required)),
            (422, "<html>".to_owned(), parameters("The upstream answered HTTP 422.")),
            (413, String::new(), parameters("The upstream answered HTTP 413.")),
            (
                499,
                r#"{"result":true,"taskid":"1"}"#.to_owned(),
                parameters("The upstream answered HTTP 499."),
            ),
            // The account.
            (200, error(97, "Insufficient balance"), account(Balance)),
            (402, error(97, "Insufficient balance"), account(Balance)),
            (200, error(98, "sign in to run this model"), account(Authentication)),
            (200, error(99, "token invalid"), account(Authentication)),
            (200, error(0, "Your account has been suspended. Please contact support."), account(Suspended)),
            (200, error(0, "You don't have any permission for this action."), account(Authentication)),
            (200, error(0, "Authorization bearer token is invalid."), account(Authentication)),
            (200, error(1, "Requested ip 203.0.113.7 is not allowed."), account(IpAllowList)),
            (401, error(0, "Requested ip 203.0.113.7 is not allowed."), account(IpAllowList)),
            (401, error(0, "Project authorization is not valid."), account(Authentication)),
            (401, String::new(), account(Authentication)),
            (403, "<html>".to_owned(), account(Authentication)),
            // The model.
            (200, error(1, "tool-not-accessible"), "no model".to_owned()),
            (200, error(1, "slug-owner-project-not-exist"), "no model".to_owned()),
            (404, error(0, "Error parsing url."), "no model".to_owned()),
            // Unknown outcomes.
            (200, error(0, "Internal error"), "unknown".to_owned()),
            (200, r#"{"result":false}"#.to_owned(), "unknown".to_owned()),
            (200, "<html>".to_owned(), "unknown".to_owned()),
            (302, String::new(), "unknown".to_owned()),
            (408, error(0, required), "unknown".to_owned()),
            (500, error(97, "balance"), "unknown".to_owned()),
            (502, error(96, "limit"), "unknown".to_owned()),
        ];
        for (status, body, expected) in cases {
            assert_eq!(meaning(status, &body), expected, "{status} {body}");
        }
    }

    #[test]
    fn the_reason_contains_the_cause() {
        let RunAnswer::RefusedAccount { problem, reason } =
            answer(401, &error(0, "Requested ip 203.0.113.7 is not allowed."))
        else {
            panic!()
        };
        assert!(reason.contains("203.0.113.7") && reason.contains("401"));
        assert!(problem.advice().contains("IP allow-list"));
        assert_eq!(
            answer(200, &error(0, "Out of paper")),
            RunAnswer::Unknown { reason: "code 0: Out of paper".to_owned() }
        );
    }

    proptest! {
        #[test]
        fn arbitrary_answers_do_not_panic(status in any::<u16>(), body in ".{0,200}") {
            let _ = answer(status, &body);
        }

        #[test]
        fn a_4xx_has_not_started(status in 400_u16..500, code in 0_u8..100, message in "[a-z ]{0,40}") {
            let started = matches!(
                answer(status, &error(code, &message)),
                RunAnswer::Started { .. } | RunAnswer::Unknown { .. }
            );
            prop_assert_eq!(started, status == 408);
        }
    }
}
