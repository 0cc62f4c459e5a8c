//! The amounts of today, of all owners together and of each, in memory. To sum up the rows for each submit would take
//! longer with every video of the day.

use std::cell::RefCell;
use std::collections::HashMap;

use worker::Result;

use super::EntryChange;
use crate::runtime::values::{integer_from_js, integer_to_js};
use crate::storage::object_storage::ObjectStorage;
use crate::video::access::owner::Owner;
use crate::video::money::Usd;
use crate::video::money::budget::Day;
use crate::video::money::ledger::{Entry, State};

/// The totals of one day; empty until they are first read. Only `Spending` writes the rows that they sum up, and applies
/// each change here too.
#[derive(Default)]
pub struct SpendingTotals {
    of_day: RefCell<Option<(Day, Totals)>>,
}

/// Micro-dollars.
#[derive(Clone, Copy, Default)]
pub struct Amounts {
    spent: i64,
    reserved: i64,
}

#[derive(Default)]
struct Totals {
    all: Amounts,
    owners: HashMap<String, Amounts>,
}

impl Amounts {
    #[must_use]
    pub fn spent(self) -> Usd {
        Usd::from_micros(u64::try_from(self.spent).unwrap_or_default())
    }

    #[must_use]
    pub fn reserved(self) -> Usd {
        Usd::from_micros(u64::try_from(self.reserved).unwrap_or_default())
    }

    #[must_use]
    pub fn sum(self) -> Usd {
        Usd::from_micros(u64::try_from(self.spent.saturating_add(self.reserved)).unwrap_or_default())
    }

    fn add(&mut self, entry: Entry, sign: i64) {
        let micros = i64::try_from(entry.amount.micros()).unwrap_or(i64::MAX).saturating_mul(sign);
        let amount = match entry.state {
            State::Reserved => &mut self.reserved,
            State::Spent | State::Assumed => &mut self.spent,
        };
        *amount = amount.saturating_add(micros);
    }
}

impl SpendingTotals {
    /// The amounts of all and of this owner on a day. Another day than the one before is read from the rows.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn of(&self, storage: &ObjectStorage, day: Day, owner: &Owner) -> Result<(Amounts, Amounts)> {
        let mut of_day = self.of_day.borrow_mut();
        let totals = match &*of_day {
            Some((known, totals)) if *known == day => totals,
            _ => &of_day.insert((day, read(storage, day)?)).1,
        };
        Ok((totals.all, totals.owners.get(owner.as_str()).copied().unwrap_or_default()))
    }

    /// Applies a change that was stored.
    pub fn apply(&self, owner: &Owner, change: &EntryChange) {
        let mut of_day = self.of_day.borrow_mut();
        let Some((day, totals)) = &mut *of_day else { return };
        for (entry, sign) in [(change.before, -1), (change.after, 1)] {
            if let Some(entry) = entry.filter(|entry| entry.day == *day) {
                totals.all.add(entry, sign);
                totals.owners.entry(owner.as_str().to_owned()).or_default().add(entry, sign);
            }
        }
    }
}

fn read(storage: &ObjectStorage, day: Day) -> Result<Totals> {
    let query = "SELECT owner, SUM(micros * (is_spent > 0)), SUM(micros * (is_spent = 0)) FROM spending
        WHERE day = ? GROUP BY owner";
    let mut totals = Totals::default();
    for row in storage.sql(query, &[integer_to_js(day.number())])? {
        let [spent, reserved] = [1, 2].map(|column| integer_from_js(&row.get(column)));
        totals.all.spent = totals.all.spent.saturating_add(spent);
        totals.all.reserved = totals.all.reserved.saturating_add(reserved);
        totals.owners.insert(row.get(0).as_string().unwrap_or_default(), Amounts { spent, reserved });
    }
    Ok(totals)
}
