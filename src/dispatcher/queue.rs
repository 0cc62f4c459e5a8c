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
use crate::video::queue::circuit_breaker::CircuitBreaker;
use crate::video::queue::hold::Hold;
use crate::video::task::{LOOK_INTERVAL, Report};
use crate::video::time::{Millis, Moment, UnixMillis};

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
const CALL_INTERVAL: Millis = Millis::new(5000);

/// While the upstream does not answer, no more are taken than are likely to be sent within an hour of its return.
const MAX_WAITING_IN_OUTAGE: u32 = 100;

/// What a job hears that asks for a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It has one; `to_report` what becomes of its Run.
    Placed {
        to_report: bool,
    },
    /// Counted from 1.
    Behind(u32),
    LineFull,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// In line.
    Waiting,
    /// Has a place and was not heard of since.
    Called,
    /// Has a place.
    Placed,
    /// Needs no place any more.
    Gone,
}

impl State {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Called => "called",
            Self::Placed => "placed",
            Self::Gone => "gone",
        }
    }

    fn read(text: &str) -> Self {
        [Self::Waiting, Self::Called, Self::Placed]
            .into_iter()
            .find(|state| state.as_str() == text)
            .unwrap_or(Self::Gone)
    }
}

pub struct WaitingLine<'a> {
    storage: &'a ObjectStorage,
    config: Rc<Config>,
    at: Moment,
}

type Result<T> = worker::Result<T>;

impl<'a> WaitingLine<'a> {
    /// Fails when `SQLite` does; so does everything else.
    pub fn open(storage: &'a ObjectStorage, config: Rc<Config>, at: Moment) -> Result<Self> {
        storage.have_tables(SCHEMA)?;
        Ok(Self { storage, config, at })
    }

    /// A job asks for a place. One that was `turned_away` by the upstream goes back to where it stood.
    pub fn enter(&self, id: &VideoId, turned_away: Option<Millis>) -> Result<Standing> {
        let before = self.state(id)?;
        let mut breaker = circuit_breaker::load(self.storage)?;
        if turned_away.is_some() && breaker.wants_reports() {
            breaker = CircuitBreaker::on_known();
            circuit_breaker::store(self.storage, breaker)?;
        }
        let is_new = matches!(before, None | Some(State::Gone));
        if is_new && turned_away.is_none() {
            if breaker.is_closed() && self.is_open()? {
                self.place(id)?;
                return Ok(Standing::Placed { to_report: breaker.wants_reports() });
            }
            if !breaker.is_closed() && self.waiting()? >= MAX_WAITING_IN_OUTAGE {
                return Ok(Standing::LineFull);
            }
        }
        if before == Some(State::Gone) {
            self.run("DELETE FROM jobs WHERE id = ?", &[text_to_js(id.as_str())])?;
        }
        if is_new {
            self.run(
                "INSERT INTO jobs (id, state, look_at) VALUES (?, 'waiting', ?)",
                &[text_to_js(id.as_str()), self.next_look()],
            )?;
        }
        if let Some(wait) = turned_away
            && before != Some(State::Waiting)
        {
            self.set(id, State::Waiting)?;
            self.set_hold(Some(Hold::refused(self.hold()?, wait, &self.config.policy.retry, self.at)))?;
        }
        if before == Some(State::Placed) && !breaker.is_closed() {
            // Its Run did not start, and would be one more that nobody answers.
            self.set(id, State::Waiting)?;
        }
        self.advance()?;
        if let Some(position) = self.position(id)? {
            return Ok(Standing::Behind(position));
        }
        self.set(id, State::Placed)?;
        Ok(Standing::Placed { to_report: breaker.wants_reports() })
    }

    /// The upstream answered a Run, or left it open what becomes of it.
    pub fn run_answered(&self, is_known: bool) -> Result<()> {
        let before = circuit_breaker::load(self.storage)?;
        let after = if is_known {
            CircuitBreaker::on_known()
        } else {
            before.on_unknown(&self.config.policy.retry, self.at)
        };
        if after != before {
            circuit_breaker::store(self.storage, after)?;
        }
        self.advance()
    }

    /// Whether whoever comes now gets a place at once, as far as the line and the limits go.
    fn is_open(&self) -> Result<bool> {
        let is_anybody_waiting =
            self.count("SELECT EXISTS (SELECT 1 FROM jobs WHERE state = 'waiting')", &[])? > 0;
        Ok(!is_anybody_waiting && self.hold()?.is_none() && self.room()? > 0)
    }

    fn waiting(&self) -> Result<u32> {
        self.count("SELECT COUNT(*) FROM jobs WHERE state = 'waiting'", &[])
    }

    /// Gives a job a place, whether or not one is free.
    pub fn place(&self, id: &VideoId) -> Result<()> {
        self.run(
            "INSERT INTO jobs (id, state, look_at) VALUES (?1, 'placed', ?2)
             ON CONFLICT (id) DO UPDATE SET state = 'placed', look_at = ?2",
            &[text_to_js(id.as_str()), self.next_look()],
        )
    }

