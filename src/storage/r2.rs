//! R2 through its plain JavaScript interface. The library's wrapper would add Rust streams to the script; ours are
//! JavaScript's and are passed on unchanged.

use js_sys::{Array, Promise, Uint8Array};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use worker::web_sys::ReadableStream;
use worker::{Env, Result};

use crate::runtime::binding::bound;
use crate::runtime::promise::settled;
use crate::runtime::values::time_to_js;
use crate::video::time::UnixMillis;

type JsResult<T> = std::result::Result<T, JsValue>;

#[wasm_bindgen(module = "/src/storage/r2.js")]
extern "C" {
    #[wasm_bindgen(catch, js_name = getPart)]
    fn get_part(bucket: &R2Bucket, key: &str, offset: f64, length: f64) -> JsResult<Promise>;
    #[wasm_bindgen(catch)]
    fn put(bucket: &R2Bucket, key: &str, value: &JsValue, content_type: &str) -> JsResult<Promise>;
    #[wasm_bindgen(js_name = keysBefore)]
    fn keys_before(bucket: &R2Bucket, prefix: &str, after: &str, limit: u32, before_ms: &JsValue) -> Promise;
    #[wasm_bindgen(catch, js_name = beginUpload)]
    fn begin_upload(bucket: &R2Bucket, key: &str, content_type: &str) -> JsResult<Promise>;
}

#[wasm_bindgen]
extern "C" {
    type R2Bucket;

    #[wasm_bindgen(method, catch)]
    fn head(this: &R2Bucket, key: &str) -> JsResult<Promise>;
    #[wasm_bindgen(method, catch)]
    fn get(this: &R2Bucket, key: &str) -> JsResult<Promise>;
    #[wasm_bindgen(method, catch)]
    fn delete(this: &R2Bucket, keys: Array) -> JsResult<Promise>;

    type R2MultipartUpload;

    #[wasm_bindgen(method, catch, js_name = uploadPart)]
    fn upload_part(this: &R2MultipartUpload, number: u32, value: &JsValue) -> JsResult<Promise>;
    #[wasm_bindgen(method, catch)]
    fn complete(this: &R2MultipartUpload, parts: &Array) -> JsResult<Promise>;
    #[wasm_bindgen(method, catch)]
    fn abort(this: &R2MultipartUpload) -> JsResult<Promise>;

    /// A stored object.
    pub type R2Object;

    #[wasm_bindgen(method, getter, js_name = httpEtag)]
    pub fn http_etag(this: &R2Object) -> String;
    #[wasm_bindgen(method, getter, js_name = size)]
    fn length(this: &R2Object) -> f64;
    #[wasm_bindgen(method, getter)]
    pub fn body(this: &R2Object) -> Option<ReadableStream>;
    #[wasm_bindgen(method, catch, js_name = arrayBuffer)]
    fn array_buffer(this: &R2Object) -> JsResult<Promise>;
    #[wasm_bindgen(method, getter, js_name = httpMetadata)]
    fn http_metadata(this: &R2Object) -> HttpMetadata;

    type HttpMetadata;

    #[wasm_bindgen(method, getter, js_name = contentType)]
    fn content_type(this: &HttpMetadata) -> Option<String>;
}

impl R2Object {
    /// Empty where none was stored.
    #[must_use]
    pub fn content_type(&self) -> String {
        self.http_metadata().content_type().unwrap_or_default()
    }

    /// What was asked of its bytes, copied into wasm: for small parts only.
    pub async fn bytes(&self) -> Result<Vec<u8>> {
        Ok(Uint8Array::new(&settled(&self.array_buffer()?).await?).to_vec())
    }

    /// In bytes.
    #[must_use]
    #[expect(clippy::as_conversions, clippy::cast_possible_truncation, reason = "a whole number below 2^53")]
    #[expect(clippy::cast_sign_loss, reason = "no length is below nothing")]
    pub fn size(&self) -> u64 {
        self.length() as u64
    }
}

pub struct Bucket(R2Bucket);

impl Bucket {
    /// Fails if the binding is missing; the other methods fail if R2 does.
    pub fn bound(env: &Env, name: &str) -> Result<Self> {
        Ok(Self(bound(env, name)?))
    }

    /// An object without its bytes.
    pub async fn head(&self, key: &str) -> Result<Option<R2Object>> {
        let object = settled(&self.0.head(key)?).await?;
        Ok(object.is_object().then(|| object.unchecked_into()))
    }

    /// An object, or the part (offset, length) of its bytes.
    pub async fn get(&self, key: &str, part: Option<(u64, u64)>) -> Result<Option<R2Object>> {
        let object = match part {
            Some((offset, length)) => get_part(&self.0, key, number(offset), number(length)),
            None => self.0.get(key),
        };
        let object = settled(&object?).await?;
        Ok(object.is_object().then(|| object.unchecked_into()))
    }

    /// Stores bytes, or a stream with a known length. If the stream breaks, nothing is stored.
    pub async fn put(&self, key: &str, value: &JsValue, content_type: &str) -> Result<R2Object> {
        stored(put(&self.0, key, value, content_type)).await
    }

    pub async fn delete(&self, keys: &[String]) -> Result<()> {
        let keys = keys.iter().map(|key| JsValue::from_str(key)).collect();
        settled(&self.0.delete(keys)?).await?;
        Ok(())
    }

    /// Keys of objects that were stored before this time, in order: first those after `after`, then those from the
    /// beginning.
    pub async fn keys(
        &self,
        prefix: &str,
        after: &str,
        limit: u32,
        before: UnixMillis,
    ) -> Result<Vec<String>> {
        let keys = settled(&keys_before(&self.0, prefix, after, limit, &time_to_js(before))).await?;
        Ok(Array::from(&keys).iter().filter_map(|key| key.as_string()).collect())
    }

    pub async fn begin_upload(&self, key: &str, content_type: &str) -> Result<PartsUpload> {
        let upload = settled(&begin_upload(&self.0, key, content_type)?).await?;
        Ok(PartsUpload { upload: upload.unchecked_into(), parts: Array::new() })
    }
}

/// A multipart upload; all parts have one size except the last.
pub struct PartsUpload {
    upload: R2MultipartUpload,
    parts: Array,
}

impl PartsUpload {
    /// Fails if R2 refuses, like all methods.
    pub async fn add(&self, part: &JsValue) -> Result<()> {
        let part = settled(&self.upload.upload_part(self.parts.length() + 1, part)?).await?;
        self.parts.push(&part);
        Ok(())
    }

    pub async fn complete(&self) -> Result<R2Object> {
        stored(self.upload.complete(&self.parts)).await
    }

    pub async fn abort(&self) -> Result<()> {
        settled(&self.upload.abort()?).await?;
        Ok(())
    }
}

async fn stored(promise: JsResult<Promise>) -> Result<R2Object> {
    let object = settled(&promise?).await?;
    if object.is_object() { Ok(object.unchecked_into()) } else { Err("R2 returned no object".into()) }
}

#[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "lengths are below 2^53")]
const fn number(bytes: u64) -> f64 {
    bytes as f64
}
