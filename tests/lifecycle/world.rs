//! The simulated environment of the random tests: upstream, KV, dispatcher and webhook. It records what really happened.

use std::collections::BTreeMap;

use super::faults::{Fate, Job, Luck, Run, Stray};
use super::life::{Life, START, failed, job, output, succeeded};
use hailuo_worker::video::delivery::DeliveryResponse;
use hailuo_worker::video::lifecycle::event::{Effect, Event, Observation, RunOutcome, SlotReply};
use hailuo_worker::video::lifecycle::pending_work::WorkItem;
use hailuo_worker::video::lifecycle::retry_schedule::RetrySchedule;
use hailuo_worker::video::money::Usd;
use hailuo_worker::video::money::budget::Day;
use hailuo_worker::video::money::ledger::{self, Entry, State};
use hailuo_worker::video::record::{Failure, FailureCode, Record, Status};
use hailuo_worker::video::task::Phase;
use hailuo_worker::video::task::search::SearchOutcome;
use hailuo_worker::video::task::tombstone::{Admission, Known, Tombstone};
use hailuo_worker::video::time::{Millis, UnixMillis};

#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct World {
    pub life: Life,
    /// All jobs that Run started.
    pub jobs: Vec<Job>,
    /// A Run may have been sent, and it is not proven that it did not start.
    unproven: bool,
    in_line: bool,
    kv: Option<(Status, Option<FailureCode>)>,
    /// The last delivery that the webhook accepted.
    told: Option<(Status, Option<FailureCode>)>,
    /// The status in each delivery.
    events: BTreeMap<String, (Status, Option<FailureCode>)>,
    deleted: bool,
    pub removed: bool,
    /// The tombstone.
    tombstone: Option<Tombstone>,
    /// The video's entry in the dispatcher's budget.
    entry: Option<Entry>,
    cancelled_in_time: bool,
    progress: u8,
}

/// The cost of the video in `succeeded`, and its reservation.
const COST: &str = "0.28";
const TODAY: Day = Day::of(UnixMillis::new(START));

fn price() -> Usd {
    Usd::from_micros(310_000)
}

pub const fn rank(status: Status) -> u8 {
    match status {
        Status::Queued => 0,
        Status::InProgress => 1,
        Status::Completed | Status::Failed | Status::Cancelled => 2,
    }
}

impl World {
    pub fn new() -> Self {
        let mut life = Life::begin();
        // Longer than any test, so that no deadline is reached.
        life.policy.notify = RetrySchedule::parse(&["1"; 500].join(",")).ok();
        Self {
            life,
            jobs: Vec::new(),
            unproven: false,
            in_line: false,
            kv: None,
            told: None,
            events: BTreeMap::new(),
            deleted: false,
            removed: false,
            tombstone: None,
            entry: Some(ledger::reserve(None, price(), TODAY)),
            cancelled_in_time: false,
            progress: 0,
        }
    }

    /// Applies an event and checks the invariants.
    pub fn on(&mut self, event: Event) {
        let before = (self.life.status(), self.life.failure());
        let rescues = match event {
            Event::RedriveRequested => {
                matches!(before.1, Some(FailureCode::StorageFailed | FailureCode::UpstreamTimeout))
            }
            Event::Searched(SearchOutcome::Found(_)) => before.1 == Some(FailureCode::SubmissionUnknown),
            _ => false,
        };
        self.life.on(event);
        self.watch(before, rescues);
    }

    fn watch(&mut self, before: (Status, Option<FailureCode>), rescues: bool) {
        let record = &self.life.task.record;
        if !rescues {
            assert!(rank(record.status) >= rank(before.0), "the status went back");
            let after = (record.status, self.life.failure());
            assert!(!before.0.is_final() || before == after, "a final state changed");
        }
        let Record { progress, status, .. } = self.life.task.record_at(UnixMillis::new(self.life.now));
        assert!(progress >= self.progress, "the progress fell");
        assert_eq!(progress == 100, status == Status::Completed);
        self.progress = progress;
        assert_eq!(record.output.is_some(), record.status == Status::Completed);
        assert_eq!(record.expires_at.is_some(), record.status.is_final());
        assert!(self.life.task.alarm().is_some(), "no alarm is set: {:?}", self.life.task);
    }

