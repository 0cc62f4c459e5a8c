//! What a task owes besides its job: each chore is done again until it succeeded, whatever the job does
//! meanwhile.

use serde::{Deserialize, Serialize};

use super::schedule::Ladder;
use crate::video::time::{Moment, UnixMillis};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Chore {
    /// Write the record to KV.
    Publish,
    /// Tell the waiting line whether a place is needed: give it up, or, for a job that was given up and turned up after
    /// all, take one again.
    Leave,
    /// Have the upstream delete its copy, now that ours is verified.
    Purge,
    /// Tell the waiting line whether the upstream answered Run.
    ReportRun,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
struct Owed {
    chore: Chore,
    failures: u32,
    due: UnixMillis,
    /// Owed anew while it was under way: what is being done is not all of it.
    again: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(transparent)]
pub struct Chores(Vec<Owed>);

impl Chores {
    /// From now on, `chore` is owed.
    pub fn owe(&mut self, chore: Chore, now: UnixMillis) {
        match self.0.iter_mut().find(|owed| owed.chore == chore) {
            Some(owed) => {
                owed.due = owed.due.min(now);
                owed.again = true;
            }
            None => self.0.push(Owed { chore, failures: 0, due: now, again: false }),
        }
    }

    /// What is to be done now; it is due again at `guard` if nobody says how it went.
    pub fn take_due(&mut self, now: UnixMillis, guard: UnixMillis) -> Vec<Chore> {
        let due = self.0.iter_mut().filter(|owed| owed.due <= now);
        due.map(|owed| {
            owed.due = guard;
            owed.again = false;
            owed.chore
        })
        .collect()
    }

    /// How it went.
    pub fn settle(&mut self, chore: Chore, succeeded: bool, retry: &Ladder, at: Moment) {
        let Some(owed) = self.0.iter_mut().find(|owed| owed.chore == chore) else { return };
        if !succeeded {
            owed.due = at.now.after(retry.jittered(owed.failures, at.chance));
            owed.failures = owed.failures.saturating_add(1);
        } else if owed.again {
            owed.due = at.now;
        } else {
            self.0.retain(|owed| owed.chore != chore);
        }
    }

    /// Nothing is owed any more.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// When the next one is due.
    #[must_use]
    pub fn next_due(&self) -> Option<UnixMillis> {
        self.0.iter().map(|owed| owed.due).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis::new(1000);
    const GUARD: UnixMillis = UnixMillis::new(11_000);

    fn settle(chores: &mut Chores, succeeded: bool) {
        let retry = Ladder::parse("2,5").unwrap();
        chores.settle(Chore::Publish, succeeded, &retry, Moment { now: NOW, chance: 0 });
    }

    #[test]
    fn a_chore_is_done_once() {
        let mut chores = Chores::default();
        chores.owe(Chore::Publish, NOW);
        assert_eq!(chores.take_due(NOW, GUARD), [Chore::Publish]);
        assert_eq!(chores.take_due(NOW, GUARD), []);
        settle(&mut chores, true);
        assert_eq!(chores.next_due(), None);
    }

    #[test]
    fn a_failed_chore_climbs_the_ladder_and_a_lost_one_waits_for_its_guard() {
        let mut chores = Chores::default();
        chores.owe(Chore::Publish, NOW);
        let _ = chores.take_due(NOW, GUARD);
        assert_eq!(chores.next_due(), Some(GUARD));
        settle(&mut chores, false);
        assert_eq!(chores.next_due(), Some(UnixMillis::new(1000 + 1600)));
        settle(&mut chores, false);
        assert_eq!(chores.next_due(), Some(UnixMillis::new(1000 + 4000)));
    }

    #[test]
    fn what_is_owed_anew_while_it_is_done_is_done_again() {
        let mut chores = Chores::default();
        chores.owe(Chore::Publish, NOW);
        let _ = chores.take_due(NOW, GUARD);
        chores.owe(Chore::Publish, NOW);
        settle(&mut chores, true);
        assert_eq!(chores.take_due(NOW, GUARD), [Chore::Publish]);
        settle(&mut chores, true);
        assert_eq!(chores.next_due(), None);
    }
}
