//! Bytes in JavaScript's memory for the parser in [`multipart`](crate::http::multipart). JavaScript searches and slices
//! them; they are never copied into wasm.

use worker::js_sys::Uint8Array;
use worker::wasm_bindgen::prelude::wasm_bindgen;

use super::streams::chunk_of;
use crate::http::multipart::Bytes;

#[wasm_bindgen(module = "/src/runtime/js/chunk.js")]
extern "C" {
    fn find(bytes: &Uint8Array, needle: &str, from: u32) -> i32;

    /// Concatenates two byte arrays.
    pub fn joined(first: &Uint8Array, second: &Uint8Array) -> Uint8Array;
}

pub struct Chunk(pub Uint8Array);

impl Bytes for Chunk {
    fn of(text: &str) -> Self {
        Self(chunk_of(text))
    }

    fn len(&self) -> usize {
        to_usize(self.0.length())
    }

    fn find(&self, needle: &str, from: usize) -> Option<usize> {
        usize::try_from(find(&self.0, needle, to_u32(from))).ok()
    }

    fn slice(&self, start: usize, end: usize) -> Self {
        Self(self.0.subarray(to_u32(start), to_u32(end)))
    }

    fn joined(&self, next: &Self) -> Self {
        Self(joined(&self.0, &next.0))
    }

    fn to_vec(&self) -> Vec<u8> {
        self.0.to_vec()
    }
}

#[must_use]
pub fn to_usize(length: u32) -> usize {
    usize::try_from(length).unwrap_or(usize::MAX)
}

/// Chunks are far smaller than 4 GiB.
fn to_u32(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
