//! The subscribers of a video: server-sent events ([`EventStreams`]) and `WebSocket`s, fed from one [`Feed`].

use std::cell::RefCell;
use std::rc::Rc;

use worker::js_sys::Array;
use worker::wasm_bindgen::{JsCast, JsValue};
use worker::web_sys::WebSocket;
use worker::worker_sys::DurableObjectState;
use worker::worker_sys::ext::WebSocketExt;
use worker::{Response, ResponseBuilder, Result, WebSocketPair};

use super::event_batches::Place;
use super::event_streams::{EventStreams, Start};
use super::event_text::{Links, event_text, message_text};
use crate::calls::objects::SubscribeOptions;
use crate::runtime::clock;
use crate::video::access::grants::Grants;
use crate::video::feed::{Feed, FeedEvent, LogStream};
use crate::video::record::Record;
use crate::video::record::public::PublicOrigin;

/// Most sockets of one video, because the runtime buffers for each an amount that it does not report.
const MAX_SOCKETS: usize = 32;

/// Subscribers need not send anything. Some clients send a greeting or a keep-alive.
const MAX_MESSAGES: u32 = 16;
const MAX_MESSAGE_BYTES: u32 = 1024;

const NORMAL_CLOSURE: u16 = 1000;
const POLICY_VIOLATION: u16 = 1008;
const MESSAGE_TOO_BIG: u16 = 1009;
const TRY_AGAIN_LATER: u16 = 1013;

pub struct Subscribers {
    state: DurableObjectState,
    /// Whether the Videos have links to thumbnails.
    has_thumbnails: bool,
    feed: Rc<RefCell<Feed>>,
    streams: EventStreams,
}

impl Subscribers {
    #[must_use]
    pub fn new(state: DurableObjectState, has_thumbnails: bool) -> Self {
        let now = u64::try_from(clock::now().millis()).unwrap_or_default();
        let feed = Rc::new(RefCell::new(Feed::begin(now)));
        Self { state, has_thumbnails, streams: EventStreams::new(Rc::clone(&feed)), feed }
    }

    pub fn any(&self) -> bool {
        !self.streams.is_empty() || !self.sockets().is_empty()
    }

    /// The lines of this stream that no subscriber can have seen.
    pub fn missing_lines(&self, stream: LogStream, lines: Vec<String>) -> Vec<String> {
        self.feed.borrow().missing_lines(stream, lines)
    }

    /// Sends an event to all subscribers, a Video with the owner's `grants`. The last event closes all of them.
    pub fn publish(&self, event: &FeedEvent, grants: Option<&Grants>, is_last: bool) {
        let Some(number) = self.feed.borrow_mut().add(event.clone()) else { return };
        if matches!(event, FeedEvent::Video(_)) {
            self.streams.set_owner_grants(grants);
        }
        self.streams.deliver();
        let mut texts: Vec<(Links, String)> = Vec::new();
        for socket in self.sockets() {
            let links = self.with_thumbnails(read_attachment(&socket).1);
            let known = texts.iter().position(|(known, _)| *known == links);
            let at = known.unwrap_or_else(|| {
                let text = message_text(number, event, &links, grants);
                texts.push((links, text));
                texts.len() - 1
            });
            if let Some((_, text)) = texts.get(at) {
                let _ = socket.send_with_str(text);
            }
        }
        if is_last {
            self.close_all();
        }
    }

    /// Closes every stream, after the events that it has not got yet, and every socket.
    pub fn close_all(&self) {
        self.streams.finish();
        for socket in self.sockets() {
            let _ = socket.close_with_code(NORMAL_CLOSURE);
        }
    }

    /// Starts a subscription with the missed events, or with the current Video and the log lines so far. The links have the
    /// owner's `grants`, unless the client subscribed with one. `on_unsubscribe` is called when it ends. Answers 429 if
    /// there are too many subscribers.
    ///
    /// # Errors
    /// If the runtime refuses.
    pub fn subscribe(
        &self,
        options: SubscribeOptions,
        record: Record,
        grants: Option<&Grants>,
        on_unsubscribe: impl FnOnce() + 'static,
    ) -> Result<Response> {
        let origin = PublicOrigin { url: options.origin, has_thumbnails: self.has_thumbnails };
        let links = Links { origin, grants: options.grants };
        self.streams.set_owner_grants(grants);
        if options.is_socket {
            return self.subscribe_socket(&links, grants, options.last_event_id, record);
        }
        let Some(start) = self.start(links, grants, options.last_event_id, record) else {
            // The only status after which a browser does not reconnect.
            return Ok(ResponseBuilder::new().with_status(204).empty());
        };
        match self.streams.add(start, on_unsubscribe) {
            Some(readable) => {
                Ok(ResponseBuilder::new().with_header("content-type", "text/event-stream")?.stream(readable))
            }
            None => Response::error("too many subscribers", 429),
        }
    }

