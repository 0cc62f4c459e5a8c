//! Workers KV through its plain JavaScript interface. The library's wrapper would add a second serializer to the
//! script.

use js_sys::{Array, Map, Object, Promise, Reflect};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use worker::{Env, Result};

use crate::runtime::binding::bound;
use crate::runtime::promise::settled;

#[wasm_bindgen]
extern "C" {
    type KvNamespace;

    #[wasm_bindgen(method, catch)]
    fn get(this: &KvNamespace, key: JsValue) -> std::result::Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn put(
        this: &KvNamespace,
        key: &str,
        value: &str,
        options: &Object,
    ) -> std::result::Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn delete(this: &KvNamespace, key: &str) -> std::result::Result<Promise, JsValue>;
}

pub struct Kv(KvNamespace);

impl Kv {
    /// Fails if the binding is missing; the other methods fail if KV does.
    pub fn bound(env: &Env, name: &str) -> Result<Self> {
        Ok(Self(bound(env, name)?))
    }

    pub async fn get(&self, key: &str) -> Result<Option<String>> {
        Ok(settled(&self.0.get(key.into())?).await?.as_string())
    }

    /// The values of at most 100 keys, in one operation.
    pub async fn get_all(&self, keys: &[String]) -> Result<Vec<Option<String>>> {
        let wanted: Array = keys.iter().map(|key| JsValue::from_str(key)).collect();
        let found: Map = settled(&self.0.get(wanted.into())?).await?.unchecked_into();
        Ok(keys.iter().map(|key| found.get(&key.into()).as_string()).collect())
    }

    /// Writes a value that expires after `ttl_seconds`; `metadata` is JSON.
    pub async fn put(&self, key: &str, value: &str, ttl_seconds: u64, metadata: Option<&str>) -> Result<()> {
        let options = Object::new();
        let ttl = u32::try_from(ttl_seconds).unwrap_or(u32::MAX);
        Reflect::set(&options, &"expirationTtl".into(), &ttl.into())?;
        if let Some(metadata) = metadata {
            Reflect::set(&options, &"metadata".into(), &js_sys::JSON::parse(metadata)?)?;
        }
        settled(&self.0.put(key, value, &options)?).await?;
        Ok(())
    }

    pub async fn delete(&self, key: &str) -> Result<()> {
        settled(&self.0.delete(key)?).await?;
        Ok(())
    }
}
