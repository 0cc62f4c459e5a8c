//! The price of a video: `dynamicprice` of Tool/Detail, a list of prices by the inputs of a run.

use serde_json::Value;

use super::envelope::text;
use super::model::read_seconds;

/// Prices per run, and per output file, of which there is one.
const PER_RUN: [&str; 2] = ["cpr", "cpo"];

/// Prices per second of video.
const PER_SECOND: [&str; 2] = ["cps", "cp-outputVideoLength"];

/// The price of a run in millionths of a dollar; `micros` parses an amount. If several entries match, the highest
/// counts. If one of them cannot be read, the result is `None`, because it may be the one that is charged. A price of
/// 0 counts as free only without a note, because Wiro's notes describe another way of charging.
#[must_use]
pub fn price(
    list: &str,
    resolution: &str,
    duration: &str,
    micros: impl Fn(&str) -> Option<u64>,
) -> Option<u64> {
    let list = read(list);
    let mut highest = None;
    for entry in list.as_array()? {
        let matches = |name, value: &str| {
            let given = entry.get("inputs").and_then(|inputs| text(inputs, name));
            given.is_none_or(|given| given.trim_end_matches('s').eq_ignore_ascii_case(value))
        };
        if !matches("resolution", resolution) || !matches("duration", duration) {
            continue;
        }
        let amount = micros(&text(entry, "price")?)?;
        let method = text(entry, "priceMethod").unwrap_or_else(|| "cpr".to_owned());
        let is_one_of = |methods: &[&str]| methods.contains(&method.as_str());
        let price = if is_one_of(&PER_RUN) {
            amount
        } else if is_one_of(&PER_SECOND) {
            amount.checked_mul(read_seconds(duration)?.into())?
        } else {
            return None;
        };
        if price == 0 && text(entry, "note").is_some() {
            return None;
        }
        highest = highest.max(Some(price));
    }
    highest
}

fn read(list: &str) -> Value {
    serde_json::from_str(list).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn of(list: &Value, resolution: &str, duration: &str) -> Option<u64> {
        let cents = |text: &str| text.replace('.', "").parse().ok();
        price(&list.to_string(), resolution, duration, cents)
    }

    #[test]
    fn a_price_depends_on_resolution_and_duration() {
        let list = json!([
            { "inputs": { "resolution": "768P", "duration": "6" }, "price": 0.28, "priceMethod": "cpr" },
            { "inputs": { "resolution": "768P", "duration": 10 }, "price": "0.56", "priceMethod": "cpr" },
            { "inputs": { "resolution": "1080p", "duration": "6s" }, "price": 0.49 },
        ]);
        assert_eq!(of(&list, "768P", "6"), Some(28));
        assert_eq!(of(&list, "768P", "10"), Some(56));
        assert_eq!(of(&list, "1080P", "6"), Some(49));
        assert_eq!(of(&list, "1080P", "10"), None);
    }

    #[test]
    fn the_highest_price_counts_unless_one_is_unreadable() {
        let entry = |inputs: Value, price: Value| json!({ "inputs": inputs, "price": price });
        let with = |other: Value| {
            let list = json!([entry(json!({ "resolution": "768P" }), json!(0.28)), other]);
            of(&list, "768P", "6")
        };
        assert_eq!(with(entry(json!({}), json!(0.31))), Some(31));
        assert_eq!(with(entry(json!({ "resolution": "1080P" }), json!(0.49))), Some(28));
        assert_eq!(with(entry(json!(null), json!(null))), None);
        assert_eq!(with(entry(json!({ "duration": 6 }), json!("much"))), None);
    }

    #[test]
    fn each_pricing_method_is_supported() {
        let with = |method: &str, price: Value, note: &str| {
            let entry = json!({ "inputs": {}, "price": price, "priceMethod": method, "note": note });
            of(&json!([entry]), "768P", "10")
        };
        assert_eq!(with("cpr", json!(0.28), ""), Some(28));
        assert_eq!(with("cpo", json!(0.28), ""), Some(28));
        assert_eq!(with("cps", json!("0.05"), ""), Some(50));
        assert_eq!(with("cp-outputVideoLength", json!("0.05"), ""), Some(50));
        for unknown in ["cpt", "cp-pixel", "cp-readoutput", "cp-realtimeturn", "cp-new"] {
            assert_eq!(with(unknown, json!(0.05), ""), None, "{unknown}");
        }
        let note = "Billed per second at the rate of the resolution.";
        assert_eq!(with("cp-readoutput", json!(0), note), None);
        assert_eq!(with("cpr", json!(0), note), None);
        assert_eq!(with("cpr", json!(0), ""), Some(0));
        assert_eq!(with("cpr", json!(0.28), note), Some(28));
    }

    proptest! {
        #[test]
        fn arbitrary_price_lists_do_not_panic(list in ".{0,100}", price_of in ".{0,10}", resolution in ".{0,6}") {
            let _ = price(&list, &resolution, "6", |text| text.parse().ok());
            let entry = json!([{ "inputs": { "resolution": resolution }, "price": price_of }]).to_string();
            let _ = price(&entry, &resolution, "6", |text| text.parse().ok());
        }
    }
}
