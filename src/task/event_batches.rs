//! What streams get at once: events that follow each other, encoded once for all streams in the same place.

use std::collections::VecDeque;

use worker::js_sys::Uint8Array;

use super::event_text::{Links, event_text};
use crate::runtime::streams::chunk_of;
use crate::video::access::grants::Grants;
use crate::video::feed::{Feed, FeedEvent};

/// A batch ends with the event that exceeds this.
const BATCH_BYTES: usize = 16 * 1024;

/// Most streams are in the same place, a few are behind.
const MAX_KEPT: usize = 4;

/// A place in a feed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The newest event that the reader has.
    pub after: u64,
    /// Up to this event the reader wants only log lines, because it has a newer Video.
    pub lines_until: u64,
}

pub enum Batch {
    Chunk(Uint8Array),
    /// There are no further events.
    Empty,
    /// The events are not kept any more.
    Lost,
}

#[derive(Default)]
pub struct Batches {
    owner_grants: Option<Grants>,
    kept: VecDeque<Encoded>,
}

struct Encoded {
    links: Links,
    from: Place,
    /// The last event in it.
    to: u64,
    chunk: Uint8Array,
}

impl Batches {
    /// Later Videos have these grants, unless the subscriber has its own.
    pub fn set_owner_grants(&mut self, grants: Option<&Grants>) {
        if self.owner_grants.as_ref() != grants {
            self.owner_grants = grants.cloned();
            self.kept.clear();
        }
    }

    /// Frees what is kept for streams in the same place.
    pub fn clear(&mut self) {
        self.kept.clear();
    }

    /// The next events for a reader in this place, which moves behind them.
    pub fn after(&mut self, place: &mut Place, links: &Links, feed: &Feed) -> Batch {
        if place.after == feed.last() {
            return Batch::Empty;
        }
        if place.lines_until <= place.after {
            place.lines_until = 0;
        }
        // A batch may have been made before the newest events.
        let known = self.kept.iter().find(|kept| {
            kept.from == *place && kept.links == *links && (kept.to == feed.last() || is_full(&kept.chunk))
        });
        if let Some(known) = known {
            place.after = known.to;
            return Batch::Chunk(known.chunk.clone());
        }
        let Some(events) = feed.after(place.after) else { return Batch::Lost };
        let mut text = String::new();
        let mut to = place.after;
        for (number, event) in events {
            let is_wanted = *number > place.lines_until || matches!(event, FeedEvent::Log(_));
            if is_wanted {
                text += &event_text(*number, event, links, self.owner_grants.as_ref());
            }
            to = *number;
            if text.len() >= BATCH_BYTES {
                break;
            }
        }
        let from = *place;
        place.after = to;
        if text.is_empty() {
            return Batch::Empty;
        }
        let chunk = chunk_of(&text);
        if self.kept.len() >= MAX_KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back(Encoded { links: links.clone(), from, to, chunk: chunk.clone() });
        Batch::Chunk(chunk)
    }
}

fn is_full(chunk: &Uint8Array) -> bool {
    usize::try_from(chunk.byte_length()).is_ok_and(|length| length >= BATCH_BYTES)
}
