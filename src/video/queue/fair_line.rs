//! The order in which queued jobs get slots: clients take turns, and the jobs of one client follow each other as they
//! came. A client that may not have another job now waits without blocking the others.

/// The queued jobs of one client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientLine {
    /// How many wait.
    pub waiting: u32,
    /// How many of them may start now, as far as this client's limits allow.
    pub allowed: u32,
    /// Grows with every turn; 0 for a client that had none since its jobs began to wait.
    pub last_turn: i64,
    /// The arrival of its first job.
    pub first_ticket: i64,
}

impl ClientLine {
    const fn startable(&self) -> u32 {
        if self.waiting < self.allowed { self.waiting } else { self.allowed }
    }

    const fn blocked(&self) -> u32 {
        self.waiting - self.startable()
    }
}

/// The indexes of the lines in the order of their turns: who had no turn for the longest time comes first.
#[must_use]
pub fn turns(lines: &[ClientLine]) -> Vec<usize> {
    let mut order: Vec<(i64, i64, usize)> =
        lines.iter().enumerate().map(|(index, line)| (line.last_turn, line.first_ticket, index)).collect();
    order.sort_unstable();
    order.into_iter().map(|(_, _, index)| index).collect()
}

/// How many jobs may start now, as far as the clients' limits allow.
#[must_use]
pub fn startable(lines: &[ClientLine]) -> u32 {
    lines.iter().map(ClientLine::startable).fold(0, u32::saturating_add)
}

/// The clients that get these many slots, one turn after the other: each with the number of its jobs, in the order of its
/// last turn.
#[must_use]
pub fn grants(lines: &[ClientLine], slots: u32) -> Vec<(usize, u32)> {
    // The number of the last turn, the client, and how many turns it has had.
    let mut given: Vec<(u32, usize, u32)> = turns(lines).into_iter().map(|index| (0, index, 0)).collect();
    let slots = slots.min(startable(lines));
    let (mut turn, mut round) = (0, 0);
    while turn < slots {
        round += 1;
        for (last_turn, index, count) in &mut given {
            let may_start = lines.get(*index).is_some_and(|line| line.startable() >= round);
            if turn < slots && may_start {
                turn += 1;
                (*last_turn, *count) = (turn, round);
            }
        }
    }
    given.retain(|(_, _, count)| *count > 0);
    given.sort_unstable();
    given.into_iter().map(|(_, index, count)| (index, count)).collect()
}

/// The position, counted from 1, of the job that is the `rank`th of its client's line (counted from 1 too), in the order
/// in which slots would be granted now. Jobs that their client's limits block come after all others.
#[must_use]
pub fn position(lines: &[ClientLine], index: usize, rank: u32) -> Option<u32> {
    let line = lines.get(index).filter(|line| (1..=line.waiting).contains(&rank))?;
    let startable_rank = line.startable();
    if rank <= startable_rank {
        Some(position_in_turns(lines, index, rank, ClientLine::startable))
    } else {
        let behind = position_in_turns(lines, index, rank - startable_rank, ClientLine::blocked);
        Some(startable(lines).saturating_add(behind))
    }
}

