//! The position of a queued job, as the dispatcher last told it. Far back in the queue it is told again for a while, so
//! that thousands of clients that watch their jobs wait do not keep the dispatcher busy.

use std::cell::Cell;

use crate::video::time::{Millis, UnixMillis};

/// Up to this position each reader gets the current one.
const ALWAYS_CURRENT: u32 = 20;

/// How long a position may be told again, for each place in the queue.
const VALIDITY: Millis = Millis::new(50);

const MAX_VALIDITY: Millis = Millis::from_seconds(30);

#[derive(Default)]
pub struct QueuePosition {
    known: Cell<Option<(u32, UnixMillis)>>,
}

impl QueuePosition {
    pub fn set(&self, position: Option<u32>, now: UnixMillis) {
        let far_back = position.filter(|&position| position > ALWAYS_CURRENT);
        self.known.set(far_back.map(|position| {
            let validity = Millis::new(VALIDITY.get().saturating_mul(position.into())).min(MAX_VALIDITY);
            (position, now.after(validity))
        }));
    }

    /// `None` if the dispatcher must be asked.
    pub fn get(&self, now: UnixMillis) -> Option<u32> {
        self.known.get().filter(|&(_, valid_until)| now < valid_until).map(|(position, _)| position)
    }
}
