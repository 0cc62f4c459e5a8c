//! An executor for futures. A future that can continue is polled at once, inside the call from JavaScript that woke it.
//! The usual executor polls in a microtask, which costs an additional call from JavaScript to wasm each time.

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
    /// `None` while it is polled, and after it is done.
    work: Option<Work>,
    is_ready: bool,
    waker: Waker,
}

thread_local! {
    static TASKS: RefCell<Vec<Task>> = const { RefCell::new(Vec::new()) };
    /// Indexes in `TASKS` that can be used again.
    static FREE: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
    static READY: RefCell<VecDeque<usize>> = const { RefCell::new(VecDeque::new()) };
    static IS_RUNNING: Cell<bool> = const { Cell::new(false) };
}

/// Wakes the task with this index. A late wake-up may reach the next task with the same index, which does no harm.
struct Wakeup(usize);

impl Wake for Wakeup {
    fn wake(self: Arc<Self>) {
        ready(self.0);
    }
}

/// Runs the work and returns a promise for its result.
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

/// Starts the work and polls it once.
pub fn spawn(work: impl Future<Output = ()> + 'static) {
    let work: Option<Work> = Some(Box::pin(work));
    let free = FREE.with_borrow_mut(Vec::pop);
    let index = TASKS.with_borrow_mut(|tasks| {
        if let Some((index, task)) = free.and_then(|index| Some((index, tasks.get_mut(index)?))) {
            task.work = work;
            return index;
        }
        let index = tasks.len();
        tasks.push(Task { work, is_ready: false, waker: Arc::new(Wakeup(index)).into() });
        index
    });
    ready(index);
}

fn ready(index: usize) {
    let was_ready = TASKS.with_borrow_mut(|tasks| match tasks.get_mut(index) {
        Some(task) => std::mem::replace(&mut task.is_ready, true),
        None => true,
    });
    if !was_ready {
        READY.with_borrow_mut(|ready| ready.push_back(index));
    }
    // Otherwise `run` is already active further up in the call stack.
    if !IS_RUNNING.replace(true) {
        run();
        IS_RUNNING.set(false);
    }
}

fn run() {
    while let Some(index) = READY.with_borrow_mut(VecDeque::pop_front) {
        let taken = TASKS.with_borrow_mut(|tasks| {
            let task = tasks.get_mut(index)?;
            task.is_ready = false;
            Some((task.work.take()?, task.waker.clone()))
        });
        let Some((mut work, waker)) = taken else { continue };
        if work.as_mut().poll(&mut Context::from_waker(&waker)).is_ready() {
            drop(work);
            FREE.with_borrow_mut(|free| free.push(index));
            continue;
        }
        TASKS.with_borrow_mut(|tasks| {
            if let Some(task) = tasks.get_mut(index) {
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
    fn a_woken_future_continues_at_once() {
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
    fn a_future_woken_by_another_runs_after_it() {
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
    fn indexes_are_used_again() {
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