    pub fn wake(&mut self, luck: &mut dyn Iterator<Item = Luck>) {
        if self.removed || self.life.is_at_rest() {
            return;
        }
        let before = (self.life.status(), self.life.failure());
        let effects = self.life.wake();
        self.watch(before, false);
        // From here on the intent to send Run is stored, even if it is not sent.
        if effects.contains(&Effect::Run) {
            assert!(!self.unproven, "Run is sent again though the first may have started");
            assert!(!self.cancelled_in_time, "Run is sent for a video that was cancelled before");
            self.unproven = true;
        }
        for effect in effects {
            // Without further planned faults the object crashes.
            let Some(luck) = luck.next() else { return };
            if matches!(luck.fate, Fate::DiesBefore) {
                return;
            }
            let result = self.perform(&effect, &luck);
            if let Some(stray) = luck.meanwhile {
                self.stray(stray);
            }
            match result {
                Some(event) if matches!(luck.fate, Fate::Performed) => self.on(event),
                _ => return,
            }
        }
    }

    fn perform(&mut self, effect: &Effect, luck: &Luck) -> Option<Event> {
        Some(match effect {
            Effect::AcquireSlot { .. } => {
                self.in_line |= !matches!(luck.slot_reply, SlotReply::Unreachable | SlotReply::QueueFull);
                Event::SlotReplied(luck.slot_reply)
            }
            Effect::Run => Event::RunAnswered(self.run(luck.run)),
            Effect::Check(_) => Event::Observed(self.detail(luck.works)),
            Effect::Stop(_) => {
                if let (true, Some(state @ Job::Running)) = (luck.works, self.jobs.last_mut()) {
                    *state = Job::Cancelled;
                }
                Event::Observed(self.detail(luck.works))
            }
            Effect::Search { .. } => Event::Searched(match (luck.works, self.jobs.is_empty()) {
                (false, _) => SearchOutcome::Failed,
                (true, true) => SearchOutcome::NotFound,
                (true, false) => SearchOutcome::Found(job()),
            }),
            Effect::Copy(_) => Event::Copied(luck.works.then(output)),
            Effect::Perform(item) => {
                if luck.works || luck.answer_is_lost {
                    match item {
                        WorkItem::Publish => self.kv = Some((self.life.status(), self.life.failure())),
                        WorkItem::Report => {
                            self.in_line = self.life.task.needs_slot();
                            self.tell_books(self.in_line);
                        }
                        WorkItem::ReportRun => {}
                        WorkItem::Purge => assert_eq!(self.life.status(), Status::Completed),
                    }
                }
                Event::WorkDone { item: *item, succeeded: luck.works }
            }
            Effect::Notify(recipient, webhook_id) => {
                if !self.life.task.deliveries.is_pending(webhook_id) {
                    return Some(Event::ProgressTick);
                }
                let ending = (self.life.status(), self.life.failure());
                assert!(!self.deleted && ending.0.is_final(), "told of {ending:?}");
                let said = self.events.entry(webhook_id.clone()).or_insert(ending);
                assert_eq!(*said, ending, "an event changed");
                let status = if luck.works { 204 } else { 503 };
                if luck.works {
                    self.told = Some(ending);
                }
                let answer = Ok(DeliveryResponse { status, retry_after: None });
                Event::Notified { recipient: *recipient, webhook_id: webhook_id.clone(), response: answer }
            }
            Effect::Remove { .. } => {
                assert!(
                    self.deleted || self.life.status().is_final() || self.never_became_a_video(),
                    "a video in flight was removed"
                );
                // Before the upstream is called, which may refuse.
                self.entry = ledger::forget(ledger::settle(self.entry, self.life.task.charge(), TODAY));
                let was_given_up = self.life.failure().is_some();
                assert!(was_given_up || self.jobs.last() != Some(&Job::Running), "nobody stops the job");
                if luck.works {
                    self.tombstone = Tombstone::of(&self.life.task, UnixMillis::new(self.life.now));
                    (self.removed, self.in_line, self.kv) = (true, false, None);
                    return None;
                }
                Event::RemovalFailed
            }
        })
    }

