//! Which jobs may start at Wiro, and which wait, in the dispatcher's `SQLite`: clients take turns, each client's jobs
//! are served as they came. All methods are synchronous, so each call is one transaction.

mod capacity_backoff;
mod circuit_breaker;
mod job_counts;
mod memory;
mod reconciliation;
mod turns;

use std::rc::Rc;

use worker::js_sys::Array;
use worker::wasm_bindgen::JsValue;

pub use self::memory::QueueMemory;
use self::turns::Lines;
use super::owned_videos::OwnedVideos;
use crate::config::Config;
use crate::runtime::values::{integer_from_js, text_to_js, time_to_js};
use crate::storage::object_storage::ObjectStorage;
use crate::video::access::managed_clients::ManagedClients;
use crate::video::access::owner::Owner;
use crate::video::id::VideoId;
use crate::video::queue::capacity_backoff::CapacityBackoff;
use crate::video::queue::circuit_breaker::CircuitBreaker;
use crate::video::task::report::RECONCILE_INTERVAL;
use crate::video::time::{Millis, Tick};

/// `jobs`: every video until it ends; rows of earlier versions until their removal. `ticket` is the order of arrival,
/// `state` a [`SlotState`]; at `look_at` (unix milliseconds) the dispatcher asks for its state. `turn`: when each client
/// that has queued jobs last got a slot; the numbers only grow.
const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS jobs (
        ticket INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        state TEXT NOT NULL CHECK (state IN ('waiting', 'called', 'placed', 'gone')),
        look_at INTEGER NOT NULL,
        owner TEXT NOT NULL DEFAULT ''
    );
    CREATE INDEX IF NOT EXISTS jobs_by_client ON jobs (state, owner, ticket) WHERE state <> 'gone';
    DROP INDEX IF EXISTS jobs_by_state;
    CREATE INDEX IF NOT EXISTS jobs_by_look ON jobs (look_at);
    CREATE TABLE IF NOT EXISTS turn (
        owner TEXT PRIMARY KEY,
        number INTEGER NOT NULL
    );";

/// The queued jobs. `SQLite` uses the index only for conditions that repeat its own.
const WAITING: &str = "state = 'waiting' AND state <> 'gone'";

/// The tables of earlier versions did not say whose a job is. The list of videos does.
const ADD_OWNERS: &str = "
    ALTER TABLE jobs ADD COLUMN owner TEXT NOT NULL DEFAULT '';
    UPDATE jobs SET owner = COALESCE((SELECT owner FROM owned WHERE owned.id = jobs.id), '') WHERE state <> 'gone';";

/// While Wiro does not answer, no more jobs are queued than can start within an hour of its return.
const MAX_QUEUED_IN_OUTAGE: u32 = 100;

/// The answer to a job that asks for a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlotDecision {
    /// The job may start; `report_run` asks it to report the outcome of its Run.
    Granted {
        report_run: bool,
    },
    /// The position in the queue, counted from 1.
    Queued(u32),
    QueueFull,
}

/// Whether a job has a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlotState {
    /// Queued.
    Waiting,
    /// Has a slot and has not confirmed it yet.
    Granted,
    /// Has a slot.
    Held,
    /// Needs no slot any more.
    Released,
}

impl SlotState {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Granted => "called",
            Self::Held => "placed",
            Self::Released => "gone",
        }
    }

    fn read(text: &str) -> Self {
        [Self::Waiting, Self::Granted, Self::Held]
            .into_iter()
            .find(|state| state.as_str() == text)
            .unwrap_or(Self::Released)
    }
}

pub struct Queue<'a> {
    storage: &'a ObjectStorage,
    memory: &'a QueueMemory,
    config: Rc<Config>,
    clients: Rc<ManagedClients>,
    tick: Tick,
}

/// A row of `jobs`.
struct Job {
    state: SlotState,
    owner: String,
}

type Result<T> = worker::Result<T>;

impl<'a> Queue<'a> {
    /// Fails if `SQLite` fails, like all methods.
    pub fn open(
        storage: &'a ObjectStorage,
        memory: &'a QueueMemory,
        config: Rc<Config>,
        clients: Rc<ManagedClients>,
        tick: Tick,
    ) -> Result<Self> {
        if storage.ensure_tables(SCHEMA).is_err() {
            // An index names the column that the table of an earlier version lacks.
            OwnedVideos::open(storage, false)?;
            storage.sql(ADD_OWNERS, &[])?;
            storage.ensure_tables(SCHEMA)?;
        }
        Ok(Self { storage, memory, config, clients, tick })
    }

