//! The prices that the operator sets.

use crate::video::money::Usd;

/// `PRICES_USD`: prices by the format of a video, after the model's name if it is not the default model, used when Wiro's
/// description has no price.
#[derive(Debug, Default)]
pub struct PriceList(Vec<(String, Usd)>);

/// Resolution and seconds of every video of the default model.
const FORMATS: [&str; 3] = ["768P/6", "768P/10", "1080P/6"];

const PRICE_RULE: &str = "must be prices such as 768P/6=0.28,768P/10=0.56,1080P/6=0.49, each once; for a model that is not \
                          the default one hailuo-2.3-fast:768P/6=0.19";

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
            let is_format = match kind.rsplit_once(':') {
                Some((model, format)) => !model.is_empty() && format.contains('/'),
                None => FORMATS.contains(&kind),
            };
            if !is_format || prices.get(kind).is_some() {
                return Err(PRICE_RULE);
            }
            prices.0.push((kind.to_owned(), price));
        }
        Ok(prices)
    }

    /// The models in the list.
    pub fn models(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|(kind, _)| Some(kind.rsplit_once(':')?.0))
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
    fn one_invalid_price_makes_the_list_invalid() {
        let prices = PriceList::parse("768P/6=0.28, 1080P/6 = 0.49").unwrap();
        assert_eq!(prices.get("768P/6"), Some(usd("0.28")));
        assert_eq!(prices.get("1080P/6"), Some(usd("0.49")));
        assert_eq!(prices.get("768P/10"), None);
        assert!(PriceList::parse("").unwrap().get("768P/6").is_none());
        let prices = PriceList::parse("768P/6=0.28,a/b:512P/5=0.10").unwrap();
        assert_eq!(prices.get("a/b:512P/5"), Some(usd("0.10")));
        assert_eq!(prices.models().collect::<Vec<_>>(), ["a/b"]);
        assert!(PriceList::parse(":768P/6=1").is_err() && PriceList::parse("a:768P=1").is_err());
        for wrong in
            ["768P/6", "768P/6=", "768p/6=1", "768P/7=1", "768P/6=1,768P/6=2", "768P/6=1,", "=1", "0.28"]
        {
            assert!(PriceList::parse(wrong).is_err(), "{wrong}");
        }
    }
}
