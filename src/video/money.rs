//! Exact amounts of money, in integer micro-dollars.

pub mod budget;
pub mod ledger;
pub mod price_list;

use std::fmt;

use serde::{Deserialize, Serialize};

const MICROS: u64 = 1_000_000;

/// Limit for the digits before the point, so that sums are exact in JavaScript and `SQLite` too.
const MAX_WHOLE_DIGITS: usize = 8;

/// US dollars, in millionths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(transparent)]
pub struct Usd(u64);

impl Usd {
    #[must_use]
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    #[must_use]
    pub const fn micros(self) -> u64 {
        self.0
    }

    /// Reads a decimal number such as `0.28`. A fraction of a micro-dollar is rounded up.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        let whole_digits = whole.trim_start_matches('0');
        if !is_number(whole) || !is_number(fraction) || whole_digits.len() > MAX_WHOLE_DIGITS {
            return None;
        }
        let (kept, rest) = fraction.split_at_checked(6).unwrap_or((fraction, ""));
        let micros: u64 = format!("{whole_digits}{kept:0<6}").parse().ok()?;
        let excess = rest.bytes().any(|digit| digit != b'0');
        Some(Self(micros + u64::from(excess)))
    }

    /// Adds an amount; saturates.
    #[must_use]
    pub const fn plus(self, more: Self) -> Self {
        Self(self.0.saturating_add(more.0))
    }

    /// Subtracts an amount; the result is at least zero.
    #[must_use]
    pub const fn minus(self, less: Self) -> Self {
        Self(self.0.saturating_sub(less.0))
    }
}

/// The API's format: `0.28`, `3.00`, `0.00351`.
impl fmt::Display for Usd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = format!("{:06}", self.0 % MICROS);
        write!(f, "{}.{:0<2}", self.0 / MICROS, micros.trim_end_matches('0'))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn decimals_are_parsed_and_formatted() {
        for (text, micros, shown) in [
            ("0.28", 280_000, "0.28"),
            ("5", 5_000_000, "5.00"),
            ("12.5", 12_500_000, "12.50"),
            ("0.003510000000", 3510, "0.00351"),
            ("0", 0, "0.00"),
            ("007.0", 7_000_000, "7.00"),
            ("99999999.999999", 99_999_999_999_999, "99999999.999999"),
        ] {
            assert_eq!(Usd::parse(text), Some(Usd(micros)), "{text}");
            assert_eq!(Usd(micros).to_string(), shown);
        }
    }

    #[test]
    fn invalid_amounts_are_none() {
        for text in ["", ".", "1.", ".5", "-1", "+1", "1e3", "1,5", " 1", "NaN", "$3", "100000000", "１"] {
            assert_eq!(Usd::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn fractions_of_a_micro_dollar_are_rounded_up() {
        assert_eq!(Usd::parse("0.0000001"), Some(Usd(1)));
        assert_eq!(Usd::parse("0.2800000"), Some(Usd(280_000)));
    }

    proptest! {
        #[test]
        fn amounts_round_trip(micros in 0_u64..99_999_999_999_999) {
            prop_assert_eq!(Usd::parse(&Usd(micros).to_string()), Some(Usd(micros)));
        }

        #[test]
        fn parsing_never_panics_and_never_rounds_down(text in "[0-9]{0,12}\\.?[0-9]{0,9}|.{0,20}") {
            if let (Some(amount), Ok(float)) = (Usd::parse(&text), text.parse::<f64>()) {
                let micros: f64 = amount.micros().to_string().parse().unwrap();
                prop_assert!(micros >= (float * 1e6) * (1.0 - 1e-12) && micros < float * 1e6 + 1.1);
            }
        }
    }
}
