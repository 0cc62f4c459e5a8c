//! A number with up to three decimals, kept exactly and written as a number of JSON: 25 or 5.88.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

const ONE: u64 = 1000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Thousandths(pub u64);

impl Serialize for Thousandths {
    #[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "rounding is all that can happen")]
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.is_multiple_of(ONE) {
            serializer.serialize_u64(self.0 / ONE)
        } else {
            serializer.serialize_f64(self.0 as f64 / ONE as f64)
        }
    }
}

impl<'de> Deserialize<'de> for Thousandths {
    #[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "rounding is all that can happen")]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "what is too large saturates"
    )]
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = f64::deserialize(deserializer)?;
        Ok(Self((number * ONE as f64).round() as u64))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn whole_numbers_are_written_without_decimals() {
        for (thousandths, text) in
            [(25_000, "25"), (29_970, "29.97"), (5_880, "5.88"), (23_976, "23.976"), (1, "0.001"), (0, "0")]
        {
            assert_eq!(serde_json::to_string(&Thousandths(thousandths)).unwrap(), text);
            assert_eq!(serde_json::from_str::<Thousandths>(text).unwrap(), Thousandths(thousandths));
        }
        assert!(serde_json::from_str::<Thousandths>("\"25\"").is_err());
        assert_eq!(serde_json::from_str::<Thousandths>("-1").unwrap(), Thousandths(0));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(thousandths in 0_u64..1 << 50) {
            let text = serde_json::to_string(&Thousandths(thousandths)).unwrap();
            prop_assert_eq!(serde_json::from_str::<Thousandths>(&text).unwrap(), Thousandths(thousandths));
        }
    }
}
