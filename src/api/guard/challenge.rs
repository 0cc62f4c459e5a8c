//! Turnstile: a request that costs money needs the token of a challenge that was just solved. If the token cannot be
//! verified, the request is refused.

use serde_json::json;

use super::siteverify::verify;
use crate::api::RequestContext;
use crate::api::error::ApiError;
use crate::http::turnstile::{Token, Verdict};
use crate::runtime::http::{Header, Request};
use crate::runtime::log::{self, Level};
use crate::runtime::url;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Challenge {
    /// Turnstile is not configured.
    NotNeeded,
    /// The token with this digest is valid.
    Passed(String),
    /// The token with this digest was used before. Its request may have been accepted and the response lost.
    Spent(String),
}

impl Challenge {
    /// Fails unless a new video or file may be created.
    pub const fn passed(&self) -> Result<(), ApiError> {
        match self {
            Self::NotNeeded | Self::Passed(_) => Ok(()),
            Self::Spent(_) => Err(SOLVE_ANOTHER),
        }
    }

    /// The digest of the token.
    pub fn digest(self) -> Option<String> {
        match self {
            Self::NotNeeded => None,
            Self::Passed(digest) | Self::Spent(digest) => Some(digest),
        }
    }
}

const SOLVE_ANOTHER: ApiError =
    ApiError::ChallengeFailed("This token was used before, or is too old. Solve another challenge.");

pub async fn check(context: &RequestContext<'_>, request: &Request) -> Result<Challenge, ApiError> {
    let Some(turnstile) = context.turnstile() else { return Ok(Challenge::NotNeeded) };
    let token =
        request.header(Header::TurnstileToken).and_then(Token::read).ok_or(ApiError::ChallengeFailed(
            "Send the token of a Turnstile challenge that was just solved as Turnstile-Token.",
        ))?;
    let address = request.header(Header::CfConnectingIp);
    match verify(turnstile, &token, address.as_deref(), |host| is_ours(context, host)).await {
        Verdict::Passed => Ok(Challenge::Passed(token.digest())),
        Verdict::Spent => Ok(Challenge::Spent(token.digest())),
        Verdict::Failed => Err(ApiError::ChallengeFailed("The challenge was not solved.")),
        Verdict::Mismatch { hostname, action } => {
            let fields = [("turnstile.hostname", json!(hostname)), ("turnstile.action", json!(action))];
            log::write(Level::Warn, "a Turnstile token is for another site or action", fields);
            Err(ApiError::ChallengeFailed("The challenge was solved elsewhere, or for something else."))
        }
        Verdict::Unknown(reason) => {
            let fields = [("reason", json!(reason))];
            log::write(Level::Error, "verifying a Turnstile token failed: check TURNSTILE_SECRET", fields);
            // The client needs another token in any case, because this one may be used up.
            Err(ApiError::ChallengeFailed("No token can be verified at the moment. Solve another challenge."))
        }
    }
}

/// Whether the host is this Worker's, or that of a listed origin in `ALLOWED_ORIGINS`.
fn is_ours(context: &RequestContext<'_>, hostname: &str) -> bool {
    let mut origins = std::iter::once(&context.origin.url).chain(context.config.allowed_origins.listed());
    origins.any(|origin| url::parse(origin).is_some_and(|url| url.host.eq_ignore_ascii_case(hostname)))
}
