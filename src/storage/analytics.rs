//! A data set of Workers Analytics Engine: a data point for each accepted video and for each end. The binding is
//! optional.

use serde_json::json;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::{Env, Result};

use crate::runtime::binding::bound;

const BINDING: &str = "ANALYTICS";

#[wasm_bindgen]
extern "C" {
    type Dataset;

    #[wasm_bindgen(method, catch, js_name = writeDataPoint)]
    fn write_data_point(this: &Dataset, point: &JsValue) -> std::result::Result<(), JsValue>;
}

/// What happened to a video.
#[derive(Clone, Copy, Debug)]
pub struct DataPoint<'a> {
    /// `accepted`, `completed`, `failed` or `cancelled`.
    pub event: &'a str,
    /// Empty for videos without a client.
    pub client: &'a str,
    pub model: &'a str,
    /// The code of a failure, or empty.
    pub code: &'a str,
    /// US dollars.
    pub cost: f64,
    /// From the submit to the event.
    pub seconds: i64,
}

/// Writes a data point, if there is a data set. The runtime sends it later.
///
/// # Errors
/// If the runtime refuses it.
pub fn write(
    env: &Env,
    DataPoint { event, client, model, code, cost, seconds }: DataPoint<'_>,
) -> Result<()> {
    let Ok(dataset) = bound::<Dataset>(env, BINDING) else { return Ok(()) };
    let point = json!({
        "indexes": [client],
        "blobs": [event, client, model, code],
        "doubles": [cost, seconds],
    });
    Ok(dataset.write_data_point(&js_sys::JSON::parse(&point.to_string())?)?)
}