    /// Looks after a job that is about to be taken, in case it never is.
    pub fn expect(&self, id: &VideoId) -> Result<()> {
        let statement = "INSERT OR IGNORE INTO jobs (id, state, look_at) VALUES (?, 'gone', ?)";
        self.run(statement, &[text_to_js(id.as_str()), self.next_look()])
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
    pub fn leave(&self, id: &VideoId) -> Result<()> {
        self.free_place(id)?;
        self.run(
            "INSERT INTO jobs (id, state, look_at) VALUES (?1, 'gone', ?2)
             ON CONFLICT (id) DO UPDATE SET state = 'gone', look_at = ?2",
            &[text_to_js(id.as_str()), self.next_look()],
        )?;
        self.advance()
    }

    /// A job is not looked after any more.
    pub fn forget(&self, id: &VideoId) -> Result<()> {
        self.free_place(id)?;
        self.run("DELETE FROM jobs WHERE id = ?", &[text_to_js(id.as_str())])?;
        self.advance()
    }

    /// If it has one, and if that means anything.
    fn free_place(&self, id: &VideoId) -> Result<()> {
        match (self.state(id)?, self.hold()?) {
            (Some(State::Called | State::Placed), Some(hold)) => self.set_hold(Some(hold.freed())),
            _ => Ok(()),
        }
    }

    /// Calls whoever there is room for, in the order of their arrival.
    pub fn advance(&self) -> Result<()> {
        let mut calls = self.waiting()?.min(self.room()?);
        let breaker = circuit_breaker::load(self.storage)?;
        if let Some(limit) = breaker.limit(self.at.now) {
            calls = calls.min(limit);
        }
        if let Some(hold) = self.hold()? {
            let (next, admitted) = hold.admit(calls, &self.config.policy.retry, self.at.now);
            if next != Some(hold) {
                self.set_hold(next)?;
            }
            calls = admitted;
        }
        if calls == 0 {
            return Ok(());
        }
        if !breaker.is_closed() {
            circuit_breaker::store(self.storage, breaker.on_sent(self.at.now))?;
        }
        self.run(
            "UPDATE jobs SET state = 'called', look_at = ? WHERE ticket IN
             (SELECT ticket FROM jobs WHERE state = 'waiting' ORDER BY ticket LIMIT ?)",
            &[time_to_js(self.at.now), calls.into()],
        )
    }

    /// Jobs to look after: those that were called, or all that are due `as_of` then.
    pub fn due(&self, as_of: Option<UnixMillis>, limit: u32) -> Result<Vec<(VideoId, State)>> {
        let of_these = if as_of.is_some() { "" } else { "state = 'called' AND" };
        let query = format!(
            "SELECT id, state FROM jobs WHERE {of_these} look_at <= ? ORDER BY look_at LIMIT {limit}"
        );
        let rows = self.storage.sql(&query, &[time_to_js(as_of.unwrap_or(self.at.now))])?;
        let job = |row: Array| {
            Some((VideoId::from_stored(row.get(0).as_string()?), State::read(&row.get(1).as_string()?)))
        };
        Ok(rows.into_iter().filter_map(job).collect())
    }

    /// What looking after a job in that `state` brought.
    pub fn looked_at(&self, id: &VideoId, state: State, report: Report) -> Result<()> {
        // It may have asked for something in between.
        if self.state(id)? != Some(state) {
            return Ok(());
        }
        if !report.needs_place && state != State::Gone {
            self.leave(id)?;
        }
        let look_at = match state {
            State::Called if report.needs_place => self.at.now.after(CALL_INTERVAL),
            _ => report.look_at,
        };
        self.run("UPDATE jobs SET look_at = ? WHERE id = ?", &[time_to_js(look_at), text_to_js(id.as_str())])
    }

    /// When somebody has to be called.
    pub fn alarm(&self) -> Result<Option<UnixMillis>> {
        let query = "SELECT MIN(look_at), EXISTS (SELECT 1 FROM jobs WHERE state = 'waiting') FROM jobs
            WHERE state = 'called'";
        let Some(row) = self.first_row(query, &[])? else { return Ok(None) };
        let call = row.get(0).as_f64().map(time_from_js);
        let is_anybody_waiting = count(&row.get(1)) > 0;
        let probe = if is_anybody_waiting && self.room()? > 0 {
            let breaker = circuit_breaker::load(self.storage)?.next_probe();
            self.hold()?.map(|hold| hold.until).max(breaker)
        } else {
            None
        };
        Ok([call, probe].into_iter().flatten().min())
    }

    fn room(&self) -> Result<u32> {
        let Some(max) = self.config.policy.max_active else { return Ok(u32::MAX) };
        let active = self.count("SELECT COUNT(*) FROM jobs WHERE state IN ('called', 'placed')", &[])?;
        Ok(max.saturating_sub(active))
    }

    fn state(&self, id: &VideoId) -> Result<Option<State>> {
        let row = self.first_row("SELECT state FROM jobs WHERE id = ?", &[text_to_js(id.as_str())])?;
        Ok(row.and_then(|row| Some(State::read(&row.get(0).as_string()?))))
    }

    fn set(&self, id: &VideoId, state: State) -> Result<()> {
        let state = JsValue::from_str(state.as_str());
        let query = "UPDATE jobs SET state = ?, look_at = ? WHERE id = ?";
        self.run(query, &[state, self.next_look(), text_to_js(id.as_str())])
    }

    fn hold(&self) -> Result<Option<Hold>> {
        let row = self.first_row("SELECT until, refusals, probing, freed FROM hold", &[])?;
        Ok(row.and_then(|row| {
            let until = time_from_js(row.get(0).as_f64()?);
            let [refusals, probing, freed] = [1, 2, 3].map(|column| count(&row.get(column)));
            Some(Hold { until, refusals, probing: probing > 0, freed })
        }))
    }

    fn set_hold(&self, hold: Option<Hold>) -> Result<()> {
        let Some(Hold { until, refusals, probing, freed }) = hold else {
            return self.run("DELETE FROM hold", &[]);
        };
        let values = [time_to_js(until), refusals.into(), u32::from(probing).into(), freed.into()];
        self.run("INSERT OR REPLACE INTO hold VALUES (1, ?, ?, ?, ?)", &values)
    }

    fn next_look(&self) -> JsValue {
        time_to_js(self.at.now.after(LOOK_INTERVAL))
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
