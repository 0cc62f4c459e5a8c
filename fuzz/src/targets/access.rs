//! What opens something: tokens, ids, callback proofs, grants, challenges. The fuzzer is given right ones to start from.

use std::sync::LazyLock;

use hailuo_worker::http::turnstile::{ACTION, Secret, Token, Verdict, read_verdict, request_body};
use hailuo_worker::video::access::clients::Clients;
use hailuo_worker::video::access::grants::Grants;
use hailuo_worker::video::access::keys::SigningKeys;
use hailuo_worker::video::access::owner::Owner;
use hailuo_worker::video::id::VideoId;
use hailuo_worker::video::time::UnixMillis;
use serde_json::Value;

use super::lines;

/// `CLIENT_TOKENS` in the first line, `Authorization` in the second.
pub fn client_tokens(data: &[u8]) {
    let [json, authorization] = lines(data);
    let Ok(clients) = Clients::parse(&json) else { return };
    if let Some(owner) = clients.authorized(&authorization) {
        let (_, token) = authorization.split_once(' ').unwrap_or_default();
        let value = serde_json::from_str(&json).unwrap_or_default();
        assert!(strings(&value).contains(&token.trim()));
        assert!(!owner.is_nobody());
    }
}

/// Every text in a value that is no name.
fn strings(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().flat_map(strings).collect(),
        Value::Object(members) => members.values().flat_map(strings).collect(),
        _ => Vec::new(),
    }
}

struct Made {
    keys: SigningKeys,
    id: VideoId,
    proof: String,
    grants: Grants,
}

const RANDOM: [u8; 16] = [1; 16];

/// 2023-11-14, in the middle of which the grant holds.
const NOW: UnixMillis = UnixMillis::new(1_700_000_000_000);

static MADE: LazyLock<Made> = LazyLock::new(|| {
    let keys = SigningKeys::derive(&[b'k'; 32]).unwrap_or_else(|error| panic!("{error}"));
    let alice = Owner::named("alice").unwrap_or_default();
    let id = keys.mint(&alice, RANDOM);
    let proof = keys.callback_proof(&id);
    let none = || Grants { content: String::new(), events: String::new() };
    let grants = keys.grants(&alice, &id, NOW.seconds(), NOW).unwrap_or_else(none);
    Made { keys, id, proof, grants }
});

/// An owner and an id: the one that was made for that owner is right, and there is no other.
pub fn id(data: &[u8]) {
    let [name, text] = lines(data);
    let made = &*MADE;
    let owner = Owner::named(&name).unwrap_or_default();
    // What was verified has the only spelling, and was made of the only random bits that the fuzzer knows of.
    let is_right = text == made.keys.mint(&owner, RANDOM).as_str();
    assert_eq!(made.keys.verify_id(&owner, &text).is_some(), is_right);
    if let Some(shaped) = VideoId::unproven(&text) {
        assert_eq!(shaped.as_str().len(), made.id.as_str().len());
    }
    // Whatever its key, an idempotent submit names a video of its owner's.
    let named = made.keys.mint_for(&owner, &text);
    assert_eq!(made.keys.verify_id(&owner, named.as_str()), Some(named));
}

/// An id, and a text as its callback's proof and as its grants.
pub fn grant(data: &[u8]) {
    let [id, text] = lines(data);
    let made = &*MADE;
    let is_hers = id == made.id.as_str();
    assert_eq!(made.keys.verify_callback(&id, &text).is_some(), is_hers && text == made.proof);
    let Grants { content, events } = &made.grants;
    assert_eq!(made.keys.verify_content_grant(&id, &text, NOW).is_some(), is_hers && text == *content);
    assert_eq!(made.keys.verify_events_grant(&id, &text, NOW).is_some(), is_hers && text == *events);
    let much_later = UnixMillis::new(2 * NOW.millis());
    assert_eq!(made.keys.verify_content_grant(&id, &text, much_later), None);
    assert_eq!(made.keys.verify_events_grant(&id, &text, much_later), None);
}

/// A token in the first line, then what the verifier says of it: a status in the first byte, and the body.
pub fn siteverify(data: &[u8]) {
    let [shown, answer] = lines(data);
    if let Some(token) = Token::read(shown.clone()) {
        assert!((1..=2048).contains(&shown.len()) && shown.bytes().all(|byte| byte.is_ascii_graphic()));
        let asked = request_body(&Secret::new("secret".to_owned()), &token, None);
        let asked: Value = serde_json::from_str(&asked).unwrap_or_default();
        assert_eq!(strings(&asked), [shown.as_str(), "secret"]);
    }
    let status = if answer.starts_with(|first: char| first.is_ascii_digit()) { 200 } else { 500 };
    let body: String = answer.chars().skip(1).collect();
    if read_verdict(status, &body, |hostname| hostname == "video.example") == Verdict::Passed {
        let said: Value = serde_json::from_str(&body).unwrap_or_default();
        let is = |name: &str, value: &str| said.get(name).and_then(Value::as_str) == Some(value);
        let is_yes = said.get("success") == Some(&Value::Bool(true));
        assert!(status == 200 && is_yes && is("hostname", "video.example") && is("action", ACTION));
    }
}
