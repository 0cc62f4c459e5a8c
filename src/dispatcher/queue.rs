//! Who may start at the upstream, and who waits: first come, first served, kept in the dispatcher's
//! `SQLite`. Everything here is synchronous, so each call is one transaction.

use std::rc::Rc;

use worker::js_sys::Array;
use worker::wasm_bindgen::JsValue;

use super::circuit_breaker;
use crate::config::Config;
use crate::runtime::values::{integer_from_js, text_to_js, time_from_js, time_to_js};
use crate::storage::object_storage::ObjectStorage;
use crate::video::id::VideoId;
use crate::video::queue::capacity_backoff::CapacityBackoff;
use crate::video::queue::circuit_breaker::CircuitBreaker;
use crate::video::task::{RECONCILE_INTERVAL, SlotReport};
use crate::video::time::{Millis, Tick, UnixMillis};

/// `jobs`: every video until it is removed. `ticket` is the order of arrival; `look_at`, in unix
/// milliseconds, is when to look after it. `hold`: a row while the upstream is full.
const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS jobs (
        ticket INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        state TEXT NOT NULL CHECK (state IN ('waiting', 'called', 'placed', 'gone')),
        look_at INTEGER NOT NULL
    );
    CREATE INDEX IF NOT EXISTS jobs_by_state ON jobs (state, ticket) WHERE state <> 'gone';
    CREATE INDEX IF NOT EXISTS jobs_by_look ON jobs (look_at);
    CREATE TABLE IF NOT EXISTS hold (
        only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
        until INTEGER NOT NULL,
        refusals INTEGER NOT NULL,
        probing INTEGER NOT NULL,
        freed INTEGER NOT NULL
    );";

/// A job that was called and did not come is called again after this.
const GRANT_RETRY_INTERVAL: Millis = Millis::new(5000);

/// While the upstream does not answer, no more are taken than are likely to be sent within an hour of its return.
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
    config: Rc<Config>,
    tick: Tick,
}

type Result<T> = worker::Result<T>;

impl<'a> Queue<'a> {
    /// Fails when `SQLite` does; so does everything else.
    pub fn open(storage: &'a ObjectStorage, config: Rc<Config>, tick: Tick) -> Result<Self> {
        storage.ensure_tables(SCHEMA)?;
        Ok(Self { storage, config, tick })
    }

    /// A job asks for a place. One that was `capacity_retry_after` by the upstream goes back to where it stood.
    pub fn acquire_slot(&self, id: &VideoId, capacity_retry_after: Option<Millis>) -> Result<SlotDecision> {
        let before = self.slot_state(id)?;
        let mut breaker = circuit_breaker::load(self.storage)?;
        if capacity_retry_after.is_some() && breaker.wants_reports() {
            breaker = CircuitBreaker::on_known();
            circuit_breaker::store(self.storage, breaker)?;
        }
        let is_new = matches!(before, None | Some(SlotState::Released));
        if is_new && capacity_retry_after.is_none() {
            if breaker.is_closed() && self.has_free_slot()? {
                self.assign_slot(id)?;
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
                "INSERT INTO jobs (id, state, look_at) VALUES (?, 'waiting', ?)",
                &[text_to_js(id.as_str()), self.next_reconcile_at()],
            )?;
        }
        if let Some(wait) = capacity_retry_after
            && before != Some(SlotState::Waiting)
        {
            self.set_state(id, SlotState::Waiting)?;
            self.store_backoff(Some(CapacityBackoff::after_refusal(
                self.backoff()?,
                wait,
                &self.config.policy.retry,
                self.tick,
            )))?;
        }
        if before == Some(SlotState::Held) && !breaker.is_closed() {
            // Its Run did not start, and would be one more that nobody answers.
            self.set_state(id, SlotState::Waiting)?;
        }
        self.grant_free_slots()?;
        if let Some(position) = self.position(id)? {
            return Ok(SlotDecision::Queued(position));
        }
        self.set_state(id, SlotState::Held)?;
        Ok(SlotDecision::Granted { report_run: breaker.wants_reports() })
    }

