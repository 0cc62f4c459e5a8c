//! What one video takes of its day's budget. Each change may be repeated, lost and come in another order than it was
//! sent: the entry is the same in the end.

use super::budget::Day;
use crate::video::money::Usd;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    pub day: Day,
    pub amount: Usd,
    pub state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Its price, until its cost is known.
    Reserved,
    /// What the upstream charged.
    Spent,
    /// Its price, after the video was removed and before anybody has told its cost.
    Assumed,
}

/// Reserves a price, if there is no entry yet.
#[must_use]
pub fn reserve(entry: Option<Entry>, price: Usd, today: Day) -> Entry {
    entry.unwrap_or(Entry { day: today, amount: price, state: State::Reserved })
}

/// What is reserved so far of the price of a job that nobody has taken yet; `None` when that is enough. An earlier submit
/// with the same key may have reserved the price of a cheaper video, and lost the answer.
#[must_use]
pub fn reserved_of(entry: Option<Entry>, price: Option<Usd>) -> Option<Usd> {
    match entry {
        None => Some(Usd::default()),
        Some(Entry { state: State::Reserved, amount, .. }) if price.is_none_or(|price| price > amount) => {
            Some(amount)
        }
        Some(_) => None,
    }
}

/// Reserves a price, or what is missing of it.
#[must_use]
pub fn raise(entry: Option<Entry>, price: Usd, today: Day) -> Entry {
    let entry = reserve(entry, price, today);
    match entry.state {
        State::Reserved => Entry { amount: entry.amount.max(price), ..entry },
        State::Spent | State::Assumed => entry,
    }
}

/// A job is over, as far as its place goes; its `cost` may not be known yet. A known cost stays as it is.
#[must_use]
pub fn settle(entry: Option<Entry>, cost: Option<Usd>, created: Day) -> Option<Entry> {
    match (entry, cost) {
        (Some(Entry { state: State::Spent, .. }), _) | (_, None) => entry,
        (_, Some(cost)) if cost == Usd::default() => None,
        (_, Some(amount)) => {
            let day = entry.map_or(created, |entry| entry.day);
            Some(Entry { day, amount, state: State::Spent })
        }
    }
}

/// What was reserved for a job that was never taken is free again.
#[must_use]
pub fn release(entry: Option<Entry>) -> Option<Entry> {
    entry.filter(|entry| entry.state != State::Reserved)
}

/// The video is removed: its price counts as spent, unless its cost is still told.
#[must_use]
pub fn forget(entry: Option<Entry>) -> Option<Entry> {
    entry.map(|entry| match entry.state {
        State::Reserved => Entry { state: State::Assumed, ..entry },
        State::Spent | State::Assumed => entry,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::video::time::UnixMillis;

    const TODAY: Day = Day::of(UnixMillis::new(0));

    fn usd(text: &str) -> Usd {
        Usd::parse(text).unwrap()
    }

    fn reserved() -> Entry {
        reserve(None, usd("0.28"), TODAY)
    }

    #[test]
    fn a_cost_that_nobody_tells_is_the_price_and_a_known_one_corrects_it() {
        let assumed = forget(Some(reserved()));
        assert_eq!(assumed.map(|entry| (entry.amount, entry.state)), Some((usd("0.28"), State::Assumed)));
        let spent = settle(assumed, Some(usd("0.1")), TODAY);
        assert_eq!(spent.map(|entry| (entry.amount, entry.state)), Some((usd("0.1"), State::Spent)));
        assert_eq!(settle(assumed, Some(usd("0")), TODAY), None);
    }

    #[test]
    fn a_dearer_request_reserves_what_is_missing() {
        let (cheap, dear) = (usd("0.28"), usd("0.56"));
        assert_eq!(reserved_of(None, Some(dear)), Some(Usd::default()));
        assert_eq!(reserved_of(None, None), Some(Usd::default()));
        assert_eq!(reserved_of(Some(reserved()), Some(cheap)), None);
        assert_eq!(reserved_of(Some(reserved()), Some(usd("0.1"))), None);
        assert_eq!(reserved_of(Some(reserved()), None), Some(cheap));
        assert_eq!(reserved_of(Some(reserved()), Some(dear)), Some(cheap));
        assert_eq!(raise(Some(reserved()), dear, TODAY).amount, dear);
        assert_eq!(raise(Some(reserved()), usd("0.1"), TODAY).amount, cheap);
        let spent = settle(Some(reserved()), Some(usd("0.3")), TODAY);
        assert_eq!(reserved_of(spent, Some(dear)), None);
        assert_eq!(Some(raise(spent, dear, TODAY)), spent);
    }

    #[test]
    fn what_is_spent_or_assumed_is_not_released() {
        let spent = settle(Some(reserved()), Some(usd("0.3")), TODAY);
        assert_eq!((release(Some(reserved())), release(spent)), (None, spent));
        assert_eq!(release(forget(Some(reserved()))), forget(Some(reserved())));
    }

    proptest! {
        /// A known cost is told at least once, in any order with all else, after a reservation or without one.
        #[test]
        fn any_order_of_repeated_messages_ends_with_the_cost(
            cost in 0_u64..1_000_000,
            had_budget in any::<bool>(),
            before in proptest::collection::vec(0..4_u8, 0..6),
            after in proptest::collection::vec(0..3_u8, 0..6),
        ) {
            let cost = Usd::from_micros(cost);
            let mut entry = had_budget.then(reserved);
            let told = std::iter::once(0);
            for message in before.into_iter().chain(told).chain(after) {
                entry = match message {
                    0 => settle(entry, Some(cost), TODAY),
                    1 => settle(entry, None, TODAY),
                    2 => forget(entry),
                    _ => Some(reserve(entry, usd("0.28"), TODAY)),
                };
            }
            prop_assert_eq!(entry.map_or(Usd::default(), |entry| entry.amount), cost);
        }
    }
}
