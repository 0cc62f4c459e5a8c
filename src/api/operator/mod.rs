//! The endpoints of the operator. Without an `OPERATOR_TOKEN` they do not exist.

pub mod clients;
pub mod inspect;
pub mod pause;
pub mod redrive;
pub mod webhook_test;

use super::error::ApiError;
use super::{NO_SUCH_VIDEO, NOTHING_HERE, RequestContext, TOKEN_REQUIRED};
use crate::runtime::http::{Header, Request};
use crate::video::access::bearer::PresentedToken;
use crate::video::id::VideoId;

/// Authenticates the operator, who may read the videos of all owners.
fn authorize(context: &RequestContext<'_>, request: &Request, id: &str) -> Result<VideoId, ApiError> {
    authenticate(context, request)?;
    VideoId::unproven(id).ok_or(NO_SUCH_VIDEO)
}

fn authenticate(context: &RequestContext<'_>, request: &Request) -> Result<(), ApiError> {
    let token = context.config.operator_token.as_ref().ok_or(NOTHING_HERE)?;
    let token_sent = request.header(Header::Authorization).and_then(|header| PresentedToken::read(&header));
    if token_sent.is_some_and(|sent| token.is(&sent)) { Ok(()) } else { Err(TOKEN_REQUIRED) }
}
