//! What Wiro asks for a video: `dynamicprice` of Tool/Detail, a list of prices by the inputs of a run.

use serde_json::Value;

use super::answer::{HttpAnswer, text};
use super::files::Refusal;
use super::task::done;

pub const TOOL_DETAIL: &str = "/Tool/Detail";

/// A price for each run, whatever it takes; others (by the second of computing, say) tell no price beforehand.
const PER_RUN: &str = "cpr";

/// The body of Tool/Detail for `owner/model`, names that need no escapes.
#[must_use]
pub fn tool_body(model: &str) -> String {
    let (owner, project) = model.split_once('/').unwrap_or_default();
    format!(r#"{{"slugowner":"{owner}","slugproject":"{project}"}}"#)
}

/// The list as it is, for [`price`].
///
/// # Errors
/// [`Refusal`] when there is none.
pub fn read_list(http: &HttpAnswer) -> Result<String, Refusal> {
    let value = done(http).map_err(Refusal::Failed)?;
    let tool = value.get("tool").unwrap_or(&Value::Null);
    match tool.get(0).unwrap_or(tool).get("dynamicprice") {
        Some(Value::String(list)) if read(list).is_array() => Ok(list.clone()),
        Some(list @ Value::Array(_)) => Ok(list.to_string()),
        _ => Err(Refusal::Failed("no price list".to_owned())),
    }
}

/// The price of a run with these inputs, read by `amount`. Where several may be meant, the highest, and none when one of
/// them cannot be read: it may be the one that is charged.
#[must_use]
pub fn price<T: Ord>(
    list: &str,
    resolution: &str,
    duration: &str,
    amount: impl Fn(&str) -> Option<T>,
) -> Option<T> {
    let list = read(list);
    let mut highest = None;
    for entry in list.as_array()? {
        let is_so = |name, value: &str| {
            let given = entry.get("inputs").and_then(|inputs| text(inputs, name));
            given.is_none_or(|given| given.trim_end_matches('s').eq_ignore_ascii_case(value))
        };
        let is_per_run = text(entry, "priceMethod").is_none_or(|method| method == PER_RUN);
        if is_per_run && is_so("resolution", resolution) && is_so("duration", duration) {
            highest = highest.max(Some(amount(&text(entry, "price")?)?));
        }
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

    fn listed(body: &Value) -> Result<String, Refusal> {
        read_list(&HttpAnswer { status: 200, retry_after_seconds: None, body: Some(body.to_string()) })
    }

    fn of(list: &Value, resolution: &str, duration: &str) -> Option<u32> {
        let cents = |text: &str| text.replace('.', "").parse().ok();
        price(&list.to_string(), resolution, duration, cents)
    }

    #[test]
    fn the_model_is_asked_for_by_its_two_names() {
        assert_eq!(tool_body("minimax/hailuo-2-3"), r#"{"slugowner":"minimax","slugproject":"hailuo-2-3"}"#);
    }

    #[test]
    fn the_list_comes_as_text_or_as_a_list() {
        let list = json!([{ "inputs": { "resolution": "768P" }, "price": 0.28 }]);
        for tool in [
            json!([{ "dynamicprice": list.to_string() }]),
            json!({ "dynamicprice": list.to_string() }),
            json!([{ "dynamicprice": list }]),
        ] {
            let list = listed(&json!({ "result": true, "errors": [], "tool": tool })).unwrap();
            assert_eq!(price(&list, "768P", "6", |text| Some(text.to_owned())).as_deref(), Some("0.28"));
        }
        for tool in
            [json!([]), json!(null), json!([{ "dynamicprice": "x" }]), json!([{ "dynamicprice": null }])]
        {
            assert!(listed(&json!({ "result": true, "tool": tool })).is_err());
        }
        assert!(listed(&json!({ "result": false, "errors": [{ "code": 1, "message": "no" }] })).is_err());
    }

    #[test]
    fn a_price_goes_by_resolution_and_duration() {
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
    fn of_several_the_highest_counts_and_an_unreadable_one_spoils_them() {
        let entry = |inputs: Value, price: Value| json!({ "inputs": inputs, "price": price });
        let with = |other: Value| {
            let list = json!([entry(json!({ "resolution": "768P" }), json!(0.28)), other]);
            of(&list, "768P", "6")
        };
        assert_eq!(with(entry(json!({}), json!(0.31))), Some(31));
        assert_eq!(with(entry(json!({ "resolution": "1080P" }), json!(0.49))), Some(28));
        assert_eq!(with(entry(json!(null), json!(null))), None);
        assert_eq!(with(entry(json!({ "duration": 6 }), json!("much"))), None);
        let by_the_second = json!([{ "inputs": {}, "price": 0.02, "priceMethod": "cps" }]);
        assert_eq!(of(&by_the_second, "768P", "6"), None);
    }

    proptest! {
        #[test]
        fn no_list_panics(list in ".{0,100}", price_of in ".{0,10}", resolution in ".{0,6}") {
            let _ = price(&list, &resolution, "6", |text| Some(text.to_owned()));
            let entry = json!([{ "inputs": { "resolution": resolution }, "price": price_of }]).to_string();
            let _ = price(&entry, &resolution, "6", |text| text.parse::<u32>().ok());
            let _ = listed(&json!({ "result": true, "tool": [{ "dynamicprice": list }] }));
        }
    }
}
