//! How many jobs of each client wait and have a slot, in memory. To count the rows for each message would take longer with
//! every job.

use std::cell::RefCell;
use std::collections::BTreeMap;

use worker::Result;

use super::SlotState;
use crate::runtime::values::integer_from_js;
use crate::storage::object_storage::ObjectStorage;

/// Empty until it is first read. Only the [`Queue`](super::Queue) writes the rows that are counted, and applies each
/// change here too.
#[derive(Default)]
pub struct JobCounts {
    counts: RefCell<Option<Counts>>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    pub waiting: u32,
    /// Have a slot and have not confirmed it yet.
    pub granted: u32,
    /// Have a confirmed slot.
    pub held: u32,
}

#[derive(Default)]
struct Counts {
    all: Count,
    clients: BTreeMap<String, Count>,
}

impl JobCounts {
    /// The jobs of all clients.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn of_all(&self, storage: &ObjectStorage) -> Result<Count> {
        self.with(storage, |counts| counts.all)
    }

    /// The jobs of one client.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn of(&self, storage: &ObjectStorage, client: &str) -> Result<Count> {
        self.with(storage, |counts| counts.clients.get(client).copied().unwrap_or_default())
    }

    /// Applies a change that was stored: these many jobs of a client went from one state to another.
    pub fn apply(&self, client: &str, from: Option<SlotState>, to: Option<SlotState>, jobs: u32) {
        let mut counts = self.counts.borrow_mut();
        let Some(counts) = &mut *counts else { return };
        let of_client = counts.clients.entry(client.to_owned()).or_default();
        for count in [&mut counts.all, of_client] {
            if let Some(before) = from.and_then(|state| count.number(state)) {
                *before = before.saturating_sub(jobs);
            }
            if let Some(after) = to.and_then(|state| count.number(state)) {
                *after = after.saturating_add(jobs);
            }
        }
        if *of_client == Count::default() {
            counts.clients.remove(client);
        }
    }

    fn with<T>(&self, storage: &ObjectStorage, look: impl FnOnce(&Counts) -> T) -> Result<T> {
        let mut counts = self.counts.borrow_mut();
        Ok(look(match &*counts {
            Some(known) => known,
            None => counts.insert(read(storage)?),
        }))
    }
}

impl Count {
    /// How many have a slot.
    #[must_use]
    pub const fn active(self) -> u32 {
        self.granted.saturating_add(self.held)
    }

    const fn number(&mut self, state: SlotState) -> Option<&mut u32> {
        match state {
            SlotState::Waiting => Some(&mut self.waiting),
            SlotState::Granted => Some(&mut self.granted),
            SlotState::Held => Some(&mut self.held),
            SlotState::Released => None,
        }
    }
}

fn read(storage: &ObjectStorage) -> Result<Counts> {
    let query = "SELECT owner, state, COUNT(*) FROM jobs WHERE state <> 'gone' GROUP BY state, owner";
    let mut counts = Counts::default();
    for row in storage.sql(query, &[])? {
        let client = row.get(0).as_string().unwrap_or_default();
        let state = SlotState::read(&row.get(1).as_string().unwrap_or_default());
        let jobs = u32::try_from(integer_from_js(&row.get(2))).unwrap_or(u32::MAX);
        for count in [&mut counts.all, counts.clients.entry(client).or_default()] {
            if let Some(number) = count.number(state) {
                *number = number.saturating_add(jobs);
            }
        }
    }
    Ok(counts)
}
