//! The descriptions of models as every isolate has them: kept in KV under `model:{owner/project}`, where the dispatcher
//! writes them, and in memory for a minute.

use std::cell::RefCell;
use std::rc::Rc;

use worker::Env;

use super::kv::Kv;
use crate::runtime::clock;
use crate::runtime::log::{self, Level};
use crate::video::model::{Capabilities, Need};
use crate::video::time::{Millis, UnixMillis};
use crate::wiro::model::{ModelDescription, canonical_slug};

const BINDING: &str = "TASKS";

/// KV itself may show an old value for a minute.
const MEMORY_INTERVAL: Millis = Millis::from_seconds(60);

/// A description is written anew once a day; nothing is to vanish because that failed for long.
const TTL_SECONDS: u64 = 10 * 365 * 86_400;

struct Known {
    slug: String,
    description: Rc<ModelDescription>,
    until: UnixMillis,
}

thread_local! {
    static KNOWN: RefCell<Vec<Known>> = const { RefCell::new(Vec::new()) };
}

/// What is known of that model: from memory, from KV, or built in. Never waits for the upstream.
pub async fn describe(env: &Env, slug: &str) -> Rc<ModelDescription> {
    let now = clock::now();
    let slug = canonical_slug(slug);
    let known = KNOWN.with_borrow(|known| {
        let known = known.iter().find(|known| known.slug == slug);
        known.map(|known| (Rc::clone(&known.description), now < known.until))
    });
    if let Some((description, true)) = known {
        return description;
    }
    let description = match stored(env, &slug).await {
        Ok(Some(description)) => Rc::new(description),
        Ok(None) => Rc::new(ModelDescription::built_in(&slug)),
        Err(error) => {
            log::write(Level::Warn, "reading a model description from KV failed", [("error", error.into())]);
            known.map_or_else(|| Rc::new(ModelDescription::built_in(&slug)), |(known, _)| known)
        }
    };
    remember(&slug, Rc::clone(&description));
    description
}

/// Keeps a description in memory.
pub fn remember(slug: &str, description: Rc<ModelDescription>) {
    let slug = canonical_slug(slug);
    let until = clock::now().after(MEMORY_INTERVAL);
    KNOWN.with_borrow_mut(|known| {
        known.retain(|known| known.slug != slug);
        known.push(Known { slug, description, until });
    });
}

/// What is in memory may be wrong: KV is asked again.
pub fn forget(slug: &str) {
    let slug = canonical_slug(slug);
    KNOWN.with_borrow_mut(|known| known.retain(|known| known.slug != slug));
}

/// Publishes a description, as JSON, to every isolate.
///
/// # Errors
/// If KV refuses.
pub async fn publish(env: &Env, slug: &str, json: &str) -> worker::Result<()> {
    Kv::bound(env, BINDING)?.put(&key(&canonical_slug(slug)), json, TTL_SECONDS, None).await
}

async fn stored(env: &Env, slug: &str) -> Result<Option<ModelDescription>, String> {
    let text = async { Kv::bound(env, BINDING)?.get(&key(slug)).await };
    let text = text.await.map_err(|error| error.to_string())?;
    text.map(|text| serde_json::from_str(&text).map_err(|error| error.to_string())).transpose()
}

fn key(slug: &str) -> String {
    format!("model:{slug}")
}

/// What a submit for that model may ask for.
#[must_use]
pub fn capabilities(slug: &str, model: &ModelDescription) -> Capabilities {
    let need = |required: Option<bool>| match required {
        Some(true) => Need::Required,
        Some(false) => Need::Optional,
        None => Need::None,
    };
    Capabilities {
        prompt: need(model.prompt.as_ref().map(|prompt| prompt.required)),
        first_frame: need(model.first_frame.as_ref().map(|frame| frame.required)),
        last_frame: need(model.last_frame.as_ref().map(|frame| frame.required)),
        resolutions: model.resolutions(),
        durations: model.durations(),
        only_6_seconds_in_1080p: canonical_slug(slug).contains("hailuo"),
    }
}
