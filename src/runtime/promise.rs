//! Awaits JavaScript's promises and timers. The usual bridge creates two garbage-collected closures for each promise; here
//! all promises share one.

use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use worker::js_sys::Promise;
use worker::wasm_bindgen::JsValue;
use worker::wasm_bindgen::closure::Closure;
use worker::wasm_bindgen::prelude::wasm_bindgen;

use super::executor::spawn;

#[wasm_bindgen(module = "/src/runtime/js/promise.js")]
extern "C" {
    #[wasm_bindgen(js_name = onSettled)]
    fn on_settled(callback: &Closure<dyn Fn(usize, bool, JsValue)>);
    fn settle(promise: &Promise, index: usize);
    #[wasm_bindgen(js_name = startTimer)]
    fn start_timer(ms: u32, index: usize) -> JsValue;
}

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = clearTimeout)]
    fn clear_timer(timer: &JsValue);
}

type Outcome = Result<JsValue, JsValue>;

/// The state of one promise.
enum Entry {
    Free,
    Pending(Option<Waker>),
    Settled(Outcome),
    /// The future was dropped before the promise was settled.
    Abandoned,
}

thread_local! {
    static ENTRIES: RefCell<Vec<Entry>> = const { RefCell::new(Vec::new()) };
    static FREE: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
    static CALLBACK: Closure<dyn Fn(usize, bool, JsValue)> = Closure::new(on_result);
    static IS_LISTENING: Cell<bool> = const { Cell::new(false) };
}

/// Awaits a promise.
pub fn settled(promise: &Promise) -> impl Future<Output = Outcome> + Unpin + use<> {
    let waiting = Waiting::begin();
    settle(promise, waiting.index);
    waiting
}

/// Ignores the result of a promise, even if it fails.
pub fn forget(promise: &Promise) {
    let outcome = settled(promise);
    spawn(async move {
        let _ = outcome.await;
    });
}

/// A future that completes after this time.
pub struct Sleep {
    waiting: Waiting,
    timer: JsValue,
}

impl Sleep {
    #[must_use]
    pub fn new(time: Duration) -> Self {
        let waiting = Waiting::begin();
        let timer = start_timer(u32::try_from(time.as_millis()).unwrap_or(u32::MAX), waiting.index);
        Self { waiting, timer }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.waiting).poll(context).map(|_| ())
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if self.waiting.is_pending() {
            // The timer will not call back.
            clear_timer(&self.timer);
            let over = Entry::Settled(Ok(JsValue::UNDEFINED));
            ENTRIES.with_borrow_mut(|entries| put(entries, self.waiting.index, over));
        }
    }
}

/// A future that waits for an entry to be settled.
struct Waiting {
    index: usize,
}

impl Waiting {
    fn begin() -> Self {
        if !IS_LISTENING.replace(true) {
            CALLBACK.with(on_settled);
        }
        let free = FREE.with_borrow_mut(Vec::pop);
        let index = ENTRIES.with_borrow_mut(|entries| {
            let index = free.unwrap_or(entries.len());
            put(entries, index, Entry::Pending(None));
            index
        });
        Self { index }
    }

    fn is_pending(&self) -> bool {
        ENTRIES.with_borrow(|entries| matches!(entries.get(self.index), Some(Entry::Pending(_))))
    }
}

impl Future for Waiting {
    type Output = Outcome;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Outcome> {
        ENTRIES.with_borrow_mut(|entries| {
            if let Entry::Settled(outcome) = put(entries, self.index, Entry::Free) {
                return Poll::Ready(outcome);
            }
            put(entries, self.index, Entry::Pending(Some(context.waker().clone())));
            Poll::Pending
        })
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let is_pending = ENTRIES.with_borrow_mut(|entries| {
            matches!(put(entries, self.index, Entry::Abandoned), Entry::Pending(_))
        });
        if !is_pending {
            free(self.index);
        }
    }
}

fn on_result(index: usize, is_fulfilled: bool, value: JsValue) {
    let outcome = if is_fulfilled { Ok(value) } else { Err(value) };
    match ENTRIES.with_borrow_mut(|entries| put(entries, index, Entry::Settled(outcome))) {
        Entry::Pending(Some(waker)) => waker.wake(),
        Entry::Abandoned => free(index),
        Entry::Pending(None) | Entry::Free | Entry::Settled(_) => {}
    }
}

fn free(index: usize) {
    ENTRIES.with_borrow_mut(|entries| put(entries, index, Entry::Free));
    FREE.with_borrow_mut(|free| free.push(index));
}

/// Replaces an entry and returns the old one.
fn put(entries: &mut Vec<Entry>, index: usize, content: Entry) -> Entry {
    if let Some(entry) = entries.get_mut(index) {
        return std::mem::replace(entry, content);
    }
    entries.push(content);
    Entry::Free
}
