//! The entry of one video in the budget of its day. Repeated, lost and reordered messages give the same result.

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
    /// Reserved: the price, until the cost is known.
    Reserved,
    /// Spent: Wiro's charge.
    Spent,
    /// The price of a removed video whose cost is unknown.
    Assumed,
}

/// Reserves a price, unless there is an entry.
#[must_use]
pub fn reserve(entry: Option<Entry>, price: Usd, today: Day) -> Entry {
    entry.unwrap_or(Entry { day: today, amount: price, state: State::Reserved })
}

/// The amount that is reserved for a video that was not accepted yet; `None` if it covers the price. An earlier submit with
/// the same key, whose answer was lost, may have reserved the price of a cheaper video.
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

/// Reserves a price, or the missing part of it.
#[must_use]
pub fn raise(entry: Option<Entry>, price: Usd, today: Day) -> Entry {
    let entry = reserve(entry, price, today);
    match entry.state {
        State::Reserved => Entry { amount: entry.amount.max(price), ..entry },
        State::Spent | State::Assumed => entry,
    }
}

/// A job has released its slot; its `cost` may not be known yet. A known cost never changes.
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

/// Frees the reservation of a video that was never accepted.
#[must_use]
pub fn release(entry: Option<Entry>) -> Option<Entry> {
    entry.filter(|entry| entry.state != State::Reserved)
}

/// The video is removed: its price counts as spent until the cost is known.
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
    fn an_unknown_cost_is_the_price_until_it_is_known() {
        let assumed = forget(Some(reserved()));
        assert_eq!(assumed.map(|entry| (entry.amount, entry.state)), Some((usd("0.28"), State::Assumed)));
        let spent = settle(assumed, Some(usd("0.1")), TODAY);
        assert_eq!(spent.map(|entry| (entry.amount, entry.state)), Some((usd("0.1"), State::Spent)));
        assert_eq!(settle(assumed, Some(usd("0")), TODAY), None);
    }

    #[test]
    fn a_higher_price_reserves_the_difference() {
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
    fn spent_and_assumed_amounts_are_not_released() {
        let spent = settle(Some(reserved()), Some(usd("0.3")), TODAY);
        assert_eq!((release(Some(reserved())), release(spent)), (None, spent));
        assert_eq!(release(forget(Some(reserved()))), forget(Some(reserved())));
    }

    proptest! {
        /// A known cost is reported at least once, in any order with all other messages.
        #[test]
        fn any_order_of_repeated_messages_ends_with_the_cost(
            cost in 0_u64..1_000_000,
            had_budget in any::<bool>(),
            before in proptest::collection::vec(0..4_u8, 0..6),
            after in proptest::collection::vec(0..3_u8, 0..6),
        ) {
            let cost = Usd::from_micros(cost);
            let mut entry = had_budget.then(reserved);
            let known_cost = std::iter::once(0);
            for message in before.into_iter().chain(known_cost).chain(after) {
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
