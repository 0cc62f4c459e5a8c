//! JavaScript's promises and timers, awaited. The usual bridge makes two closures for each promise, and the
//! garbage collector watches over each; here all share one.

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
    fn on_settled(tell: &Closure<dyn Fn(usize, bool, JsValue)>);
    fn settle(promise: &Promise, slot: usize);
    #[wasm_bindgen(js_name = startTimer)]
    fn start_timer(ms: u32, slot: usize) -> JsValue;
}

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = clearTimeout)]
    fn clear_timer(timer: &JsValue);
}

type Outcome = Result<JsValue, JsValue>;

/// What is known of one promise.
enum Slot {
    Free,
    Pending(Option<Waker>),
    Settled(Outcome),
    /// Nobody waits any more, but it is still to settle.
    Abandoned,
}

thread_local! {
    static SLOTS: RefCell<Vec<Slot>> = const { RefCell::new(Vec::new()) };
    static FREE: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
    static TELL: Closure<dyn Fn(usize, bool, JsValue)> = Closure::new(told);
    static IS_LISTENING: Cell<bool> = const { Cell::new(false) };
}

/// What a promise comes to.
pub fn settled(promise: &Promise) -> impl Future<Output = Outcome> + Unpin + use<> {
    let waiting = Waiting::begin();
    settle(promise, waiting.slot);
    waiting
}

/// Leaves a promise to itself: nobody waits for it, and it may fail.
pub fn forget(promise: &Promise) {
    let outcome = settled(promise);
    spawn(async move {
        let _ = outcome.await;
    });
}

/// Nothing, for so long.
pub struct Sleep {
    waiting: Waiting,
    timer: JsValue,
}

impl Sleep {
    #[must_use]
    pub fn new(time: Duration) -> Self {
        let waiting = Waiting::begin();
        let timer = start_timer(u32::try_from(time.as_millis()).unwrap_or(u32::MAX), waiting.slot);
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
            // It will not tell any more.
            clear_timer(&self.timer);
            let over = Slot::Settled(Ok(JsValue::UNDEFINED));
            SLOTS.with_borrow_mut(|slots| put(slots, self.waiting.slot, over));
        }
    }
}

/// Whoever waits in a slot.
struct Waiting {
    slot: usize,
}

impl Waiting {
    fn begin() -> Self {
        if !IS_LISTENING.replace(true) {
            TELL.with(on_settled);
        }
        let free = FREE.with_borrow_mut(Vec::pop);
        let slot = SLOTS.with_borrow_mut(|slots| {
            let slot = free.unwrap_or(slots.len());
            put(slots, slot, Slot::Pending(None));
            slot
        });
        Self { slot }
    }

    fn is_pending(&self) -> bool {
        SLOTS.with_borrow(|slots| matches!(slots.get(self.slot), Some(Slot::Pending(_))))
    }
}

impl Future for Waiting {
    type Output = Outcome;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Outcome> {
        SLOTS.with_borrow_mut(|slots| {
            if let Slot::Settled(outcome) = put(slots, self.slot, Slot::Free) {
                return Poll::Ready(outcome);
            }
            put(slots, self.slot, Slot::Pending(Some(context.waker().clone())));
            Poll::Pending
        })
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let is_pending =
            SLOTS.with_borrow_mut(|slots| matches!(put(slots, self.slot, Slot::Abandoned), Slot::Pending(_)));
        if !is_pending {
            free(self.slot);
        }
    }
}

fn told(slot: usize, is_kept: bool, value: JsValue) {
    let outcome = if is_kept { Ok(value) } else { Err(value) };
    match SLOTS.with_borrow_mut(|slots| put(slots, slot, Slot::Settled(outcome))) {
        Slot::Pending(Some(waker)) => waker.wake(),
        Slot::Abandoned => free(slot),
        Slot::Pending(None) | Slot::Free | Slot::Settled(_) => {}
    }
}

fn free(slot: usize) {
    SLOTS.with_borrow_mut(|slots| put(slots, slot, Slot::Free));
    FREE.with_borrow_mut(|free| free.push(slot));
}

/// Puts something into a slot, and gives out what was there.
fn put(slots: &mut Vec<Slot>, slot: usize, content: Slot) -> Slot {
    if let Some(place) = slots.get_mut(slot) {
        return std::mem::replace(place, content);
    }
    slots.push(content);
    Slot::Free
}
