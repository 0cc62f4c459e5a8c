//! What the operator may change of a client.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::managed_clients::{ClientOptions, WebhookSecret};
use crate::video::money::Usd;
use crate::video::request::FieldError;
use crate::video::request::whole_number;

/// The new value of one option.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Change<T> {
    #[default]
    Keep,
    Reset,
    Set(T),
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct ClientChange {
    pub daily_usd: Change<Usd>,
    pub max_active: Change<u32>,
    pub paused: Change<bool>,
    pub webhook_secret: Change<WebhookSecret>,
}

const NOT_AN_AMOUNT: &str = "must be an amount such as \"5.00\", or null for none";
const NOT_A_NUMBER: &str = "must be a whole number above 0, or null for none";
const NOT_A_FLAG: &str = "must be true or false";
const NOT_A_SECRET: &str = "must be whsec_ and 24 to 64 bytes in base64, or null for none";

impl ClientChange {
    /// Reads the members of a JSON object; null resets an option. `also_known` members are read elsewhere.
    ///
    /// # Errors
    /// All unknown and invalid members.
    pub fn read(members: &Map<String, Value>, also_known: &[&str]) -> Result<Self, Vec<FieldError>> {
        let mut errors = Vec::new();
        let mut change = Self::default();
        for (name, value) in members {
            let read = match name.as_str() {
                "daily_usd" => read(value, amount, &mut change.daily_usd, NOT_AN_AMOUNT),
                "max_active" => read(value, positive, &mut change.max_active, NOT_A_NUMBER),
                "paused" => read(value, flag, &mut change.paused, NOT_A_FLAG),
                "webhook_secret" => read(value, secret, &mut change.webhook_secret, NOT_A_SECRET),
                other if also_known.contains(&other) => Ok(()),
                _ => Err("is not a field"),
            };
            if let Err(message) = read {
                errors.push(FieldError { field: name.clone(), message: message.to_owned() });
            }
        }
        if errors.is_empty() { Ok(change) } else { Err(errors) }
    }

    pub fn apply(self, options: &mut ClientOptions) {
        apply(self.daily_usd, &mut options.daily_usd);
        apply(self.max_active, &mut options.max_active);
        apply(self.webhook_secret, &mut options.webhook_secret);
        match self.paused {
            Change::Keep => {}
            Change::Reset => options.paused = false,
            Change::Set(paused) => options.paused = paused,
        }
    }
}

fn apply<T>(change: Change<T>, option: &mut Option<T>) {
    match change {
        Change::Keep => {}
        Change::Reset => *option = None,
        Change::Set(value) => *option = Some(value),
    }
}

fn read<T>(
    value: &Value,
    parse: impl Fn(&str) -> Option<T>,
    change: &mut Change<T>,
    rule: &'static str,
) -> Result<(), &'static str> {
    let text = match value {
        Value::Null => {
            *change = Change::Reset;
            return Ok(());
        }
        Value::String(text) => text.clone(),
        Value::Number(_) => {
            whole_number(value).map_or_else(|| value.to_string(), |number| number.to_string())
        }
        Value::Bool(_) => value.to_string(),
        Value::Array(_) | Value::Object(_) => return Err(rule),
    };
    *change = Change::Set(parse(&text).ok_or(rule)?);
    Ok(())
}

fn amount(text: &str) -> Option<Usd> {
    Usd::parse(text)
}

fn positive(text: &str) -> Option<u32> {
    text.parse().ok().filter(|number| *number > 0)
}

fn flag(text: &str) -> Option<bool> {
    text.to_ascii_lowercase().parse().ok()
}

fn secret(text: &str) -> Option<WebhookSecret> {
    WebhookSecret::parse(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn members(value: Value) -> Map<String, Value> {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn options_are_set_kept_and_reset() {
        let mut options = ClientOptions::default();
        let secret = format!("whsec_{}", "a".repeat(32));
        let all =
            json!({ "daily_usd": "2.50", "max_active": 3.0, "paused": "True", "webhook_secret": secret });
        ClientChange::read(&members(all), &[]).unwrap().apply(&mut options);
        let expected = ClientOptions {
            daily_usd: Usd::parse("2.50"),
            max_active: Some(3),
            paused: true,
            webhook_secret: WebhookSecret::parse(&secret),
        };
        assert_eq!(options, expected);
        ClientChange::read(&members(json!({ "name": "carol" })), &["name"]).unwrap().apply(&mut options);
        assert_eq!(options, expected);
        let none = json!({ "daily_usd": null, "max_active": null, "paused": null, "webhook_secret": null });
        ClientChange::read(&members(none), &[]).unwrap().apply(&mut options);
        assert_eq!(options, ClientOptions::default());
    }

    #[test]
    fn all_invalid_members_are_reported_by_name() {
        let wrong = json!({
            "daily_usd": -1, "max_active": 0, "paused": "perhaps", "webhook_secret": "secret", "token": "mine"
        });
        let errors = ClientChange::read(&members(wrong), &[]).unwrap_err();
        let mut fields: Vec<_> = errors.iter().map(|error| error.field.as_str()).collect();
        fields.sort_unstable();
        assert_eq!(fields, ["daily_usd", "max_active", "paused", "token", "webhook_secret"]);
        for wrong in
            [json!({ "max_active": 1.5 }), json!({ "max_active": [1] }), json!({ "daily_usd": true })]
        {
            assert_eq!(ClientChange::read(&members(wrong.clone()), &[]).unwrap_err().len(), 1, "{wrong}");
        }
    }
}
