//! What the dispatcher keeps of each video besides its slot: its place in the lists, its money, and its part of the usage.
//! Each method is synchronous, so each call is one transaction. Messages may be repeated, late or lost: a video's row says
//! what usage has counted of it, so nothing is counted twice.
//!
//! A video counts for the day of its creation, its money for the day of its entry in the budget. Usage is only counted
//! where there is an operator.

use worker::Result;

use super::owned_videos::{NOT_ENDED, OwnedVideos, Row};
use super::spending::{EntryChange, Spending, SpendingTotals};
use super::usage::Usage;
use crate::storage::object_storage::ObjectStorage;
use crate::video::access::owner::Owner;
use crate::video::id::VideoId;
use crate::video::money::Usd;
use crate::video::money::budget::Day;
use crate::video::money::ledger::{Entry, State};
use crate::video::task::VideoOwnership;
use crate::video::time::UnixMillis;
use crate::video::usage::query::UsageQuery;
use crate::video::usage::{Counter, Ending, UsageReport};

pub struct Accounts<'a> {
    lists: OwnedVideos<'a>,
    spending: Spending<'a>,
    usage: Option<Usage<'a>>,
}

impl<'a> Accounts<'a> {
    /// Fails if `SQLite` fails, like all methods.
    pub fn open(
        storage: &'a ObjectStorage,
        totals: &'a SpendingTotals,
        has_operator: bool,
        now: UnixMillis,
    ) -> Result<Self> {
        Ok(Self {
            lists: OwnedVideos::open(storage, has_operator)?,
            spending: Spending::open(storage, totals, now)?,
            usage: has_operator.then(|| Usage::open(storage)).transpose()?,
        })
    }

