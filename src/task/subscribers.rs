//! The subscribers of a video: server-sent events and `WebSocket`s, fed from one [`Feed`]. A subscriber that cannot
//! keep up is closed and may resume with `Last-Event-ID`; nobody waits for another.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::{Either, select};
use serde::Serialize;
use worker::js_sys::{Array, Object, Uint8Array};
use worker::wasm_bindgen::{JsCast, JsValue};
use worker::web_sys::{QueuingStrategy, TransformStream, WebSocket, WritableStreamDefaultWriter};
use worker::worker_sys::DurableObjectState;
use worker::worker_sys::ext::WebSocketExt;
use worker::{Response, ResponseBuilder, Result, WebSocketPair};

use crate::calls::objects::SubscribeOptions;
use crate::runtime::clock;
use crate::runtime::executor::spawn;
use crate::runtime::promise::{Sleep, forget, settled};
use crate::runtime::streams::chunk_of;
use crate::video::access::grants::Grants;
use crate::video::feed::{Feed, FeedEvent, LogStream};
use crate::video::record::Record;
use crate::video::record::public::{PublicOrigin, Video};

/// Most events that may wait for one subscriber: more than a feed keeps.
const MAX_BUFFERED_EVENTS: u16 = 600;

/// Interval of the comments that keep an idle stream open.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Most streams of one video. The oldest stream that lags is closed for a new one; it may resume.
const MAX_STREAMS: usize = 250;

/// How many kinds of links have cached events.
const MAX_KINDS_OF_LINKS: usize = 4;

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
    feed: RefCell<Feed>,
    streams: Rc<RefCell<Vec<StreamSubscriber>>>,
    chunks: RefCell<Chunks>,
}

struct StreamSubscriber {
    links: Links,
    writer: WritableStreamDefaultWriter,
}

/// The parts of the links in a subscriber's Videos.
#[derive(Clone, Default, PartialEq, Eq)]
struct Links {
    origin: PublicOrigin,
    /// The grants of a subscriber that has subscribed with a grant, which expire with it. `None`: the owner's grants.
    grants: Option<Grants>,
}

impl Links {
    /// Replaces missing grants by the owner's grants.
    fn with(&self, grants: Option<&Grants>, has_thumbnails: bool) -> Self {
        let origin = PublicOrigin { has_thumbnails, ..self.origin.clone() };
        Self { origin, grants: self.grants.as_ref().or(grants).cloned() }
    }
}

impl Subscribers {
    #[must_use]
    pub fn new(state: DurableObjectState, has_thumbnails: bool) -> Self {
        let now = u64::try_from(clock::now().millis()).unwrap_or_default();
        Self {
            state,
            has_thumbnails,
            feed: RefCell::new(Feed::begin(now)),
            streams: Rc::default(),
            chunks: RefCell::default(),
        }
    }

    pub fn any(&self) -> bool {
        !self.streams.borrow().is_empty() || !self.sockets().is_empty()
    }

    /// The lines of this stream that no subscriber can have seen.
    pub fn missing_lines(&self, stream: LogStream, lines: Vec<String>) -> Vec<String> {
        self.feed.borrow().missing_lines(stream, lines)
    }

    /// Sends an event to all subscribers, with the owner's `grants`. The last event closes all of them.
    pub fn publish(&self, event: &FeedEvent, grants: Option<&Grants>, is_last: bool) {
        let Some(number) = self.feed.borrow_mut().add(event.clone()) else { return };
        self.streams.borrow_mut().retain(|StreamSubscriber { links, writer }| {
            let chunk = self.chunks.borrow_mut().get(number, event, links.with(grants, self.has_thumbnails));
            let is_accepted = write(writer, &chunk);
            if !is_accepted {
                forget(&writer.abort());
            }
            is_accepted
        });
        for socket in self.sockets() {
            let links = read_attachment(&socket).1.with(grants, self.has_thumbnails);
            let _ = socket.send_with_str(&message_text(number, event, &links));
        }
        if is_last {
            self.close_all();
        }
    }

    /// Closes every stream and socket.
    pub fn close_all(&self) {
        for subscriber in self.streams.take() {
            forget(&subscriber.writer.close());
        }
        for socket in self.sockets() {
            let _ = socket.close_with_code(NORMAL_CLOSURE);
        }
    }

    /// Starts a subscription with the missed events, or with the current Video and the log lines so far. The links have the
    /// owner's `grants`, unless the client subscribed with one. `on_unsubscribe` is called when it ends.
    ///
    /// # Errors
    /// If the runtime refuses.
    pub fn subscribe(
        &self,
        options: SubscribeOptions,
        record: Record,
        grants: Option<&Grants>,
        on_unsubscribe: impl Fn() + 'static,
    ) -> Result<Response> {
        let is_final = record.status.is_final();
        let (events, is_resumed) = self.initial_events(options.last_event_id, record);
        let origin = PublicOrigin { url: options.origin, has_thumbnails: self.has_thumbnails };
        let links = Links { origin, grants: options.grants };
        let first_links = links.with(grants, self.has_thumbnails);
        if options.is_socket {
            return self.subscribe_socket(&links, &first_links, &events, is_final);
        }
        if is_final && events.is_empty() {
            // The only status after which a browser does not reconnect.
            return Ok(ResponseBuilder::new().with_status(204).empty());
        }
        let strategy = QueuingStrategy::new();
        strategy.set_high_water_mark(f64::from(MAX_BUFFERED_EVENTS));
        let pipe = TransformStream::new_with_transformer_and_writable_strategy(&Object::new(), &strategy)?;
        let writer = pipe.writable().get_writer()?;
        for (number, event) in &events {
            let chunk = if is_resumed || matches!(event, FeedEvent::Log(_)) {
                self.chunks.borrow_mut().get(*number, event, first_links.clone())
            } else {
                // The current Video has the number of the last event, so it must not be cached as that event.
                chunk_of(&event_text(*number, event, &first_links))
            };
            write(&writer, &chunk);
        }
        if is_final {
            forget(&writer.close());
        } else {
            let streams = Rc::clone(&self.streams);
            let closed_writer = writer.clone();
            spawn(keep_open(writer.clone(), move || {
                streams.borrow_mut().retain(|subscriber| subscriber.writer != closed_writer);
                on_unsubscribe();
            }));
            self.close_slow_stream();
            self.streams.borrow_mut().push(StreamSubscriber { links, writer });
        }
        Ok(ResponseBuilder::new().with_header("content-type", "text/event-stream")?.stream(pipe.readable()))
    }