    /// The upstream answered a Run, or left it open what becomes of it.
    pub fn run_answered(&self, is_known: bool) -> Result<()> {
        let before = circuit_breaker::load(self.storage)?;
        let after = if is_known {
            CircuitBreaker::on_known()
        } else {
            before.on_unknown(&self.config.policy.retry, self.tick)
        };
        if after != before {
            circuit_breaker::store(self.storage, after)?;
        }
        self.grant_free_slots()
    }

    /// Whether whoever comes now gets a place at once, as far as the line and the limits go.
    fn has_free_slot(&self) -> Result<bool> {
        let is_queue_occupied =
            self.count("SELECT EXISTS (SELECT 1 FROM jobs WHERE state = 'waiting')", &[])? > 0;
        Ok(!is_queue_occupied && self.backoff()?.is_none() && self.free_slots()? > 0)
    }

    fn queue_length(&self) -> Result<u32> {
        self.count("SELECT COUNT(*) FROM jobs WHERE state = 'waiting'", &[])
    }

    /// Gives a job a place, whether or not one is free.
    pub fn assign_slot(&self, id: &VideoId) -> Result<()> {
        self.run(
            "INSERT INTO jobs (id, state, look_at) VALUES (?1, 'placed', ?2)
             ON CONFLICT (id) DO UPDATE SET state = 'placed', look_at = ?2",
            &[text_to_js(id.as_str()), self.next_reconcile_at()],
        )
    }

    /// Looks after a job that is about to be taken, in case it never is.
    pub fn track(&self, id: &VideoId) -> Result<()> {
        let statement = "INSERT OR IGNORE INTO jobs (id, state, look_at) VALUES (?, 'gone', ?)";
        self.run(statement, &[text_to_js(id.as_str()), self.next_reconcile_at()])
    }

    /// Counted from 1; `None` for a job that does not wait.
    pub fn position(&self, id: &VideoId) -> Result<Option<u32>> {
        let ahead = self.count(
            "SELECT COUNT(*) FROM jobs WHERE state = 'waiting'
             AND ticket <= (SELECT ticket FROM jobs WHERE id = ? AND state = 'waiting')",
            &[text_to_js(id.as_str())],
        )?;
        Ok((ahead > 0).then_some(ahead))
    }

    /// A job needs no place any more.
    pub fn release_slot(&self, id: &VideoId) -> Result<()> {
        self.count_freed_slot(id)?;
        self.run(
            "INSERT INTO jobs (id, state, look_at) VALUES (?1, 'gone', ?2)
             ON CONFLICT (id) DO UPDATE SET state = 'gone', look_at = ?2",
            &[text_to_js(id.as_str()), self.next_reconcile_at()],
        )?;
        self.grant_free_slots()
    }

    /// A job is not looked after any more.
    pub fn remove(&self, id: &VideoId) -> Result<()> {
        self.count_freed_slot(id)?;
        self.run("DELETE FROM jobs WHERE id = ?", &[text_to_js(id.as_str())])?;
        self.grant_free_slots()
    }

    /// If it has one, and if that means anything.
    fn count_freed_slot(&self, id: &VideoId) -> Result<()> {
        match (self.slot_state(id)?, self.backoff()?) {
            (Some(SlotState::Granted | SlotState::Held), Some(backoff)) => {
                self.store_backoff(Some(backoff.with_freed_slot()))
            }
            _ => Ok(()),
        }
    }

