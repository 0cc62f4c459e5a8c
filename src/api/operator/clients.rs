//! `/operator/clients`: the clients of the settings and those that the operator manages at run time.

use std::time::Duration;

use base32ct::{Base32Unpadded, Encoding};
use serde_json::{Map, Value, json};

use super::act::each;
use super::authenticate;
use crate::api::delete::remove as remove_video;
use crate::api::error::ApiError;
use crate::api::{RequestContext, internal, respond};
use crate::calls::clients::{ClientInfo, ClientReply, ClientRequest, invalidate_managed_clients};
use crate::calls::dispatcher::DispatcherClient;
use crate::calls::task::Message;
use crate::calls::uploads::{UploadMessage, UploadReply};
use crate::http::percent;
use crate::runtime::clock;
use crate::runtime::http::{Request, Response};
use crate::runtime::streams::StreamError;
use crate::video::access::client_change::ClientChange;
use crate::video::access::managed_clients::{TOKEN_PREFIX, hash_of};
use crate::video::access::owner::Owner;
use crate::video::record::listing::operator::OperatorListing;
use crate::video::record::listing::{Filter, Listing, Start};
use crate::video::request::FieldError;
use crate::video::request::whole_number;

const MAX_BODY_BYTES: u32 = 64 * 1024;
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// Random bytes of a token: 160 bits, 32 characters of base32.
const TOKEN_BYTES: usize = 20;

/// How long the token before stays valid, unless the request says otherwise.
const KEEP_OLD_SECONDS: i64 = 86_400;
const MAX_KEEP_OLD_SECONDS: i64 = 30 * 86_400;

const NO_SUCH_CLIENT: ApiError = ApiError::NotFound("There is no such client.");
const NAME_RULE: &str = "must be 1 to 64 visible ASCII characters without a colon";

pub async fn list(context: &RequestContext<'_>, request: &Request) -> Result<Response, ApiError> {
    authenticate(context, request).await?;
    match ask(context, ClientRequest::List).await? {
        ClientReply::List { clients, paused } => {
            answer(200, &json!({ "object": "list", "data": clients, "paused": paused }))
        }
        reply => Err(refusal(&reply)),
    }
}

/// Makes a client. Its token is in this answer only.
pub async fn create(context: &RequestContext<'_>, request: &Request) -> Result<Response, ApiError> {
    authenticate(context, request).await?;
    let members = read_members(request).await?;
    let name = members.get("name").and_then(Value::as_str).and_then(Owner::named);
    let change = ClientChange::read(&members, &["name"]);
    let (name, change) = match (name, change) {
        (Some(name), Ok(change)) => (name, change),
        (name, change) => {
            let mut errors = change.err().unwrap_or_default();
            if name.is_none() {
                errors.insert(0, field_error("name", NAME_RULE));
            }
            return Err(ApiError::InvalidParameter(errors));
        }
    };
    let token = new_token()?;
    let token_sha256 = hash_of(&token);
    let reply = ask(context, ClientRequest::Create { name, token_sha256, change }).await?;
    show_token(201, reply, &token)
}

/// Replaces a client's token.
pub async fn rotate(
    context: &RequestContext<'_>,
    request: &Request,
    name: &str,
) -> Result<Response, ApiError> {
    authenticate(context, request).await?;
    let name = named(name)?;
    let members = read_members(request).await?;
    let mut errors: Vec<FieldError> = members
        .keys()
        .filter(|member| *member != "keep_old_seconds")
        .map(|member| field_error(member, "is not a field"))
        .collect();
    let keep_seconds = match members.get("keep_old_seconds") {
        None | Some(Value::Null) => Some(KEEP_OLD_SECONDS),
        Some(seconds) => whole_number(seconds),
    };
    let keep_seconds = keep_seconds.filter(|seconds| (0..=MAX_KEEP_OLD_SECONDS).contains(seconds));
    if keep_seconds.is_none() {
        let rule = format!("must be a whole number of seconds up to {MAX_KEEP_OLD_SECONDS}");
        errors.push(field_error("keep_old_seconds", &rule));
    }
    let Some(keep_seconds) = keep_seconds.filter(|_| errors.is_empty()) else {
        return Err(ApiError::InvalidParameter(errors));
    };
    let token = new_token()?;
    let token_sha256 = hash_of(&token);
    show_token(200, ask(context, ClientRequest::Rotate { name, token_sha256, keep_seconds }).await?, &token)
}

pub async fn change(
    context: &RequestContext<'_>,
    request: &Request,
    name: &str,
) -> Result<Response, ApiError> {
    authenticate(context, request).await?;
    let name = named(name)?;
    let members = read_members(request).await?;
    let change = ClientChange::read(&members, &[]).map_err(ApiError::InvalidParameter)?;
    match ask(context, ClientRequest::Change { name, change }).await? {
        ClientReply::Client(client) => answer(200, &client),
        reply => Err(refusal(&reply)),
    }
}