    pub const fn lists(&self) -> &OwnedVideos<'a> {
        &self.lists
    }

    pub const fn spending(&self) -> &Spending<'a> {
        &self.spending
    }

    /// The video was accepted.
    pub fn accept(&self, video: &VideoOwnership) -> Result<()> {
        let is_new = self.lists.add(video)?;
        self.count_submit(video, is_new)
    }

    /// Like [`accept`](Self::accept), for a message that may arrive after the video's removal.
    fn accept_late(&self, video: &VideoOwnership) -> Result<()> {
        let is_new = self.lists.add_unless_removed(video)?;
        self.count_submit(video, is_new)
    }

    fn count_submit(&self, video: &VideoOwnership, is_new: bool) -> Result<()> {
        match &self.usage {
            Some(usage) if is_new => {
                let VideoOwnership { owner, created_at, model, .. } = video;
                usage.count(day_of(*created_at), owner, model, &[(Counter::Submitted, 1)])
            }
            _ => Ok(()),
        }
    }

    /// The job has released its slot; its `cost` may not be known yet.
    pub fn settle(&self, video: &VideoOwnership, cost: Option<Usd>) -> Result<()> {
        self.accept_late(video)?;
        let change = self.spending.settle(video, cost)?;
        self.book(video, change)
    }

    /// The video, whose job is settled, has ended.
    pub fn end(&self, video: &VideoOwnership, ending: &Ending) -> Result<()> {
        let Some(usage) = &self.usage else { return self.lists.end(video, ending.status, None) };
        let Some(row) = self.lists.row(&video.id)? else { return Ok(()) };
        let counter = ending.counter();
        let mut counts = taken_back(&row);
        if row.counted.as_deref() == Some(counter.name()) {
            counts.clear();
        } else {
            // A row from before usage was counted.
            counts.extend(row.counted.is_none().then_some((Counter::Submitted, 1)));
            counts.push((counter, 1));
            counts.extend((ending.seconds > 0).then(|| (Counter::Seconds, ending.seconds.into())));
        }
        usage.count(day_of(row.created_at), &row.owner, &video.model, &counts)?;
        self.lists.end(video, ending.status, Some(counter.name()))
    }

    /// The video goes on, although it may have ended.
    pub fn resume(&self, video: &VideoOwnership) -> Result<()> {
        self.accept(video)?;
        if let (Some(usage), Some(row)) = (&self.usage, self.lists.row(&video.id)?) {
            usage.count(day_of(row.created_at), &row.owner, &row.model, &taken_back(&row))?;
        }
        self.lists.resume(&video.id)
    }

    /// The video is removed. `is_refused`: it was refused as if it had never been accepted.
    pub fn remove(&self, video: &VideoOwnership, cost: Option<Usd>, is_refused: bool) -> Result<()> {
        let change = self.spending.settle(video, cost)?;
        self.book(video, change)?;
        let change = self.spending.forget(video)?;
        self.book(video, change)?;
        self.leave(&video.id, is_refused)
    }

    /// The video's object knows nothing of it.
    pub fn discard(&self, id: &VideoId) -> Result<()> {
        self.spending.release(id)?;
        self.leave(id, true)
    }

    /// A video that was deleted before its end counts as cancelled.
    fn leave(&self, id: &VideoId, is_refused: bool) -> Result<()> {
        if let (Some(usage), Some(row)) = (&self.usage, self.lists.row(id)?)
            && row.counted.as_deref() == Some(NOT_ENDED)
        {
            let count = if is_refused { (Counter::Submitted, -1) } else { (Counter::Cancelled, 1) };
            usage.count(day_of(row.created_at), &row.owner, &row.model, &[count])?;
        }
        self.lists.remove(id)
    }

    /// Counts a change of the spent money. The entry of a past day may have been removed since it was counted.
    fn book(&self, video: &VideoOwnership, change: Option<EntryChange>) -> Result<()> {
        let (Some(usage), Some(EntryChange { before, after })) = (&self.usage, change) else { return Ok(()) };
        let row = self.lists.row(&video.id)?;
        let counted = row.as_ref().and_then(|row| row.spent).unwrap_or_else(|| spent_of(before));
        let spent = spent_of(after);
        let Some(Entry { day, .. }) = after.or(before) else { return Ok(()) };
        if spent == counted {
            return Ok(());
        }
        usage.spend(day, &video.owner, &video.model, spent - counted)?;
        if row.is_some() { self.lists.set_spent(&video.id, spent) } else { Ok(()) }
    }

    /// The answer to a query; `None` if it would have too many rows.
    pub fn report(&self, query: &UsageQuery) -> Result<Option<UsageReport>> {
        let Some(usage) = &self.usage else { return Ok(None) };
        let today = self.spending.usage_of_all()?;
        Ok(usage.report(query)?.map(|rows| UsageReport { rows, today: (today.spent(), today.reserved()) }))
    }

    /// Removes usage that is older than it is kept.
    pub fn forget_old(&self, now: UnixMillis) -> Result<()> {
        self.usage.as_ref().map_or(Ok(()), |usage| usage.forget_old(Day::of(now)))
    }

    /// What the owner has spent and reserved today.
    pub fn usage_of(&self, owner: &Owner) -> Result<(Usd, Usd)> {
        let today = self.spending.usage(owner)?;
        Ok((today.spent(), today.reserved()))
    }
}

/// The end that was counted, to be taken back.
fn taken_back(row: &Row) -> Vec<(Counter, i64)> {
    let counter = row.counted.as_deref().and_then(Counter::read);
    counter.map(|counter| (counter, -1)).into_iter().collect()
}

fn day_of(seconds: i64) -> Day {
    Day::of(UnixMillis::new(seconds.saturating_mul(1000)))
}

/// The spent micro-dollars of an entry.
fn spent_of(entry: Option<Entry>) -> i64 {
    let spent = entry.filter(|entry| entry.state != State::Reserved);
    spent.map_or(0, |entry| i64::try_from(entry.amount.micros()).unwrap_or(i64::MAX))
}