    /// Calls whoever there is room for, in the order of their arrival.
    pub fn grant_free_slots(&self) -> Result<()> {
        let mut grants = self.queue_length()?.min(self.free_slots()?);
        let breaker = circuit_breaker::load(self.storage)?;
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
            circuit_breaker::store(self.storage, breaker.on_sent(self.tick.now))?;
        }
        self.run(
            "UPDATE jobs SET state = 'called', look_at = ? WHERE ticket IN
             (SELECT ticket FROM jobs WHERE state = 'waiting' ORDER BY ticket LIMIT ?)",
            &[time_to_js(self.tick.now), grants.into()],
        )
    }

    /// Jobs to look after: those that were called, or all that are due `as_of` then.
    pub fn due(&self, as_of: Option<UnixMillis>, limit: u32) -> Result<Vec<(VideoId, SlotState)>> {
        let of_these = if as_of.is_some() { "" } else { "state = 'called' AND" };
        let query = format!(
            "SELECT id, state FROM jobs WHERE {of_these} look_at <= ? ORDER BY look_at LIMIT {limit}"
        );
        let rows = self.storage.sql(&query, &[time_to_js(as_of.unwrap_or(self.tick.now))])?;
        let job = |row: Array| {
            Some((VideoId::from_stored(row.get(0).as_string()?), SlotState::read(&row.get(1).as_string()?)))
        };
        Ok(rows.into_iter().filter_map(job).collect())
    }

    /// What looking after a job in that `state` brought.
    pub fn apply_report(&self, id: &VideoId, state: SlotState, report: SlotReport) -> Result<()> {
        // It may have asked for something in between.
        if self.slot_state(id)? != Some(state) {
            return Ok(());
        }
        if !report.needs_place && state != SlotState::Released {
            self.release_slot(id)?;
        }
        let look_at = match state {
            SlotState::Granted if report.needs_place => self.tick.now.after(GRANT_RETRY_INTERVAL),
            _ => report.look_at,
        };
        self.run("UPDATE jobs SET look_at = ? WHERE id = ?", &[time_to_js(look_at), text_to_js(id.as_str())])
    }

    /// When somebody has to be called.
    pub fn next_alarm(&self) -> Result<Option<UnixMillis>> {
        let query = "SELECT MIN(look_at), EXISTS (SELECT 1 FROM jobs WHERE state = 'waiting') FROM jobs
            WHERE state = 'called'";
        let Some(row) = self.first_row(query, &[])? else { return Ok(None) };
        let call = row.get(0).as_f64().map(time_from_js);
        let is_queue_occupied = count(&row.get(1)) > 0;
        let probe = if is_queue_occupied && self.free_slots()? > 0 {
            let breaker = circuit_breaker::load(self.storage)?.next_probe();
            self.backoff()?.map(|backoff| backoff.until).max(breaker)
        } else {
            None
        };
        Ok([call, probe].into_iter().flatten().min())
    }

    fn free_slots(&self) -> Result<u32> {
        let Some(max) = self.config.policy.max_active else { return Ok(u32::MAX) };
        let active = self.count("SELECT COUNT(*) FROM jobs WHERE state IN ('called', 'placed')", &[])?;
        Ok(max.saturating_sub(active))
    }

    fn slot_state(&self, id: &VideoId) -> Result<Option<SlotState>> {
        let row = self.first_row("SELECT state FROM jobs WHERE id = ?", &[text_to_js(id.as_str())])?;
        Ok(row.and_then(|row| Some(SlotState::read(&row.get(0).as_string()?))))
    }

    fn set_state(&self, id: &VideoId, state: SlotState) -> Result<()> {
        let state = JsValue::from_str(state.as_str());
        let query = "UPDATE jobs SET state = ?, look_at = ? WHERE id = ?";
        self.run(query, &[state, self.next_reconcile_at(), text_to_js(id.as_str())])
    }

    fn backoff(&self) -> Result<Option<CapacityBackoff>> {
        let row = self.first_row("SELECT until, refusals, probing, freed FROM hold", &[])?;
        Ok(row.and_then(|row| {
            let until = time_from_js(row.get(0).as_f64()?);
            let [refusals, is_probing, freed_slots] = [1, 2, 3].map(|column| count(&row.get(column)));
            Some(CapacityBackoff { until, refusals, is_probing: is_probing > 0, freed_slots })
        }))
    }

    fn store_backoff(&self, backoff: Option<CapacityBackoff>) -> Result<()> {
        let Some(CapacityBackoff { until, refusals, is_probing, freed_slots }) = backoff else {
            return self.run("DELETE FROM hold", &[]);
        };
        let values = [time_to_js(until), refusals.into(), u32::from(is_probing).into(), freed_slots.into()];
        self.run("INSERT OR REPLACE INTO hold VALUES (1, ?, ?, ?, ?)", &values)
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

/// A count, as `SQLite` gives it.
fn count(value: &JsValue) -> u32 {
    u32::try_from(integer_from_js(value)).unwrap_or(0)
}
