//! The turns of the clients in the [`Queue`]: whose jobs get the next slots, and the position of a job.

use worker::Result;
use worker::wasm_bindgen::JsValue;

use super::{Queue, SlotState, WAITING};
use crate::runtime::values::{integer_from_js, integer_to_js, text_to_js, time_to_js};
use crate::video::access::owner::Owner;
use crate::video::id::VideoId;
use crate::video::queue::fair_line::{self, ClientLine};

/// The queued jobs of all clients.
#[derive(Default)]
pub(super) struct Lines {
    owners: Vec<String>,
    lines: Vec<ClientLine>,
}

impl Lines {
    /// How many jobs may start, as far as the clients' limits allow.
    pub fn startable(&self) -> u32 {
        fair_line::startable(&self.lines)
    }
}

impl Queue<'_> {
    /// Counted from 1, in the order in which slots would be granted now; `None` for a job that is not queued.
    pub fn position(&self, id: &VideoId) -> Result<Option<u32>> {
        let query = "SELECT owner, ticket FROM jobs WHERE id = ? AND state = 'waiting'";
        let Some(job) = self.first_row(query, &[text_to_js(id.as_str())])? else { return Ok(None) };
        let query = format!("SELECT COUNT(*) FROM jobs WHERE {WAITING} AND owner = ? AND ticket <= ?");
        let rank = self.count(&query, &[job.get(0), job.get(1)])?;
        let Lines { owners, lines } = self.lines()?;
        let owner = job.get(0).as_string().unwrap_or_default();
        let index = owners.iter().position(|known| *known == owner);
        Ok(index.and_then(|index| fair_line::position(&lines, index, rank)))
    }

    /// The next turn of this client comes before those of all others, because its last slot was of no use.
    pub fn return_turn(&self, owner: &Owner) -> Result<()> {
        self.run("DELETE FROM turn WHERE owner = ?", &[text_to_js(owner.as_str())])
    }

    pub(super) fn lines(&self) -> Result<Lines> {
        // It goes from client to client, and reads the first job of each only.
        let query = format!(
            "WITH RECURSIVE client (owner) AS (
                SELECT MIN(owner) FROM jobs WHERE {WAITING}
                UNION ALL
                SELECT (SELECT MIN(owner) FROM jobs WHERE {WAITING} AND owner > client.owner)
                FROM client WHERE client.owner IS NOT NULL
            )
            SELECT owner, (SELECT MIN(ticket) FROM jobs WHERE {WAITING} AND owner = client.owner),
            (SELECT number FROM turn WHERE turn.owner = client.owner) FROM client WHERE owner IS NOT NULL"
        );
        let mut owners = Vec::new();
        let mut lines = Vec::new();
        for row in self.storage.sql(&query, &[])? {
            let owner = row.get(0).as_string().unwrap_or_default();
            lines.push(ClientLine {
                waiting: self.memory.counts.of(self.storage, &owner)?.waiting,
                allowed: self.allowed(&owner)?,
                first_ticket: integer_from_js(&row.get(1)),
                last_turn: integer_from_js(&row.get(2)),
            });
            owners.push(owner);
        }
        Ok(Lines { owners, lines })
    }

    /// How many jobs this client may start now, as far as its own limits allow.
    pub(super) fn allowed(&self, owner: &str) -> Result<u32> {
        let client = self.clients.clients.iter().find(|client| client.name.as_str() == owner);
        let Some(options) = client.map(|client| &client.options) else { return Ok(u32::MAX) };
        match options.max_active {
            _ if options.paused => Ok(0),
            None => Ok(u32::MAX),
            Some(most) => Ok(most.saturating_sub(self.memory.counts.of(self.storage, owner)?.active())),
        }
    }

    /// Grants these many slots and notes the turns. Turns matter only while several jobs wait.
    pub(super) fn grant(&self, Lines { owners, lines }: &Lines, slots: u32) -> Result<()> {
        let mut turn = self.newest_turn()?;
        let is_alone = owners.len() < 2;
        for (index, granted) in fair_line::grants(lines, slots) {
            let Some(name) = owners.get(index) else { continue };
            let owner = text_to_js(name);
            let statement = format!(
                "UPDATE jobs SET state = 'called', look_at = ? WHERE ticket IN
                 (SELECT ticket FROM jobs WHERE {WAITING} AND owner = ? ORDER BY ticket LIMIT ?)"
            );
            self.run(&statement, &[time_to_js(self.tick.now), owner.clone(), granted.into()])?;
            self.memory.counts.apply(name, Some(SlotState::Waiting), Some(SlotState::Granted), granted);
            if !is_alone {
                turn += 1;
                self.note_turn(owner, turn)?;
            }
        }
        Ok(())
    }

    fn newest_turn(&self) -> Result<i64> {
        self.memory.newest_turn.get(|| {
            let row = self.first_row("SELECT MAX(number) FROM turn", &[])?;
            Ok(row.map_or(0, |row| integer_from_js(&row.get(0))))
        })
    }

    fn note_turn(&self, owner: JsValue, turn: i64) -> Result<()> {
        self.run("INSERT OR REPLACE INTO turn VALUES (?, ?)", &[owner, integer_to_js(turn)])?;
        self.memory.newest_turn.set(turn);
        Ok(())
    }
}