    /// Updates the budget entry when a slot is acquired again or released.
    fn tell_books(&mut self, is_needed: bool) {
        let charge = self.life.task.charge();
        self.entry = match (is_needed, charge) {
            (true, None) => Some(ledger::reserve(self.entry, price(), TODAY)),
            (true, Some(_)) => self.entry,
            (false, charge) => ledger::settle(self.entry, charge, TODAY),
        };
    }

    fn run(&mut self, run: Run) -> RunOutcome {
        match run {
            Run::Started | Run::StartedUnheard => self.jobs.push(Job::Running),
            Run::Busy | Run::Full => self.unproven = false,
            Run::NeverArrived | Run::Refused => {}
        }
        assert!(self.jobs.len() <= 1, "two jobs were started");
        match run {
            Run::Started => RunOutcome::Started(job()),
            Run::StartedUnheard | Run::NeverArrived => RunOutcome::Unknown,
            Run::Busy => RunOutcome::NotStarted { retry_after: None },
            Run::Full => RunOutcome::AtCapacity { retry_after: Some(Millis::new(500)) },
            Run::Refused => {
                RunOutcome::Refused(Failure { code: FailureCode::UpstreamRejected, message: "no".to_owned() })
            }
        }
    }

    fn detail(&self, works: bool) -> Observation {
        match self.jobs.last().filter(|_| works) {
            None => Observation::Unreadable,
            Some(Job::Running) => Observation::Working { status: "task_output".to_owned(), ignored: None },
            Some(Job::Succeeded) => succeeded(),
            Some(Job::Failed) => failed(),
            Some(Job::Cancelled) => Observation::Cancelled { cost_usd: None },
        }
    }

    /// The time of the removal comes, if the video has ended.
    pub fn expire(&mut self) {
        if let (Phase::Ended { .. }, Some(at)) = (&self.life.task.phase, self.life.task.record.expires_at) {
            self.life.now = self.life.now.max(at * 1000);
        }
    }

    pub fn stray(&mut self, stray: Stray) {
        if let Stray::Submit { same_request } = stray {
            return self.submit(if same_request { "f" } else { "g" });
        }
        if self.removed {
            return;
        }
        match stray {
            Stray::Submit { .. } => {}
            Stray::Callback { named } => self.on(Event::CallbackReceived(named.then(job))),
            Stray::Cancel => {
                self.on(Event::CancelRequested);
                self.cancelled_in_time |= self.life.status() == Status::Cancelled;
            }
            Stray::Delete => {
                self.on(Event::DeleteRequested);
                self.deleted = true;
            }
            Stray::Redrive => self.on(Event::RedriveRequested),
            Stray::Called => self.on(Event::SlotGranted),
            Stray::Look { days_ahead } => {
                self.on(Event::Reconciled(UnixMillis::new(self.life.now + days_ahead * 86_400_000)));
            }
            Stray::Stale(event) => self.on(event),
        }
    }

    /// The queue was full: the caller got an error, and no job was started.
    fn never_became_a_video(&self) -> bool {
        let is_turned_away = self.life.failure() == Some(FailureCode::UpstreamUnavailable)
            && Tombstone::of(&self.life.task, UnixMillis::new(self.life.now)).is_none();
        assert!(!is_turned_away || (self.jobs.is_empty() && self.kv.is_none() && self.told.is_none()));
        is_turned_away
    }

