//! The prices that the operator sets.

use crate::video::money::Usd;

/// `PRICES_USD`: prices by the kind of a video, used when Wiro's description has no price.
#[derive(Debug, Default)]
pub struct PriceList(Vec<(String, Usd)>);

/// Resolution and seconds of every kind of video.
const KINDS: [&str; 3] = ["768P/6", "768P/10", "1080P/6"];

const PRICE_RULE: &str = "must be prices such as 768P/6=0.28,768P/10=0.56,1080P/6=0.49, each once";

impl PriceList {
    /// Reads a comma-separated list of `kind=price`; may be empty.
    ///
    /// # Errors
    /// The rule for the list.
    pub fn parse(list: &str) -> Result<Self, &'static str> {
        let mut prices = Self::default();
        for entry in list.split(',').map(str::trim).filter(|_| !list.is_empty()) {
            let (kind, price) = entry.split_once('=').ok_or(PRICE_RULE)?;
            let kind = kind.trim();
            let price = Usd::parse(price.trim()).ok_or(PRICE_RULE)?;
            if !KINDS.contains(&kind) || prices.get(kind).is_some() {
                return Err(PRICE_RULE);
            }
            prices.0.push((kind.to_owned(), price));
        }
        Ok(prices)
    }

    #[must_use]
    pub fn get(&self, kind: &str) -> Option<Usd> {
        self.0.iter().find(|(known, _)| known == kind).map(|(_, price)| *price)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usd(text: &str) -> Usd {
        Usd::parse(text).unwrap()
    }

    #[test]
    fn one_bad_price_refuses_the_whole_list() {
        let prices = PriceList::parse("768P/6=0.28, 1080P/6 = 0.49").unwrap();
        assert_eq!(prices.get("768P/6"), Some(usd("0.28")));
        assert_eq!(prices.get("1080P/6"), Some(usd("0.49")));
        assert_eq!(prices.get("768P/10"), None);
        assert!(PriceList::parse("").unwrap().get("768P/6").is_none());
        for wrong in
            ["768P/6", "768P/6=", "768p/6=1", "768P/7=1", "768P/6=1,768P/6=2", "768P/6=1,", "=1", "0.28"]
        {
            assert!(PriceList::parse(wrong).is_err(), "{wrong}");
        }
    }
}
