//! Whether somebody human asks: with Turnstile, what costs money needs the token of a challenge that was just
//! solved. Whatever is not a plain yes is a no.

use serde_json::json;

use super::Call;
use crate::error::ApiError;
use crate::platform::http::{Header, Request};
use crate::platform::log::{self, Level};
use crate::platform::siteverify::verify;
use crate::platform::url;
use crate::turnstile::{Token, Verdict};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Challenge {
    /// Or there is none to pass.
    Passed,
    /// The token was good once: its request may have been taken, and its answer lost.
    Spent,
}

impl Challenge {
    /// For what is new.
    pub const fn passed(self) -> Result<(), ApiError> {
        match self {
            Self::Passed => Ok(()),
            Self::Spent => Err(SOLVE_ANOTHER),
        }
    }
}

const SOLVE_ANOTHER: ApiError =
    ApiError::ChallengeFailed("This token was used before, or is too old. Solve another challenge.");

pub async fn check(call: &Call<'_>, request: &Request) -> Result<Challenge, ApiError> {
    let Some(turnstile) = &call.config.turnstile else { return Ok(Challenge::Passed) };
    let token =
        request.header(Header::TurnstileToken).and_then(Token::read).ok_or(ApiError::ChallengeFailed(
            "Send the token of a Turnstile challenge that was just solved as Turnstile-Token.",
        ))?;
    let address = request.header(Header::CfConnectingIp);
    match verify(turnstile, &token, address.as_deref(), |host| is_ours(call, host)).await {
        Verdict::Passed => Ok(Challenge::Passed),
        Verdict::Spent => Ok(Challenge::Spent),
        Verdict::Failed => Err(ApiError::ChallengeFailed("The challenge was not solved.")),
        Verdict::Elsewhere { hostname, action } => {
            let fields = [("turnstile.hostname", json!(hostname)), ("turnstile.action", json!(action))];
            log::write(Level::Warn, "a Turnstile token is not of this Worker's pages", fields);
            Err(ApiError::ChallengeFailed("The challenge was solved elsewhere, or for something else."))
        }
        Verdict::Unknown(reason) => {
            let fields = [("reason", json!(reason))];
            log::write(Level::Error, "Turnstile does not verify: check TURNSTILE_SECRET", fields);
            // Another token is needed anyway: this one may be spent.
            Err(ApiError::ChallengeFailed("No token can be verified at the moment. Solve another challenge."))
        }
    }
}

/// Pages of ours are at this Worker, or at one of the `ALLOWED_ORIGINS` that are listed by name.
fn is_ours(call: &Call<'_>, hostname: &str) -> bool {
    let mut origins = std::iter::once(&call.origin).chain(call.config.allowed_origins.listed());
    origins.any(|origin| url::parse(origin).is_some_and(|url| url.host.eq_ignore_ascii_case(hostname)))
}