    /// `None` if the video has ended and the client knows it.
    fn start(
        &self,
        links: Links,
        grants: Option<&Grants>,
        last_event_id: Option<u64>,
        record: Record,
    ) -> Option<Start> {
        let feed = self.feed.borrow();
        let is_final = record.status.is_final();
        if let Some(after) = last_event_id.filter(|number| feed.after(*number).is_some()) {
            let is_over = is_final && after == feed.last();
            let place = Place { after, lines_until: 0 };
            return (!is_over).then_some(Start { links, place, first: None, last: None, is_final });
        }
        let video = FeedEvent::Video(Box::new(record));
        let text = |number| Some(event_text(number, &video, &links, grants));
        let (first, last) = match feed.lines().next() {
            Some((number, _)) if !is_final => (text(number.saturating_sub(1)), None),
            Some(_) => (None, text(feed.last())),
            None => (text(feed.last()), None),
        };
        let place = Place { after: feed.floor(), lines_until: feed.last() };
        Some(Start { links, place, first, last, is_final })
    }

    fn subscribe_socket(
        &self,
        links: &Links,
        grants: Option<&Grants>,
        last_event_id: Option<u64>,
        record: Record,
    ) -> Result<Response> {
        let is_final = record.status.is_final();
        let events = self.initial_events(last_event_id, record);
        let WebSocketPair { client, server } = WebSocketPair::new()?;
        let socket: &WebSocket = server.as_ref();
        // The newest socket comes first.
        if let Some(oldest) = self.sockets().get(MAX_SOCKETS - 1) {
            let _ = oldest.close_with_code(TRY_AGAIN_LATER);
        }
        self.state.accept_websocket(socket)?;
        write_attachment(socket, 0, links)?;
        for (number, event) in &events {
            server.send_with_str(message_text(*number, event, links, grants))?;
        }
        if is_final {
            server.close(Some(NORMAL_CLOSURE), None::<&str>)?;
        }
        Response::from_websocket(client)
    }

    /// Whether a message of this length is acceptable; if not, the socket is closed.
    #[must_use]
    pub fn accept_message(socket: &WebSocket, length: u32) -> bool {
        let (messages, links) = read_attachment(socket);
        let code = match (length, messages) {
            (MAX_MESSAGE_BYTES.., _) => MESSAGE_TOO_BIG,
            (_, MAX_MESSAGES..) => POLICY_VIOLATION,
            _ => return write_attachment(socket, messages + 1, &links).is_ok(),
        };
        let _ = socket.close_with_code(code);
        false
    }

    /// The first events of a socket: those that were missed; otherwise the Video as it is and the log lines so far. The
    /// Video of a video that has ended comes last, because it ends the stream.
    fn initial_events(&self, after: Option<u64>, record: Record) -> Vec<(u64, FeedEvent)> {
        let feed = self.feed.borrow();
        if let Some(events) = after.and_then(|number| feed.after(number)) {
            return events.cloned().collect();
        }
        let mut events: Vec<_> = feed.lines().cloned().collect();
        let is_final = record.status.is_final();
        let video = FeedEvent::Video(Box::new(record));
        match events.first() {
            Some((number, _)) if !is_final => {
                events.insert(0, (number.saturating_sub(1), video));
            }
            _ => events.push((feed.last(), video)),
        }
        events
    }

    fn with_thumbnails(&self, mut links: Links) -> Links {
        links.origin.has_thumbnails = self.has_thumbnails;
        links
    }

    /// Those that are open. The runtime also names those that were closed and whose clients never answer that.
    fn sockets(&self) -> Vec<WebSocket> {
        let mut sockets = self.state.get_websockets().unwrap_or_default();
        sockets.retain(|socket| socket.ready_state() == WebSocket::OPEN);
        sockets
    }
}

/// A socket's message count and links, which survive hibernation.
fn read_attachment(socket: &WebSocket) -> (u32, Links) {
    let known = socket.deserialize_attachment().ok().filter(Array::is_array);
    known.map_or((MAX_MESSAGES, Links::default()), |known| {
        let known: Array = known.unchecked_into();
        let messages = known.get(0).as_string().and_then(|count| count.parse().ok());
        let grants = known.get(2).as_string().zip(known.get(3).as_string());
        let links = Links {
            origin: PublicOrigin {
                url: known.get(1).as_string().unwrap_or_default(),
                ..PublicOrigin::default()
            },
            grants: grants.map(|(content, events)| Grants { content, events }),
        };
        (messages.unwrap_or(MAX_MESSAGES), links)
    })
}

fn write_attachment(socket: &WebSocket, messages: u32, links: &Links) -> Result<()> {
    let attachment =
        Array::of2(&JsValue::from_str(&messages.to_string()), &JsValue::from_str(&links.origin.url));
    if let Some(Grants { content, events }) = &links.grants {
        attachment.push(&JsValue::from_str(content));
        attachment.push(&JsValue::from_str(events));
    }
    Ok(socket.serialize_attachment(attachment.into())?)
}
