//! Events as the text of a stream and of a `WebSocket`.

use serde::Serialize;

use crate::video::access::grants::Grants;
use crate::video::feed::FeedEvent;
use crate::video::record::public::{PublicOrigin, Video};

/// The parts of the links in a subscriber's Videos.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Links {
    pub origin: PublicOrigin,
    /// The grants of a subscriber that has subscribed with a grant, which expire with it. `None`: the owner's grants.
    pub grants: Option<Grants>,
}

/// An event as server-sent event.
pub fn event_text(number: u64, event: &FeedEvent, links: &Links, owner_grants: Option<&Grants>) -> String {
    let (kind, data) = event_data(event, links, owner_grants);
    format!("id: {number}\nevent: {kind}\ndata: {data}\n\n")
}

/// An event as message of a socket.
pub fn message_text(number: u64, event: &FeedEvent, links: &Links, owner_grants: Option<&Grants>) -> String {
    let (kind, data) = event_data(event, links, owner_grants);
    format!(r#"{{"seq":{number},"type":"{kind}","data":{data}}}"#)
}

fn event_data(
    event: &FeedEvent,
    Links { origin, grants }: &Links,
    owner_grants: Option<&Grants>,
) -> (&'static str, String) {
    match event {
        FeedEvent::Video(record) => {
            let grants = grants.as_ref().or(owner_grants);
            ("video", to_json(&Video::of(record.as_ref().clone(), origin, grants)))
        }
        FeedEvent::Log(line) => ("log", to_json(line)),
    }
}

/// JSON without the line ends that JSON allows in a text: some readers of event streams split at them.
fn to_json(value: &impl Serialize) -> String {
    let json = serde_json::to_string(value).unwrap_or_default();
    let ends = [('\u{85}', "\\u0085"), ('\u{2028}', "\\u2028"), ('\u{2029}', "\\u2029")];
    ends.into_iter().fold(
        json,
        |json, (end, escaped)| {
            if json.contains(end) { json.replace(end, escaped) } else { json }
        },
    )
}