/// Removes a client. Its videos stay, unless the query asks for their removal too.
pub async fn remove(
    context: &RequestContext<'_>,
    request: &Request,
    name: &str,
) -> Result<Response, ApiError> {
    authenticate(context, request).await?;
    let name = named(name)?;
    match request.parameter("videos") {
        None | Some("false") => {}
        Some("true") => return erase(context, name).await,
        Some(_) => {
            return Err(ApiError::InvalidParameter(vec![field_error("videos", "must be true or false")]));
        }
    }
    match ask(context, ClientRequest::Remove { name: name.clone() }).await? {
        ClientReply::Removed => answer(200, &json!({ "name": name, "deleted": true })),
        reply => Err(refusal(&reply)),
    }
}

/// Removes everything of a client, as many videos as one call can; also of one that was removed before. What its videos
/// cost stays in the books.
async fn erase(context: &RequestContext<'_>, name: Owner) -> Result<Response, ApiError> {
    // 1. Its tokens first, so that nothing new comes.
    let reply = ask(context, ClientRequest::Remove { name: name.clone() }).await?;
    let is_configured = matches!(reply, ClientReply::Configured);
    // 2. Its videos, with Wiro's files of them. One that was removed meanwhile is no failure.
    let listing = Listing { limit: 1, start: Start::First, oldest_first: false, filter: Filter::default() };
    let wanted = OperatorListing { client: Some(name.clone()), listing };
    let videos = each(context, wanted, async |id| match remove_video(context, &id, &Message::Erase).await {
        Err(ApiError::NotFound(_)) => Ok(()),
        erased => erased,
    });
    let videos = videos.await?;
    // 3. All else. Wiro deletes an upload only with a job that used it.
    let dispatcher = DispatcherClient::new(context.env)?;
    dispatcher.erase_client(&name).await.map_err(internal)?;
    let uploads = match dispatcher.uploads(&name, UploadMessage::List).await.map_err(internal)? {
        UploadReply::List(ids) => ids,
        UploadReply::Ack | UploadReply::AreOwn(_) => Vec::new(),
    };
    let has_more = videos.has_more;
    answer(
        200,
        &json!({
            "name": name,
            "deleted": !is_configured,
            "videos": videos,
            "uploads_at_wiro": uploads,
            "has_more": has_more,
        }),
    )
}

async fn ask(context: &RequestContext<'_>, request: ClientRequest) -> Result<ClientReply, ApiError> {
    let is_change = !matches!(request, ClientRequest::List);
    let reply = DispatcherClient::new(context.env)?.clients(request).await.map_err(internal);
    if is_change {
        invalidate_managed_clients();
    }
    reply
}

fn show_token(status: u16, reply: ClientReply, token: &str) -> Result<Response, ApiError> {
    #[derive(serde::Serialize)]
    struct WithToken<'a> {
        #[serde(flatten)]
        client: ClientInfo,
        token: &'a str,
    }
    match reply {
        ClientReply::Client(client) => answer(status, &WithToken { client, token }),
        reply => Err(refusal(&reply)),
    }
}

fn refusal(reply: &ClientReply) -> ApiError {
    match reply {
        ClientReply::NotFound => NO_SUCH_CLIENT,
        ClientReply::Exists => ApiError::Conflict("There is a client with this name."),
        ClientReply::Configured => ApiError::Conflict(
            "This client and its tokens are in CLIENT_TOKENS: change or remove them there. It can be paused here.",
        ),
        ClientReply::TooMany => ApiError::Conflict("There are as many clients as there may be."),
        ClientReply::SecretTaken => {
            let rule = "is the secret of another client, who could sign messages for this one";
            ApiError::InvalidParameter(vec![field_error("webhook_secret", rule)])
        }
        ClientReply::List { .. } | ClientReply::Client(_) | ClientReply::Removed => {
            internal("an unexpected reply about clients")
        }
    }
}

fn new_token() -> Result<String, ApiError> {
    let random = clock::random::<TOKEN_BYTES>().map_err(internal)?;
    Ok(format!("{TOKEN_PREFIX}{}", Base32Unpadded::encode_string(&random)))
}

/// The client's name from the path.
fn named(text: &str) -> Result<Owner, ApiError> {
    let name = String::from_utf8(percent::decode(text)).unwrap_or_default();
    Owner::named(&name).ok_or(NO_SUCH_CLIENT)
}

/// The members of the JSON object in the body; none if the body is empty.
async fn read_members(request: &Request) -> Result<Map<String, Value>, ApiError> {
    let body = request.read_body(MAX_BODY_BYTES, IDLE_TIMEOUT).await.map_err(|error| match error {
        StreamError::TooLong(_) => {
            ApiError::PayloadTooLarge(format!("The body has at most {MAX_BODY_BYTES} bytes (64 KiB)."))
        }
        other => ApiError::InvalidRequest(other.to_string()),
    })?;
    if body.is_empty() {
        return Ok(Map::new());
    }
    serde_json::from_slice(&body)
        .map_err(|error| ApiError::InvalidRequest(format!("The body is not a JSON object: {error}.")))
}

fn field_error(field: &str, message: &str) -> FieldError {
    FieldError { field: field.to_owned(), message: message.to_owned() }
}

fn answer<B: serde::Serialize>(status: u16, body: &B) -> Result<Response, ApiError> {
    Ok(respond::json(status, body)?.with("cache-control", "no-store"))
}