    fn subscribe_socket(
        &self,
        links: &Links,
        first_links: &Links,
        events: &[(u64, FeedEvent)],
        is_final: bool,
    ) -> Result<Response> {
        let WebSocketPair { client, server } = WebSocketPair::new()?;
        let socket: &WebSocket = server.as_ref();
        // The newest socket comes first.
        if let Some(oldest) = self.sockets().get(MAX_SOCKETS - 1) {
            let _ = oldest.close_with_code(TRY_AGAIN_LATER);
        }
        self.state.accept_websocket(socket)?;
        write_attachment(socket, 0, links)?;
        for (number, event) in events {
            server.send_with_str(message_text(*number, event, first_links))?;
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

    /// Closes the oldest stream that lags, if there are too many.
    fn close_slow_stream(&self) {
        let mut streams = self.streams.borrow_mut();
        if streams.len() < MAX_STREAMS {
            return;
        }
        let full = f64::from(MAX_BUFFERED_EVENTS);
        let is_lagging = |subscriber: &StreamSubscriber| {
            subscriber.writer.desired_size().ok().flatten().is_none_or(|room| room < full)
        };
        let oldest = streams.iter().position(is_lagging).unwrap_or_default();
        forget(&streams.remove(oldest).writer.abort());
    }

    /// The first events, and whether all of them come from the feed: those that were missed; otherwise the Video as it is
    /// and the log lines so far. The Video of a video that has ended comes last, because it ends the stream.
    fn initial_events(&self, after: Option<u64>, record: Record) -> (Vec<(u64, FeedEvent)>, bool) {
        let feed = self.feed.borrow();
        if let Some(events) = after.and_then(|number| feed.after(number)) {
            return (events.cloned().collect(), true);
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
        (events, false)
    }

    /// Those that are open. The runtime also names those that were closed and whose clients never answer that.
    fn sockets(&self) -> Vec<WebSocket> {
        let mut sockets = self.state.get_websockets().unwrap_or_default();
        sockets.retain(|socket| socket.ready_state() == WebSocket::OPEN);
        sockets
    }
}

/// Encoded events, shared by all streams: a client that resumes and never reads uses no additional memory. Most
/// subscribers have the same links; recently used links are at the end.
#[derive(Default)]
struct Chunks(Vec<(Links, BTreeMap<u64, Uint8Array>)>);

impl Chunks {
    fn get(&mut self, number: u64, event: &FeedEvent, links: Links) -> Uint8Array {
        // A log line has no links.
        let links = if matches!(event, FeedEvent::Log(_)) { Links::default() } else { links };
        let known = self.0.iter().position(|(known, _)| *known == links).map(|at| self.0.remove(at));
        let (links, mut by_number) = known.unwrap_or((links, BTreeMap::new()));
        let made = || chunk_of(&event_text(number, event, &links));
        let chunk = by_number.entry(number).or_insert_with(made).clone();
        while by_number.len() > usize::from(MAX_BUFFERED_EVENTS) {
            by_number.pop_first();
        }
        if self.0.len() >= MAX_KINDS_OF_LINKS {
            self.0.remove(0);
        }
        self.0.push((links, by_number));
        chunk
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

fn event_text(number: u64, event: &FeedEvent, links: &Links) -> String {
    let (kind, data) = event_data(event, links);
    format!("id: {number}\nevent: {kind}\ndata: {data}\n\n")
}

fn message_text(number: u64, event: &FeedEvent, links: &Links) -> String {
    let (kind, data) = event_data(event, links);
    format!(r#"{{"seq":{number},"type":"{kind}","data":{data}}}"#)
}

fn event_data(event: &FeedEvent, Links { origin, grants }: &Links) -> (&'static str, String) {
    match event {
        FeedEvent::Video(record) => {
            ("video", to_json(&Video::of(record.as_ref().clone(), origin, grants.as_ref())))
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

/// Keeps one stream open until it ends.
async fn keep_open(writer: WritableStreamDefaultWriter, on_unsubscribe: impl Fn()) {
    let mut closed = settled(&writer.closed());
    while let Either::Right(_) = select(&mut closed, pin!(Sleep::new(KEEP_ALIVE))).await {
        write(&writer, &chunk_of(": keep-alive\n\n"));
    }
    on_unsubscribe();
}

/// Writes a chunk unless the stream's buffer is full. Returns whether it was written.
fn write(writer: &WritableStreamDefaultWriter, chunk: &Uint8Array) -> bool {
    let has_room = writer.desired_size().ok().flatten().is_some_and(|room| room > 0.0);
    if has_room {
        forget(&writer.write_with_chunk(chunk));
    }
    has_room
}