fn position_in_turns(
    lines: &[ClientLine],
    index: usize,
    rank: u32,
    length: impl Fn(&ClientLine) -> u32,
) -> u32 {
    let Some(own) = lines.get(index) else { return rank };
    let own_turn = (own.last_turn, own.first_ticket, index);
    let ahead = lines.iter().enumerate().map(|(other, line)| {
        // All rounds before, and this round if its turn is before or is this one.
        let is_before = (line.last_turn, line.first_ticket, other) <= own_turn;
        length(line).min(if is_before { rank } else { rank - 1 })
    });
    ahead.fold(0, u32::saturating_add)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn line(waiting: u32, allowed: u32, last_turn: i64, first_ticket: i64) -> ClientLine {
        ClientLine { waiting, allowed, last_turn, first_ticket }
    }

    const ANY: u32 = u32::MAX;

    #[test]
    fn one_client_is_served_in_the_order_of_arrival() {
        let lines = [line(30, ANY, 0, 7)];
        assert_eq!(grants(&lines, 3), [(0, 3)]);
        assert_eq!([1, 2, 30].map(|rank| position(&lines, 0, rank)), [Some(1), Some(2), Some(30)]);
        assert_eq!([0, 31].map(|rank| position(&lines, 0, rank)), [None, None]);
        assert_eq!(position(&lines, 1, 1), None);
    }

    #[test]
    fn a_client_with_few_jobs_does_not_wait_behind_all_jobs_of_another() {
        // The first has had a turn, the second has not.
        let lines = [line(1000, ANY, 1, 1), line(1, ANY, 0, 1001)];
        assert_eq!(position(&lines, 1, 1), Some(1));
        assert_eq!([1, 2].map(|rank| position(&lines, 0, rank)), [Some(2), Some(3)]);
        assert_eq!(grants(&lines, 1), [(1, 1)]);
        assert_eq!(grants(&lines, 2), [(1, 1), (0, 1)]);
        assert_eq!(grants(&lines, 500), [(1, 1), (0, 499)]);
    }

    #[test]
    fn a_client_at_its_limit_does_not_block_the_others() {
        let lines = [line(5, 1, 0, 1), line(2, ANY, 0, 6), line(3, 0, 0, 8)];
        assert_eq!(startable(&lines), 3);
        assert_eq!(grants(&lines, 10), [(0, 1), (1, 2)]);
        assert_eq!([1, 2].map(|rank| position(&lines, 0, rank)), [Some(1), Some(4)]);
        assert_eq!([1, 2].map(|rank| position(&lines, 1, rank)), [Some(2), Some(3)]);
        assert_eq!([1, 2, 3].map(|rank| position(&lines, 2, rank)), [Some(5), Some(7), Some(9)]);
    }

    /// Grants slots one at a time, as the dispatcher does if they become free one after the other.
    fn one_by_one(mut lines: Vec<ClientLine>) -> Vec<(usize, u32)> {
        let mut turn = lines.iter().map(|line| line.last_turn).max().unwrap_or_default();
        let mut served = vec![0; lines.len()];
        let mut order = Vec::new();
        while let [(index, 1)] = grants(&lines, 1)[..] {
            served[index] += 1;
            order.push((index, served[index]));
            turn += 1;
            let line = &mut lines[index];
            line.waiting -= 1;
            line.allowed -= 1;
            line.last_turn = turn;
        }
        order
    }

    fn any_lines() -> impl Strategy<Value = Vec<ClientLine>> {
        let line = (0..20_u32, prop_oneof![0..20_u32, Just(ANY - 1)], 0..4_i64, 0..1000_i64);
        proptest::collection::vec(line, 1..7).prop_map(|lines| {
            let lines = lines.into_iter().enumerate();
            // No two clients have the same turn or ticket.
            let lines = lines.map(|(index, (waiting, allowed, last_turn, first_ticket))| {
                let unique = i64::try_from(index).unwrap_or_default();
                ClientLine {
                    waiting,
                    allowed,
                    last_turn: if last_turn == 0 { 0 } else { last_turn * 10 + unique },
                    first_ticket: first_ticket * 10 + unique,
                }
            });
            lines.collect()
        })
    }

    proptest! {
        #[test]
        fn the_position_is_the_order_in_which_slots_are_granted(lines in any_lines()) {
            let order = one_by_one(lines.clone());
            prop_assert_eq!(order.len(), usize::try_from(startable(&lines)).unwrap());
            for (place, (index, rank)) in order.iter().enumerate() {
                prop_assert_eq!(position(&lines, *index, *rank), u32::try_from(place + 1).ok());
            }
        }

        #[test]
        fn many_slots_at_once_go_to_the_same_jobs_as_one_after_the_other(
            lines in any_lines(),
            slots in 0..100_u32,
        ) {
            let mut expected: Vec<(usize, u32)> = Vec::new();
            for (index, rank) in one_by_one(lines.clone()).into_iter().take(usize::try_from(slots).unwrap()) {
                expected.retain(|(known, _)| *known != index);
                expected.push((index, rank));
            }
            prop_assert_eq!(grants(&lines, slots), expected);
        }

        #[test]
        fn all_positions_are_different_and_without_gaps(lines in any_lines()) {
            let mut all: Vec<u32> = lines
                .iter()
                .enumerate()
                .flat_map(|(index, line)| (1..=line.waiting).map(move |rank| (index, rank)))
                .map(|(index, rank)| position(&lines, index, rank).unwrap())
                .collect();
            all.sort_unstable();
            let count = u32::try_from(all.len()).unwrap();
            prop_assert_eq!(all, (1..=count).collect::<Vec<_>>());
        }
    }
}
