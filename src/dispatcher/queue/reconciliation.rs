//! Which jobs of the [`Queue`] the dispatcher must ask for their state, and when.

use worker::Result;
use worker::js_sys::Array;

use super::{Queue, SlotState};
use crate::runtime::values::{text_to_js, time_from_js, time_to_js};
use crate::video::id::VideoId;
use crate::video::task::report::SlotReport;
use crate::video::time::{Millis, UnixMillis};

/// A granted slot that was not confirmed is announced again after this.
const GRANT_RETRY_INTERVAL: Millis = Millis::new(5000);

impl Queue<'_> {
    /// The jobs to ask: all that are due at this time, or with `None` only those with a new slot.
    pub fn due(&self, as_of: Option<UnixMillis>, limit: u32) -> Result<Vec<(VideoId, SlotState)>> {
        let of_these = if as_of.is_some() { "" } else { "state = 'called' AND state <> 'gone' AND" };
        let query = format!(
            "SELECT id, state FROM jobs WHERE {of_these} look_at <= ? ORDER BY look_at LIMIT {limit}"
        );
        let rows = self.storage.sql(&query, &[time_to_js(as_of.unwrap_or(self.tick.now))])?;
        let job = |row: Array| {
            Some((VideoId::from_stored(row.get(0).as_string()?), SlotState::read(&row.get(1).as_string()?)))
        };
        Ok(rows.into_iter().filter_map(job).collect())
    }

    /// Applies the report of a job that was asked while in this state.
    pub fn apply_report(&self, id: &VideoId, state: SlotState, report: SlotReport) -> Result<()> {
        // The job may have sent a message meanwhile.
        if self.job(id)?.map(|job| job.state) != Some(state) {
            return Ok(());
        }
        if !report.needs_slot && state != SlotState::Released {
            self.release_slot(id)?;
        }
        let next_check_at = match state {
            SlotState::Granted if report.needs_slot => self.tick.now.after(GRANT_RETRY_INTERVAL),
            _ => report.next_check_at,
        };
        self.run(
            "UPDATE jobs SET look_at = ? WHERE id = ?",
            &[time_to_js(next_check_at), text_to_js(id.as_str())],
        )
    }

    /// When the next slot must be granted or announced.
    pub fn next_alarm(&self) -> Result<Option<UnixMillis>> {
        let announcement = self.next_announcement()?;
        let may_grant = !self.clients.paused && self.queue_length()? > 0 && self.free_slots()? > 0;
        let probe = if may_grant {
            let breaker = self.breaker()?.next_probe();
            let probe = self.backoff()?.map(|backoff| backoff.until).max(breaker);
            // The lines are only read if something is to be awaited.
            if probe.is_some() && self.lines()?.startable() > 0 { probe } else { None }
        } else {
            None
        };
        Ok([announcement, probe].into_iter().flatten().min())
    }

    fn next_announcement(&self) -> Result<Option<UnixMillis>> {
        if self.memory.counts.of_all(self.storage)?.granted == 0 {
            return Ok(None);
        }
        let query = "SELECT MIN(look_at) FROM jobs WHERE state = 'called' AND state <> 'gone'";
        let row = self.first_row(query, &[])?;
        Ok(row.and_then(|row| row.get(0).as_f64()).map(time_from_js))
    }
}
