//! `GET /v1/models` and `/v1/models/{name}`: the offered models with their capabilities and prices.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use serde::Serialize;
use serde_json::json;

use super::error::ApiError;
use super::{RequestContext, respond};
use crate::calls::dispatcher::DispatcherClient;
use crate::config::offered_models::OfferedModel;
use crate::config::prices::price_of;
use crate::http::percent;
use crate::runtime::http::{Request, Response};
use crate::runtime::join;
use crate::runtime::log::{self, Level};
use crate::runtime::timeout::with_timeout;
use crate::storage::models;
use crate::video::model::{Capabilities, Need};
use crate::video::request::MAX_PROMPT_CHARS;
use crate::wiro::model::{ModelDescription, Source, canonical_slug};

/// How long a response waits for the description of a model that Wiro never described.
const DESCRIBE_TIMEOUT: Duration = Duration::from_secs(2);

/// The release dates of model families, in unix seconds. Wiro does not provide them.
const CREATED: [(&str, i64); 2] = [("hailuo-2-3", 1_761_609_600), ("hailuo-02", 1_750_204_800)];

#[derive(Serialize)]
struct Model<'a> {
    id: &'a str,
    object: &'static str,
    /// Unix seconds; 0 if unknown.
    created: i64,
    owned_by: String,
    capabilities: ModelCapabilities,
    /// The known prices by resolution and seconds.
    prices_usd: Option<BTreeMap<String, String>>,
    source: Source,
    /// When the description was read from Wiro, in unix seconds.
    read_at: Option<i64>,
}

#[derive(Serialize)]
struct ModelCapabilities {
    resolutions: Vec<String>,
    /// Seconds.
    durations: Vec<u16>,
    /// The allowed combinations of resolution and duration.
    combinations: Vec<(Option<String>, Option<u16>)>,
    first_frame: &'static str,
    last_frame: bool,
    prompt: &'static str,
    prompt_max_chars: usize,
}

pub async fn list(context: &RequestContext<'_>, request: &Request) -> Result<Response, ApiError> {
    context.authenticate(request)?;
    let described = join::all(context.config.models.all().map(|model| describe(context, model))).await;
    let data: Vec<Model> = context
        .config
        .models
        .all()
        .zip(&described)
        .map(|(offered, description)| model(context, offered, description))
        .collect();
    json_response(&json!({ "object": "list", "data": data }))
}

pub async fn read(context: &RequestContext<'_>, request: &Request, name: &str) -> Result<Response, ApiError> {
    context.authenticate(request)?;
    let name = String::from_utf8(percent::decode(name)).map_err(|_| ApiError::ModelNotFound)?;
    let offered = context.config.models.find(&name).ok_or(ApiError::ModelNotFound)?;
    let description = describe(context, offered).await;
    json_response(&model(context, offered, &description))
}

fn json_response(body: &impl Serialize) -> Result<Response, ApiError> {
    Ok(respond::json(200, body)?.with("cache-control", "private, no-cache"))
}

/// The description of the model. If none is stored, Wiro is asked for it, with a short timeout.
async fn describe(context: &RequestContext<'_>, model: &OfferedModel) -> Rc<ModelDescription> {
    let known = models::describe(context.env, &model.path).await;
    if known.read_at.is_some() {
        return known;
    }
    let request = async { DispatcherClient::new(context.env)?.describe_model(&model.path).await };
    match with_timeout(DESCRIBE_TIMEOUT, request).await {
        Ok(Ok(Some(description))) => {
            let description = Rc::new(description);
            models::remember(&model.path, Rc::clone(&description));
            description
        }
        Ok(Ok(None)) | Err(_) => known,
        Ok(Err(error)) => {
            log::write(Level::Warn, "describing the model failed", [("error", error.to_string().into())]);
            known
        }
    }
}

fn model<'a>(
    context: &RequestContext<'_>,
    OfferedModel { name, path }: &'a OfferedModel,
    description: &ModelDescription,
) -> Model<'a> {
    let capabilities = models::capabilities(path, description);
    let slug = canonical_slug(path);
    let (owner, project) = slug.split_once('/').unwrap_or_default();
    let released = CREATED.iter().find(|(family, _)| project.contains(family));
    let prices: BTreeMap<String, String> = capabilities
        .formats()
        .into_iter()
        .filter_map(|(resolution, seconds)| {
            let resolution = resolution.as_ref().map_or("", |resolution| resolution.as_str());
            let seconds = seconds.map(|seconds| seconds.to_string()).unwrap_or_default();
            let format = format!("{resolution}/{seconds}");
            let price = price_of(&context.config, path, &description.prices, &format)?;
            Some((format, price.to_string()))
        })
        .collect();
    Model {
        id: name,
        object: "model",
        created: released.map_or(0, |(_, at)| *at),
        owned_by: owner.to_owned(),
        capabilities: to_public(&capabilities),
        prices_usd: Some(prices).filter(|prices| !prices.is_empty()),
        source: description.source,
        read_at: description.read_at,
    }
}

fn to_public(capabilities: &Capabilities) -> ModelCapabilities {
    let need = |need: Need| match need {
        Need::Required => "required",
        Need::Optional => "optional",
        Need::None => "none",
    };
    let combinations = capabilities
        .formats()
        .into_iter()
        .map(|(resolution, seconds)| (resolution.map(|resolution| resolution.as_str().to_owned()), seconds));
    ModelCapabilities {
        resolutions: capabilities.resolutions.clone(),
        durations: capabilities.durations.clone(),
        combinations: combinations.collect(),
        first_frame: need(capabilities.first_frame),
        last_frame: capabilities.last_frame != Need::None,
        prompt: need(capabilities.prompt),
        prompt_max_chars: MAX_PROMPT_CHARS,
    }
}
