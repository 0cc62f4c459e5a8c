//! Runs futures. Whatever can go on goes on at once, inside the call from JavaScript that made it possible; the
//! usual executor comes back in a microtask instead, which each time is a way through JavaScript and back.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};

use worker::js_sys::Promise;
use worker::wasm_bindgen::JsValue;
use worker::wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen]
extern "C" {
    type Deferred;

    #[wasm_bindgen(js_namespace = Promise, js_name = withResolvers)]
    fn with_resolvers() -> Deferred;
    #[wasm_bindgen(method, getter)]
    fn promise(this: &Deferred) -> Promise;
    #[wasm_bindgen(method)]
    fn resolve(this: &Deferred, value: &JsValue);
    #[wasm_bindgen(method)]
    fn reject(this: &Deferred, error: &JsValue);
}

type Work = Pin<Box<dyn Future<Output = ()>>>;

struct Task {
    /// Taken out while it runs, and when it is done.
    work: Option<Work>,
    is_ready: bool,
    waker: Waker,
}

thread_local! {
    static TASKS: RefCell<Vec<Task>> = const { RefCell::new(Vec::new()) };
    /// Places in `TASKS` of those that are done.
    static FREE: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
    static READY: RefCell<VecDeque<usize>> = const { RefCell::new(VecDeque::new()) };
    static IS_RUNNING: Cell<bool> = const { Cell::new(false) };
}

/// Names a task by its place. One that has gone may wake the next in its place, which does no harm.
struct Wakeup(usize);

impl Wake for Wakeup {
    fn wake(self: Arc<Self>) {
        ready(self.0);
    }
}

/// A promise of what the work comes to.
pub fn promised(work: impl Future<Output = Result<JsValue, JsValue>> + 'static) -> Promise {
    let deferred = with_resolvers();
    let promise = deferred.promise();
    spawn(async move {
        match work.await {
            Ok(value) => deferred.resolve(&value),
            Err(error) => deferred.reject(&error),
        }
    });
    promise
}

/// Begins some work, and runs it as far as it goes by itself.
pub fn spawn(work: impl Future<Output = ()> + 'static) {
    let work: Option<Work> = Some(Box::pin(work));
    let free = FREE.with_borrow_mut(Vec::pop);
    let place = TASKS.with_borrow_mut(|tasks| {
        if let Some((place, task)) = free.and_then(|place| Some((place, tasks.get_mut(place)?))) {
            task.work = work;
            return place;
        }
        let place = tasks.len();
        tasks.push(Task { work, is_ready: false, waker: Arc::new(Wakeup(place)).into() });
        place
    });
    ready(place);
}

fn ready(place: usize) {
    let was_ready = TASKS.with_borrow_mut(|tasks| match tasks.get_mut(place) {
        Some(task) => std::mem::replace(&mut task.is_ready, true),
        None => true,
    });
    if !was_ready {
        READY.with_borrow_mut(|ready| ready.push_back(place));
    }
    // Otherwise it is on its way already, further up this very call.
    if !IS_RUNNING.replace(true) {
        run();
        IS_RUNNING.set(false);
    }
}

fn run() {
    while let Some(place) = READY.with_borrow_mut(VecDeque::pop_front) {
        let taken = TASKS.with_borrow_mut(|tasks| {
            let task = tasks.get_mut(place)?;
            task.is_ready = false;
            Some((task.work.take()?, task.waker.clone()))
        });
        let Some((mut work, waker)) = taken else { continue };
        if work.as_mut().poll(&mut Context::from_waker(&waker)).is_ready() {
            drop(work);
            FREE.with_borrow_mut(|free| free.push(place));
            continue;
        }
        TASKS.with_borrow_mut(|tasks| {
            if let Some(task) = tasks.get_mut(place) {
                task.work = Some(work);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use futures_channel::oneshot;

    use super::*;

    #[test]
    fn what_can_go_on_does_so_at_once() {
        let seen = Rc::new(RefCell::new(Vec::new()));
        let (sender, receiver) = oneshot::channel::<u8>();
        let see = Rc::clone(&seen);
        spawn(async move {
            see.borrow_mut().push(1);
            let sent = receiver.await.unwrap();
            see.borrow_mut().push(sent);
        });
        assert_eq!(*seen.borrow(), [1]);
        sender.send(2).unwrap();
        assert_eq!(*seen.borrow(), [1, 2]);
    }

    #[test]
    fn what_is_woken_by_another_runs_after_it() {
        let seen = Rc::new(RefCell::new(Vec::new()));
        let (sender, receiver) = oneshot::channel::<u8>();
        let see = Rc::clone(&seen);
        spawn(async move {
            let _ = receiver.await;
            see.borrow_mut().push("woken");
        });
        let see = Rc::clone(&seen);
        spawn(async move {
            sender.send(1).unwrap();
            see.borrow_mut().push("waker");
        });
        assert_eq!(*seen.borrow(), ["waker", "woken"]);
    }

    #[test]
    fn places_are_used_again() {
        for _ in 0..100 {
            spawn(async {});
        }
        let (_sender, receiver) = oneshot::channel::<u8>();
        spawn(async move {
            let _ = receiver.await;
        });
        assert!(TASKS.with_borrow(Vec::len) <= 2);
    }
}