    /// A submit with a used key gets the existing video and starts nothing. The key of a refused submit is free after its
    /// removal.
    fn submit(&mut self, fingerprint: &str) {
        let now = UnixMillis::new(self.life.now);
        let known = match &self.tombstone {
            Some(tombstone) => Known::Tombstone(tombstone),
            None if self.removed => Known::Nothing,
            None => Known::Task(&self.life.task),
        };
        let is_gone = self.removed || !self.life.task.is_visible();
        let expected = if is_gone && self.never_became_a_video() {
            if self.removed { Admission::New } else { Admission::Wait }
        } else if is_gone {
            Admission::Deleted
        } else if fingerprint == self.life.task.fingerprint {
            Admission::Replay
        } else {
            Admission::OtherRequest
        };
        assert_eq!(known.admit(fingerprint, now), expected, "{:?}", self.life.task);
    }

    /// From here on everything works, and the job ends with a video unless it has ended already.
    pub fn behave(&mut self) {
        if let Some(state @ Job::Running) = self.jobs.last_mut() {
            *state = Job::Succeeded;
        }
        let good = Luck {
            fate: Fate::Performed,
            meanwhile: None,
            run: Run::Started,
            slot_reply: SlotReply::Granted(None),
            works: true,
            answer_is_lost: false,
        };
        for _ in 0..20 {
            self.wake(&mut std::iter::repeat(good.clone()));
            if let Some(state @ Job::Running) = self.jobs.last_mut() {
                *state = Job::Succeeded;
            }
        }
    }

    /// The spent amount equals the charge of the upstream, and nothing is reserved.
    fn judge_books(&self) {
        let task = &self.life.task;
        let spent = self.entry.map_or(Usd::default(), |entry| entry.amount);
        let charged =
            if self.jobs.last() == Some(&Job::Succeeded) { Usd::parse(COST) } else { Some(Usd::default()) };
        if let Some(charge) = task.charge() {
            assert_eq!(Some(spent), Some(charge), "the books say something else: {task:?}");
            let is_known = !task.presumed_lost && task.job().is_some();
            assert!(!is_known || charged == Some(spent), "the upstream charged {charged:?}: {task:?}");
            let is_reserved = self.entry.is_some_and(|entry| entry.state == State::Reserved);
            assert!(!is_reserved, "still reserved: {task:?}");
        } else {
            // The cost stayed unknown.
            assert_eq!(spent, price(), "{task:?}");
        }
    }

    pub fn judge(&self, was_open: bool) {
        let task = &self.life.task;
        assert!(!self.in_line, "it still stands in line: {task:?}");
        self.judge_books();
        assert!(self.removed || !self.deleted, "a deleted video was kept: {task:?}");
        if self.removed {
            return;
        }
        assert!(self.life.is_at_rest(), "{task:?}");
        assert!(self.life.status().is_final(), "{task:?}");
        let is_true = match (self.life.status(), self.life.failure()) {
            (Status::Completed, _) => self.jobs.last() == Some(&Job::Succeeded),
            (_, Some(FailureCode::GenerationFailed)) => self.jobs.last() == Some(&Job::Failed),
            (Status::Cancelled, _) => matches!(self.jobs.last(), None | Some(Job::Cancelled)),
            _ => true,
        };
        assert!(is_true, "the upstream says {:?}: {task:?}", self.jobs);
        assert_eq!(self.kv, Some((self.life.status(), self.life.failure())), "KV shows something else");
        assert_eq!(self.told, self.kv, "the webhook was told something else");
        if was_open {
            let expected = match self.jobs.last() {
                None => return,
                Some(Job::Failed) => (Status::Failed, Some(FailureCode::GenerationFailed)),
                Some(Job::Cancelled) => (Status::Cancelled, None),
                Some(_) => (Status::Completed, None),
            };
            assert_eq!((self.life.status(), self.life.failure()), expected, "a started job was lost");
        }
    }
}