    /// A job asks for a slot. A job that Wiro refused for capacity keeps its place in the queue.
    pub fn acquire_slot(
        &self,
        id: &VideoId,
        owner: &Owner,
        capacity_retry_after: Option<Millis>,
    ) -> Result<SlotDecision> {
        let known = self.job(id)?;
        let before = known.as_ref().map(|job| job.state);
        let mut breaker = self.breaker()?;
        if capacity_retry_after.is_some() && breaker.wants_reports() {
            breaker = CircuitBreaker::on_known();
            self.store_breaker(breaker)?;
        }
        let is_new = matches!(before, None | Some(SlotState::Released));
        if is_new && capacity_retry_after.is_none() {
            if breaker.is_closed() && self.has_free_slot(owner)? {
                self.assign_slot(id, owner)?;
                return Ok(SlotDecision::Granted { report_run: breaker.wants_reports() });
            }
            if !breaker.is_closed() && self.queue_length()? >= MAX_QUEUED_IN_OUTAGE {
                return Ok(SlotDecision::QueueFull);
            }
        }
        if before == Some(SlotState::Released) {
            self.run("DELETE FROM jobs WHERE id = ?", &[text_to_js(id.as_str())])?;
        }
        if is_new {
            self.run(
                "INSERT INTO jobs (id, state, look_at, owner) VALUES (?, 'waiting', ?, ?)",
                &[text_to_js(id.as_str()), self.next_reconcile_at(), text_to_js(owner.as_str())],
            )?;
            self.memory.counts.apply(owner.as_str(), None, Some(SlotState::Waiting), 1);
        }
        if let Some(wait) = capacity_retry_after
            && before != Some(SlotState::Waiting)
        {
            self.set_state(id, SlotState::Waiting)?;
            self.return_turn(owner)?;
            self.store_backoff(Some(CapacityBackoff::after_refusal(
                self.backoff()?,
                wait,
                &self.config.policy.retry,
                self.tick,
            )))?;
        }
        if before == Some(SlotState::Held) && !breaker.is_closed() {
            // Its Run did not start, and the next one would probably get no response either.
            self.set_state(id, SlotState::Waiting)?;
            self.return_turn(owner)?;
        }
        self.grant_free_slots()?;
        if let Some(position) = self.position(id)? {
            return Ok(SlotDecision::Queued(position));
        }
        self.set_state(id, SlotState::Held)?;
        Ok(SlotDecision::Granted { report_run: breaker.wants_reports() })
    }

    /// Stores whether the outcome of a Run is known.
    pub fn run_answered(&self, is_known: bool) -> Result<()> {
        let before = self.breaker()?;
        let after = if is_known {
            CircuitBreaker::on_known()
        } else {
            before.on_unknown(&self.config.policy.retry, self.tick)
        };
        if after != before {
            self.store_breaker(after)?;
        }
        self.grant_free_slots()
    }

    /// Whether a new job of this client gets a slot at once, as far as queue and limits allow.
    fn has_free_slot(&self, owner: &Owner) -> Result<bool> {
        Ok(!self.clients.paused
            && self.free_slots()? > 0
            && self.allowed(owner.as_str())? > 0
            && self.backoff()?.is_none()
            && (self.queue_length()? == 0 || self.lines()?.startable() == 0))
    }

    pub(super) fn queue_length(&self) -> Result<u32> {
        Ok(self.memory.counts.of_all(self.storage)?.waiting)
    }

    /// Gives a job a slot, even if none is free.
    pub fn assign_slot(&self, id: &VideoId, owner: &Owner) -> Result<()> {
        let known = self.job(id)?;
        self.run(
            "INSERT INTO jobs (id, state, look_at, owner) VALUES (?1, 'placed', ?2, ?3)
             ON CONFLICT (id) DO UPDATE SET state = 'placed', look_at = ?2, owner = ?3",
            &[text_to_js(id.as_str()), self.next_reconcile_at(), text_to_js(owner.as_str())],
        )?;
        self.uncount(known.as_ref());
        self.memory.counts.apply(owner.as_str(), None, Some(SlotState::Held), 1);
        Ok(())
    }

    /// Tracks a job that is about to be accepted, in case it never is.
    pub fn track(&self, id: &VideoId) -> Result<()> {
        let statement = "INSERT OR IGNORE INTO jobs (id, state, look_at) VALUES (?, 'gone', ?)";
        self.run(statement, &[text_to_js(id.as_str()), self.next_reconcile_at()])
    }

    /// Releases the job's slot.
    pub fn release_slot(&self, id: &VideoId) -> Result<()> {
        let known = self.job(id)?;
        self.count_freed_slot(known.as_ref())?;
        self.run(
            "INSERT INTO jobs (id, state, look_at) VALUES (?1, 'gone', ?2)
             ON CONFLICT (id) DO UPDATE SET state = 'gone', look_at = ?2",
            &[text_to_js(id.as_str()), self.next_reconcile_at()],
        )?;
        self.uncount(known.as_ref());
        self.grant_free_slots()
    }

    /// Removes a job.
    pub fn remove(&self, id: &VideoId) -> Result<()> {
        let Some(known) = self.job(id)? else { return self.grant_free_slots() };
        self.count_freed_slot(Some(&known))?;
        self.run("DELETE FROM jobs WHERE id = ?", &[text_to_js(id.as_str())])?;
        self.uncount(Some(&known));
        self.grant_free_slots()
    }

