//! Streams that buffer nothing: each reports when its reader wants a chunk, and is then given one. A reader that stops
//! costs no more than its last chunk.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use worker::js_sys::Uint8Array;
use worker::wasm_bindgen::closure::Closure;
use worker::wasm_bindgen::prelude::wasm_bindgen;
use worker::web_sys::ReadableStream;

#[wasm_bindgen(module = "/src/runtime/js/demand_stream.js")]
extern "C" {
    #[wasm_bindgen(js_name = onDemand)]
    fn on_demand(callback: &Closure<dyn Fn(u32, bool)>);

    #[wasm_bindgen(js_name = DemandStream)]
    type Pipe;

    #[wasm_bindgen(constructor, js_class = DemandStream)]
    fn new(key: u32) -> Pipe;
    #[wasm_bindgen(method, getter)]
    fn readable(this: &Pipe) -> ReadableStream;
    #[wasm_bindgen(method)]
    fn add(this: &Pipe, chunk: &Uint8Array) -> bool;
    #[wasm_bindgen(method)]
    fn close(this: &Pipe);
    #[wasm_bindgen(method)]
    fn abort(this: &Pipe);
}

/// What a reader did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Demand {
    /// It wants a chunk.
    Chunk,
    /// It is gone.
    Cancelled,
}

type Report = Rc<dyn Fn(Demand)>;

thread_local! {
    /// All streams share one closure, because the garbage collector registers each.
    static CALLBACK: Closure<dyn Fn(u32, bool)> = Closure::new(on_report);
    static IS_LISTENING: Cell<bool> = const { Cell::new(false) };
    static REPORTS: RefCell<BTreeMap<u32, Report>> = const { RefCell::new(BTreeMap::new()) };
    static NEXT_KEY: Cell<u32> = const { Cell::new(0) };
}

/// The writable end. Nothing is reported after it was dropped.
pub struct DemandStream {
    key: u32,
    pipe: Pipe,
}

impl DemandStream {
    /// `report` is called whenever the reader does something, never inside a call of this stream.
    #[must_use]
    pub fn new(report: impl Fn(Demand) + 'static) -> Self {
        if !IS_LISTENING.replace(true) {
            CALLBACK.with(on_demand);
        }
        let key = NEXT_KEY.get();
        NEXT_KEY.set(key.wrapping_add(1));
        REPORTS.with_borrow_mut(|reports| reports.insert(key, Rc::new(report)));
        Self { key, pipe: Pipe::new(key) }
    }

    #[must_use]
    pub fn readable(&self) -> ReadableStream {
        self.pipe.readable()
    }

    /// Adds a chunk, which must be wanted. Returns whether another one is wanted at once; that is not reported.
    #[must_use]
    pub fn add(&self, chunk: &Uint8Array) -> bool {
        self.pipe.add(chunk)
    }

    pub fn close(&self) {
        self.pipe.close();
    }

    /// The reader sees that the stream broke off.
    pub fn abort(&self) {
        self.pipe.abort();
    }
}

impl Drop for DemandStream {
    fn drop(&mut self) {
        REPORTS.with_borrow_mut(|reports| reports.remove(&self.key));
    }
}

fn on_report(key: u32, is_cancelled: bool) {
    let report = REPORTS.with_borrow(|reports| reports.get(&key).cloned());
    if let Some(report) = report {
        report(if is_cancelled { Demand::Cancelled } else { Demand::Chunk });
    }
}
