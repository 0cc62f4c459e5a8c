//! Cloudflare's Media Transformations, which take a frame out of a video. The binding is optional: without it there are no
//! thumbnails.

use js_sys::Promise;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::web_sys::{ReadableStream, Response};
use worker::{Env, Result};

use crate::runtime::binding::bound;
use crate::runtime::promise::settled;

const BINDING: &str = "MEDIA";

#[wasm_bindgen(module = "/src/storage/media.js")]
extern "C" {
    fn frame(media: &Binding, video: &ReadableStream, time: &str) -> Promise;
}

#[wasm_bindgen]
extern "C" {
    type Binding;
}

/// Whether this Worker can make thumbnails.
#[must_use]
pub fn is_bound(env: &Env) -> bool {
    bound::<Binding>(env, BINDING).is_ok()
}

pub struct Media(Binding);

impl Media {
    /// # Errors
    /// If the binding is missing.
    pub fn new(env: &Env) -> Result<Self> {
        Ok(Self(bound(env, BINDING)?))
    }

    /// A response with a JPEG of the frame at this time (`1s`), which is not verified yet.
    ///
    /// # Errors
    /// If the transformation fails.
    pub async fn frame(&self, video: &ReadableStream, time: &str) -> Result<Response> {
        Ok(settled(&frame(&self.0, video, time)).await?.unchecked_into())
    }
}
