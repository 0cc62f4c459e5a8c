//! Random tests: the object crashes before an effect or before its result is stored, and unexpected requests arrive at any
//! time. Afterwards everything works again, and the video must end correctly.

use super::faults::{Fate, Job, Luck, Run, Stray};
use super::world::World;
use hailuo_worker::video::lifecycle::event::{Event, Observation, SlotReply};
use hailuo_worker::video::lifecycle::pending_work::WorkItem;
use hailuo_worker::video::task::search::SearchOutcome;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Move {
    Wake(Vec<Luck>),
    Stray(Stray),
    /// The job at the upstream ends, if there is one.
    JobEnds(Job),
    Pass(i64),
    Expire,
}

fn luck() -> impl Strategy<Value = Luck> {
    let fate =
        prop_oneof![8 => Just(Fate::Performed), 1 => Just(Fate::DiesBefore), 1 => Just(Fate::DiesAfter)];
    let run = prop_oneof![
        6 => Just(Run::Started),
        2 => Just(Run::StartedUnheard),
        1 => Just(Run::NeverArrived),
        2 => Just(Run::Busy),
        2 => Just(Run::Full),
        1 => Just(Run::Refused),
    ];
    let slot_reply = prop_oneof![
        4 => Just(SlotReply::Granted(None)),
        2 => (1_u32..9).prop_map(SlotReply::Queued),
        1 => Just(SlotReply::Unreachable),
        1 => Just(SlotReply::GrantedWithReport(None)),
        1 => Just(SlotReply::QueueFull),
    ];
    let meanwhile = prop_oneof![6 => Just(None), 1 => stray().prop_map(Some)];
    (fate, meanwhile, run, slot_reply, prop::bool::weighted(0.7), any::<bool>()).prop_map(
        |(fate, meanwhile, run, slot_reply, works, answer_is_lost)| Luck {
            fate,
            meanwhile,
            run,
            slot_reply,
            works,
            answer_is_lost,
        },
    )
}

fn stray() -> impl Strategy<Value = Stray> {
    let stale = prop_oneof![
        Just(Event::ImageStored),
        Just(Event::Searched(SearchOutcome::NotFound)),
        Just(Event::Copied(None)),
        Just(Event::RemovalFailed),
        Just(Event::SlotReplied(SlotReply::Granted(None))),
        Just(Event::Observed(Observation::Unreadable)),
        Just(Event::WorkDone { item: WorkItem::Publish, succeeded: false }),
    ];
    prop_oneof![
        4 => any::<bool>().prop_map(|named| Stray::Callback { named }),
        1 => Just(Stray::Cancel),
        1 => Just(Stray::Delete),
        1 => Just(Stray::Redrive),
        1 => any::<bool>().prop_map(|same_request| Stray::Submit { same_request }),
        1 => Just(Stray::Called),
        1 => (-1_i64..3).prop_map(|days_ahead| Stray::Look { days_ahead }),
        1 => stale.prop_map(Stray::Stale),
    ]
}

fn next_move() -> impl Strategy<Value = Move> {
    prop_oneof![
        8 => proptest::collection::vec(luck(), 1..5).prop_map(Move::Wake),
        2 => stray().prop_map(Move::Stray),
        1 => prop_oneof![3 => Just(Job::Succeeded), 1 => Just(Job::Failed)].prop_map(Move::JobEnds),
        1 => (0_i64..400_000).prop_map(Move::Pass),
        1 => Just(Move::Expire),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn random_events_keep_the_invariants_and_end(moves in proptest::collection::vec(next_move(), 0..30)) {
        let mut world = World::new();
        for next in moves {
            match next {
                Move::Wake(luck) => world.wake(&mut luck.into_iter()),
                Move::Stray(stray) => world.stray(stray),
                Move::JobEnds(end) => {
                    if let Some(state @ Job::Running) = world.jobs.last_mut() {
                        *state = end;
                    }
                }
                Move::Pass(millis) => world.life.now += millis,
                Move::Expire => world.expire(),
            }
        }
        let was_open = !world.removed && !world.life.status().is_final();
        world.behave();
        world.judge(was_open);
    }
}
