//! The errors of the API, and the HTTP status and `application/problem+json` body (RFC 9457) of each.

mod removed;

use serde::Serialize;
use thiserror::Error;

use self::removed::RemovedVideo;
use crate::video::money::budget::Shortage;
use crate::video::request::FieldError;
use crate::video::task::tombstone::Tombstone;

/// The reason why a request failed. The cause of a 5xx is only logged; [`ApiError::problem`] leaves it out.
#[derive(Debug, Error)]
pub enum ApiError {
    #[error("{0}")]
    InvalidRequest(String),
    #[error("{} invalid field(s)", .0.len())]
    InvalidParameter(Vec<FieldError>),
    /// A submit names a model that is not offered. Contains the names of the offered ones.
    #[error("no such model; there are {0}")]
    UnknownModel(String),
    #[error("no such model")]
    ModelNotFound,
    /// A part of OpenAI's API that this API does not have.
    #[error("{0}")]
    Unsupported(&'static str),
    #[error("{0}")]
    UnsupportedParameter(FieldError),
    #[error("the upstream refused the parameters: {0}")]
    RefusedParameters(String),
    #[error("the idempotency key was used for another request")]
    IdempotencyKeyReused,
    #[error("{0}")]
    NotFound(&'static str),
    #[error("method not allowed")]
    MethodNotAllowed { allow: &'static str },
    #[error("the video of the idempotency key was deleted")]
    Deleted,
    /// Only the operator learns that a removed video existed.
    #[error("the video was removed")]
    Removed(Box<Tombstone>),
    #[error("the video is not ready")]
    NotReady { retry_after_seconds: u32 },
    #[error("the video has ended already")]
    AlreadyFinished,
    #[error("{0}")]
    Unauthorized(&'static str),
    /// The clients of run time cannot be read, so a token cannot be verified.
    #[error("the clients cannot be read")]
    ClientsUnknown,
    /// The operator has paused everything, or the client.
    #[error("paused")]
    Paused(Operation),
    #[error("{0}")]
    Conflict(&'static str),
    #[error("a page of an origin that is not allowed")]
    OriginNotAllowed,
    #[error("{0}")]
    ChallengeFailed(&'static str),
    #[error("{0}")]
    PayloadTooLarge(String),
    #[error("{0}")]
    UnsupportedMediaType(String),
    #[error("range not satisfiable")]
    RangeNotSatisfiable { size: u64 },
    #[error("the upstream: {0}")]
    UpstreamError(String),
    #[error("too many requests")]
    RateLimited,
    #[error("too many subscribers of this video")]
    TooManySubscribers,
    #[error("the upstream is not available")]
    UpstreamUnavailable { operation: Operation, retry_after_seconds: u32 },
    #[error("the thumbnail could not be made")]
    ThumbnailFailed { retry_after_seconds: u32 },
    #[error("all uploads together hold too much memory")]
    TooManyUploads,
    #[error("the client has uploaded as much as it may today")]
    UploadsExhausted { retry_after_seconds: i64 },
    #[error("the video cannot be afforded: {shortage:?}")]
    Unaffordable { operation: Operation, shortage: Shortage, retry_after_seconds: i64 },
    #[error("{0}")]
    Misconfigured(String),
    #[error("{0}")]
    Internal(String),
}

/// The operation that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    Video,
    File,
}

impl Operation {
    const fn not_done(self) -> &'static str {
        match self {
            Self::Video => "No video was started",
            Self::File => "No file was stored",
        }
    }
}

/// `Retry-After` while the operator has paused. Nobody knows for how long.
const PAUSE_RETRY_SECONDS: u32 = 300;

/// An error response names at most this many invalid fields, because a request may have thousands.
const MAX_FIELD_ERRORS: usize = 20;

/// The response to a failed request.
#[derive(Debug)]
pub struct Problem {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    code: &'static str,
    /// `error.code`, if it differs from `code`.
    openai_code: Option<&'static str>,
    title: &'static str,
    detail: String,
    errors: Vec<FieldError>,
    removed: Option<RemovedVideo>,
}

/// The error in the format of OpenAI's API, for its clients.
#[derive(Serialize)]
struct OpenAiError<'a> {
    message: &'a str,
    r#type: &'static str,
    param: Option<&'a str>,
    code: &'static str,
}

#[derive(Serialize)]
struct ProblemBody<'a> {
    r#type: &'static str,
    title: &'static str,
    status: u16,
    detail: &'a str,
    code: &'static str,
    request_id: &'a str,
    errors: &'a [FieldError],
    error: OpenAiError<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    removed: &'a Option<RemovedVideo>,
}

impl ApiError {
    /// The response for this error.
    #[must_use]
    #[expect(clippy::too_many_lines, reason = "one exhaustive match covers all errors")]
    pub fn problem(self) -> Problem {
        let none = Vec::new;
        let problem = |status, code, title, detail: String| Problem {
            status,
            headers: none(),
            code,
            openai_code: None,
            title,
            detail,
            errors: Vec::new(),
            removed: None,
        };
        match self {
            Self::InvalidRequest(detail) => {
                problem(400, "invalid_request", "The request cannot be read", detail)
            }
            Self::InvalidParameter(mut errors) => {
                let unnamed = errors.len().saturating_sub(MAX_FIELD_ERRORS);
                errors.truncate(MAX_FIELD_ERRORS);
                let mut named: Vec<String> =
                    errors.iter().map(|error| format!("{} {}", error.field, error.message)).collect();
                if unnamed > 0 {
                    named.push(format!("and {unnamed} more"));
                }
                let detail = named.join("; ");
                Problem { errors, ..problem(400, "invalid_parameter", "Some fields are not valid", detail) }
            }
            Self::UnknownModel(offered) => {
                let message = format!("names no model that is offered here; there are {offered}");
                let errors = vec![FieldError { field: "model".to_owned(), message }];
                Problem { openai_code: Some(MODEL_NOT_FOUND), ..Self::InvalidParameter(errors).problem() }
            }
            Self::ModelNotFound => Problem {
                openai_code: Some(MODEL_NOT_FOUND),
                ..Self::NotFound("There is no such model.").problem()
            },
            Self::Unsupported(detail) => problem(404, "unsupported", "Not supported", detail.to_owned()),
            Self::UnsupportedParameter(error) => {
                let detail = format!("{} {}", error.field, error.message);
                Problem { errors: vec![error], ..problem(400, "unsupported", "Not supported", detail) }
            }
            Self::RefusedParameters(message) => {
                problem(422, "invalid_parameter", "The model refused the parameters", message)
            }
            Self::IdempotencyKeyReused => {
                let detail =
                    "This Idempotency-Key came with another request before; use a new one.".to_owned();
                problem(422, "idempotency_key_reused", "Idempotency key reused", detail)
            }
            Self::NotFound(detail) => problem(404, "not_found", "Not found", detail.to_owned()),
            Self::MethodNotAllowed { allow } => {
                let detail = format!("This path answers {allow}.");
                let headers = vec![("allow", allow.to_owned())];
                Problem { headers, ..problem(405, "method_not_allowed", "Method not allowed", detail) }
            }
            Self::Deleted => {
                let detail =
                    "The video of this Idempotency-Key was deleted. Nothing is made again; use a new key."
                        .to_owned();
                problem(410, "deleted", "Deleted", detail)
            }
            Self::Removed(tombstone) => {
                let removed = RemovedVideo::of(*tombstone);
                let detail = removed.detail().to_owned();
                Problem { removed: Some(removed), detail, ..Self::Deleted.problem() }
            }
            Self::NotReady { retry_after_seconds } => {
                let detail = "The video is still being made.".to_owned();
                let headers = vec![("retry-after", retry_after_seconds.to_string())];
                Problem { headers, ..problem(409, "not_ready", "Not ready yet", detail) }
            }
            Self::AlreadyFinished => {
                let detail = "The video has ended already; this cannot be done to it any more.".to_owned();
                problem(409, "already_finished", "Already finished", detail)
            }
            Self::Unauthorized(detail) => {
                let headers = vec![("www-authenticate", "Bearer".to_owned())];
                Problem { headers, ..problem(401, "unauthorized", "Unauthorized", detail.to_owned()) }
            }
            Self::ClientsUnknown => {
                let detail = "Tokens cannot be verified at the moment; try again later.".to_owned();
                let headers = vec![("retry-after", "5".to_owned())];
                Problem {
                    headers,
                    ..problem(503, "upstream_unavailable", "Tokens cannot be verified", detail)
                }
            }
            Self::Paused(operation) => {
                let detail =
                    format!("The operator has paused this. {}; try again later.", operation.not_done());
                let headers = vec![("retry-after", PAUSE_RETRY_SECONDS.to_string())];
                Problem { headers, ..problem(503, "paused", "Paused", detail) }
            }
            Self::Conflict(detail) => problem(409, "conflict", "Conflict", detail.to_owned()),
            Self::OriginNotAllowed => {
                let detail = "Pages of this origin may not use this service.".to_owned();
                problem(403, "origin_not_allowed", "Origin not allowed", detail)
            }
            Self::ChallengeFailed(detail) => {
                problem(403, "challenge_failed", "Challenge failed", detail.to_owned())
            }
            Self::PayloadTooLarge(detail) => problem(413, "payload_too_large", "Too large", detail),
            Self::UnsupportedMediaType(detail) => {
                problem(415, "unsupported_media_type", "Unsupported media type", detail)
            }
            Self::RangeNotSatisfiable { size } => {
                let detail = format!("The file has {size} bytes.");
                let headers = vec![("content-range", format!("bytes */{size}"))];
                Problem { headers, ..problem(416, "range_not_satisfiable", "Range not satisfiable", detail) }
            }
            Self::UpstreamError(_) => {
                let detail = "The upstream did not do what it was asked; send the request again.".to_owned();
                problem(502, "upstream_error", "Upstream error", detail)
            }
            Self::RateLimited => {
                let detail = "Too many requests within a minute; try again in one.".to_owned();
                let headers = vec![("retry-after", "60".to_owned())];
                Problem { headers, ..problem(429, "rate_limited", "Too many requests", detail) }
            }
            Self::TooManySubscribers => {
                let detail =
                    "Too many clients watch this video; ask for its status, or try again later.".to_owned();
                let headers = vec![("retry-after", "30".to_owned())];
                Problem { headers, ..problem(429, "rate_limited", "Too many subscribers", detail) }
            }
            Self::UploadsExhausted { retry_after_seconds } => {
                let detail = "You have uploaded as many bytes as a client may in a day; the next day begins at midnight \
                              UTC."
                    .to_owned();
                let headers = vec![("retry-after", retry_after_seconds.to_string())];
                Problem { headers, ..problem(429, "rate_limited", "Too many uploads", detail) }
            }
            Self::UpstreamUnavailable { operation, retry_after_seconds } => {
                let detail = format!(
                    "The upstream does not take this at the moment. {}; try again later.",
                    operation.not_done()
                );
                let headers = vec![("retry-after", retry_after_seconds.to_string())];
                Problem { headers, ..problem(503, "upstream_unavailable", "Upstream unavailable", detail) }
            }
            Self::ThumbnailFailed { retry_after_seconds } => {
                let detail =
                    "The thumbnail could not be made; try again later. The video is there.".to_owned();
                let headers = vec![("retry-after", retry_after_seconds.to_string())];
                Problem { headers, ..problem(503, "upstream_unavailable", "No thumbnail", detail) }
            }
            Self::TooManyUploads => {
                let detail =
                    "Too many images are being uploaded at the moment. No video was started; try again later."
                        .to_owned();
                let headers = vec![("retry-after", "10".to_owned())];
                Problem { headers, ..problem(503, "upstream_unavailable", "Too many uploads", detail) }
            }
            Self::Unaffordable { operation, shortage, retry_after_seconds } => {
                let (status, code, title, reason) = match shortage {
                    Shortage::Budget => (
                        429,
                        "budget_exhausted",
                        "Budget exhausted",
                        "Today's budget does not pay for this. The next one begins at midnight UTC.",
                    ),
                    Shortage::Share => (
                        429,
                        "budget_exhausted",
                        "Budget exhausted",
                        "Your share of today's budget does not pay for this. The next one begins at midnight UTC.",
                    ),
                    Shortage::Price => (
                        503,
                        "upstream_unavailable",
                        "Upstream unavailable",
                        "There is a budget, and nobody can tell at the moment what this video would cost; try again later.",
                    ),
                };
                let detail = format!("{reason} {}.", operation.not_done());
                let headers = vec![("retry-after", retry_after_seconds.to_string())];
                Problem { headers, ..problem(status, code, title, detail) }
            }
            Self::Misconfigured(detail) => problem(500, "misconfigured", "The service is not set up", detail),
            Self::Internal(_) => {
                let detail = "Something went wrong here; the request id finds it in the log.".to_owned();
                problem(500, "internal", "Internal error", detail)
            }
        }
    }
}

/// `error.code` for an unknown model.
const MODEL_NOT_FOUND: &str = "model_not_found";

impl Problem {
    /// Whether the same request can succeed later. OpenAI's SDKs retry after 408, 409, 429 and 5xx unless told not to.
    #[must_use]
    pub fn may_retry(&self) -> bool {
        match self.status {
            429 => self.code != "budget_exhausted",
            500.. => !["misconfigured", "paused"].contains(&self.code),
            _ => false,
        }
    }

    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.code
    }

    /// The JSON body.
    #[must_use]
    pub fn body(&self, request_id: &str) -> String {
        let body = ProblemBody {
            r#type: "about:blank",
            title: self.title,
            status: self.status,
            detail: &self.detail,
            code: self.code,
            request_id,
            errors: &self.errors,
            error: OpenAiError {
                message: &self.detail,
                r#type: match self.status {
                    401 => "authentication_error",
                    429 => "rate_limit_error",
                    500.. => "server_error",
                    _ => "invalid_request_error",
                },
                param: self.errors.first().map(|error| error.field.as_str()),
                code: self.openai_code.unwrap_or(self.code),
            },
            removed: &self.removed,
        };
        serde_json::to_string(&body).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