    /// Counts the job's slot as free while Wiro is at capacity.
    fn count_freed_slot(&self, job: Option<&Job>) -> Result<()> {
        match (job.map(|job| job.state), self.backoff()?) {
            (Some(SlotState::Granted | SlotState::Held), Some(backoff)) => {
                self.store_backoff(Some(backoff.with_freed_slot()))
            }
            _ => Ok(()),
        }
    }

    /// The job is not in its state any more.
    fn uncount(&self, job: Option<&Job>) {
        if let Some(Job { state, owner }) = job {
            self.memory.counts.apply(owner, Some(*state), None, 1);
        }
    }

    /// Grants the free slots, one turn after the other.
    pub fn grant_free_slots(&self) -> Result<()> {
        let is_possible = !self.clients.paused && self.queue_length()? > 0;
        let free_slots = if is_possible { self.free_slots()? } else { 0 };
        let lines = if free_slots > 0 { self.lines()? } else { Lines::default() };
        let mut grants = lines.startable().min(free_slots);
        let breaker = self.breaker()?;
        if let Some(limit) = breaker.limit(self.tick.now) {
            grants = grants.min(limit);
        }
        if let Some(backoff) = self.backoff()? {
            let (next, admitted) = backoff.admit(grants, &self.config.policy.retry, self.tick.now);
            if next != Some(backoff) {
                self.store_backoff(next)?;
            }
            grants = admitted;
        }
        if grants == 0 {
            return Ok(());
        }
        if !breaker.is_closed() {
            self.store_breaker(breaker.on_sent(self.tick.now))?;
        }
        self.grant(&lines, grants)
    }

    fn free_slots(&self) -> Result<u32> {
        let Some(max) = self.config.policy.max_active else { return Ok(u32::MAX) };
        Ok(max.saturating_sub(self.active()?))
    }

    /// How many jobs have a slot.
    pub(super) fn active(&self) -> Result<u32> {
        Ok(self.memory.counts.of_all(self.storage)?.active())
    }

    /// How many jobs of this client have a slot.
    pub fn active_of(&self, client: &Owner) -> Result<u32> {
        Ok(self.memory.counts.of(self.storage, client.as_str())?.active())
    }

    fn job(&self, id: &VideoId) -> Result<Option<Job>> {
        let row = self.first_row("SELECT state, owner FROM jobs WHERE id = ?", &[text_to_js(id.as_str())])?;
        Ok(row.and_then(|row| {
            let state = SlotState::read(&row.get(0).as_string()?);
            Some(Job { state, owner: row.get(1).as_string().unwrap_or_default() })
        }))
    }

    /// Nothing happens if the job is in this state already.
    fn set_state(&self, id: &VideoId, state: SlotState) -> Result<()> {
        let Some(job) = self.job(id)?.filter(|job| job.state != state) else { return Ok(()) };
        let query = "UPDATE jobs SET state = ?, look_at = ? WHERE id = ?";
        self.run(query, &[state.as_str().into(), self.next_reconcile_at(), text_to_js(id.as_str())])?;
        self.memory.counts.apply(&job.owner, Some(job.state), Some(state), 1);
        Ok(())
    }

    pub(super) fn breaker(&self) -> Result<CircuitBreaker> {
        self.memory.breaker.get(|| circuit_breaker::load(self.storage))
    }

    fn store_breaker(&self, breaker: CircuitBreaker) -> Result<()> {
        circuit_breaker::store(self.storage, breaker)?;
        self.memory.breaker.set(breaker);
        Ok(())
    }

    fn backoff(&self) -> Result<Option<CapacityBackoff>> {
        self.memory.backoff.get(|| capacity_backoff::load(self.storage))
    }

    fn store_backoff(&self, backoff: Option<CapacityBackoff>) -> Result<()> {
        capacity_backoff::store(self.storage, backoff)?;
        self.memory.backoff.set(backoff);
        Ok(())
    }

    fn next_reconcile_at(&self) -> JsValue {
        time_to_js(self.tick.now.after(RECONCILE_INTERVAL))
    }

    fn run(&self, query: &str, values: &[JsValue]) -> Result<()> {
        self.storage.sql(query, values).map(|_| ())
    }

    fn count(&self, query: &str, values: &[JsValue]) -> Result<u32> {
        Ok(self.first_row(query, values)?.map_or(0, |row| count(&row.get(0))))
    }

    fn first_row(&self, query: &str, values: &[JsValue]) -> Result<Option<Array>> {
        Ok(self.storage.sql(query, values)?.into_iter().next())
    }
}

/// Reads a count from `SQLite`.
fn count(value: &JsValue) -> u32 {
    u32::try_from(integer_from_js(value)).unwrap_or(0)
}
