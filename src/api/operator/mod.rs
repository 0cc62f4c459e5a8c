//! The endpoints of the operator. Without an `OPERATOR_TOKEN` they do not exist.

pub mod act;
pub mod clients;
pub mod inspect;
pub mod pause;
pub mod usage;
pub mod videos;
pub mod webhook_test;

use super::error::ApiError;
use super::guard::limits;
use super::{NO_SUCH_VIDEO, NOTHING_HERE, RequestContext, TOKEN_REQUIRED};
use crate::runtime::http::{Header, Request};
use crate::video::access::bearer::PresentedToken;
use crate::video::id::VideoId;

/// Authenticates the operator, who may read the videos of all owners.
async fn authorize(context: &RequestContext<'_>, request: &Request, id: &str) -> Result<VideoId, ApiError> {
    authenticate(context, request).await?;
    VideoId::unproven(id).ok_or(NO_SUCH_VIDEO)
}

/// Wrong tokens of an address are limited, so that nobody can try many.
pub async fn authenticate(context: &RequestContext<'_>, request: &Request) -> Result<(), ApiError> {
    let token = context.config.operator_token.as_ref().ok_or(NOTHING_HERE)?;
    let Some(authorization) = request.header(Header::Authorization) else { return Err(TOKEN_REQUIRED) };
    if PresentedToken::read(&authorization).is_some_and(|sent| token.is(&sent)) {
        return Ok(());
    }
    limits::check_wrong_token(context, request).await?;
    Err(TOKEN_REQUIRED)
}
