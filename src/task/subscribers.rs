//! Who watches a video: server-sent events and `WebSocket`s, fed from one [`Feed`]. A watcher who does not keep
//! up is let go and may resume by `Last-Event-ID`; nobody waits for anybody.

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
use crate::video::feed::{Feed, FeedEvent, LogStream};
use crate::video::record::Record;

/// Events that may wait for one watcher: all that a feed keeps, and some more.
const MAX_BUFFERED_EVENTS: u16 = 600;

/// Between comments that keep an idle stream open.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Streams of one video at once. Of more, the oldest that lags is closed; it may resume.
const MAX_STREAMS: usize = 250;

/// Sockets of one video at once: the runtime keeps for each what it has not taken, without telling how much.
const MAX_SOCKETS: usize = 32;

/// A watcher has nothing to say. Some clients send a greeting or a sign of life.
const MAX_MESSAGES: u32 = 16;
const MAX_MESSAGE_BYTES: u32 = 1024;

const NORMAL_CLOSURE: u16 = 1000;
const POLICY_VIOLATION: u16 = 1008;
const MESSAGE_TOO_BIG: u16 = 1009;
const TRY_AGAIN_LATER: u16 = 1013;

pub struct Subscribers {
    state: DurableObjectState,
    feed: RefCell<Feed>,
    streams: Rc<RefCell<Vec<StreamSubscriber>>>,
    chunks: RefCell<Chunks>,
}

struct StreamSubscriber {
    origin: String,
    writer: WritableStreamDefaultWriter,
}

impl Subscribers {
    #[must_use]
    pub fn new(state: DurableObjectState) -> Self {
        let now = u64::try_from(clock::now().millis()).unwrap_or_default();
        Self {
            state,
            feed: RefCell::new(Feed::begin(now)),
            streams: Rc::default(),
            chunks: RefCell::default(),
        }
    }

    pub fn any(&self) -> bool {
        !self.streams.borrow().is_empty() || !self.sockets().is_empty()
    }

    /// Those of all lines of this stream that nobody could have seen.
    pub fn missing_lines(&self, stream: LogStream, lines: Vec<String>) -> Vec<String> {
        self.feed.borrow().missing_lines(stream, lines)
    }

    /// Lets everybody see something, the Video with this `grant`; after the last event nobody is kept.
    pub fn publish(&self, event: &FeedEvent, grant: Option<&str>, is_last: bool) {
        let Some(number) = self.feed.borrow_mut().add(event.clone()) else { return };
        self.streams.borrow_mut().retain(|StreamSubscriber { origin, writer }| {
            let chunk = self.chunks.borrow_mut().get(number, event, origin, grant);
            let is_accepted = write(writer, &chunk);
            if !is_accepted {
                forget(&writer.abort());
            }
            is_accepted
        });
        for socket in self.sockets() {
            let _ = socket.send_with_str(&message_text(number, event, &read_attachment(&socket).1, grant));
        }
        if is_last {
            self.close_all();
        }
    }

    /// Ends every watcher's stream.
    pub fn close_all(&self) {
        for subscriber in self.streams.take() {
            forget(&subscriber.writer.close());
        }
        for socket in self.sockets() {
            let _ = socket.close_with_code(NORMAL_CLOSURE);
        }
    }

    /// Begins to tell one watcher: what it events, or the Video as it is now, then what comes. `on_unsubscribe` is
    /// called when it is gone.
    ///
    /// # Errors
    /// When the runtime refuses.
    pub fn subscribe(
        &self,
        options: SubscribeOptions,
        record: Record,
        grant: Option<&str>,
        on_unsubscribe: impl Fn() + 'static,
    ) -> Result<Response> {
        let is_final = record.status.is_final();
        let (events, is_resumed) = self.initial_events(options.last_event_id, record);
        if options.is_socket {
            return self.subscribe_socket(&options.origin, &events, grant, is_final);
        }
        if is_final && events.is_empty() {
            // The one answer after which a browser does not come back.
            return Ok(ResponseBuilder::new().with_status(204).empty());
        }
        let strategy = QueuingStrategy::new();
        strategy.set_high_water_mark(f64::from(MAX_BUFFERED_EVENTS));
        let pipe = TransformStream::new_with_transformer_and_writable_strategy(&Object::new(), &strategy)?;
        let writer = pipe.writable().get_writer()?;
        for (number, event) in &events {
            let chunk = if is_resumed {
                self.chunks.borrow_mut().get(*number, event, &options.origin, grant)
            } else {
                // The Video as it is now has the number of what was shown last.
                chunk_of(&event_text(*number, event, &options.origin, grant))
            };
            write(&writer, &chunk);
        }
        if is_final {
            forget(&writer.close());
        } else {
            let streams = Rc::clone(&self.streams);
            let gone = writer.clone();
            spawn(keep_open(writer.clone(), move || {
                streams.borrow_mut().retain(|subscriber| subscriber.writer != gone);
                on_unsubscribe();
            }));
            self.close_slow_stream();
            self.streams.borrow_mut().push(StreamSubscriber { origin: options.origin, writer });
        }
        Ok(ResponseBuilder::new().with_header("content-type", "text/event-stream")?.stream(pipe.readable()))
    }

    fn subscribe_socket(
        &self,
        origin: &str,
        events: &[(u64, FeedEvent)],
        grant: Option<&str>,
        is_final: bool,
    ) -> Result<Response> {
        let WebSocketPair { client, server } = WebSocketPair::new()?;
        let socket: &WebSocket = server.as_ref();
        // The newest comes first.
        if let Some(oldest) = self.sockets().get(MAX_SOCKETS - 1) {
            let _ = oldest.close_with_code(TRY_AGAIN_LATER);
        }
        self.state.accept_websocket(socket)?;
        write_attachment(socket, 0, origin)?;
        for (number, event) in events {
            server.send_with_str(message_text(*number, event, origin, grant))?;
        }
        if is_final {
            server.close(Some(NORMAL_CLOSURE), None::<&str>)?;
        }
        Response::from_websocket(client)
    }

    /// Whether a socket may go on after a message of that length; if not, it is closed.
    #[must_use]
    pub fn accept_message(socket: &WebSocket, length: u32) -> bool {
        let (messages, origin) = read_attachment(socket);
        let code = match (length, messages) {
            (MAX_MESSAGE_BYTES.., _) => MESSAGE_TOO_BIG,
            (_, MAX_MESSAGES..) => POLICY_VIOLATION,
            _ => return write_attachment(socket, messages + 1, &origin).is_ok(),
        };
        let _ = socket.close_with_code(code);
        false
    }

    /// Closes the oldest stream that has not taken everything, where there are too many.
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

    /// What to begin with, and whether it is out of the feed.
    fn initial_events(&self, after: Option<u64>, record: Record) -> (Vec<(u64, FeedEvent)>, bool) {
        let feed = self.feed.borrow();
        match after.and_then(|number| feed.after(number)) {
            Some(events) => (events.cloned().collect(), true),
            None => (vec![(feed.last(), FeedEvent::Video(Box::new(record)))], false),
        }
    }

    fn sockets(&self) -> Vec<WebSocket> {
        self.state.get_websockets().unwrap_or_default()
    }
}

/// What was sent, kept once for all who watch: whoever resumes, and reads nothing, takes no memory of his own.
#[derive(Default)]
struct Chunks {
    origin: String,
    grant: Option<String>,
    by_number: BTreeMap<u64, Uint8Array>,
}

impl Chunks {
    /// Most watchers come by the same name; what was made for another one is made anew.
    fn get(&mut self, number: u64, event: &FeedEvent, origin: &str, grant: Option<&str>) -> Uint8Array {
        if self.origin != origin || self.grant.as_deref() != grant {
            *self = Self {
                origin: origin.to_owned(),
                grant: grant.map(str::to_owned),
                by_number: BTreeMap::new(),
            };
        }
        let made = || chunk_of(&event_text(number, event, origin, grant));
        let chunk = self.by_number.entry(number).or_insert_with(made).clone();
        while self.by_number.len() > usize::from(MAX_BUFFERED_EVENTS) {
            self.by_number.pop_first();
        }
        chunk
    }
}

/// Of a socket: how many messages it has sent, and by which name it came. Kept while the object sleeps.
fn read_attachment(socket: &WebSocket) -> (u32, String) {
    let known = socket.deserialize_attachment().ok().filter(Array::is_array);
    known.map_or((MAX_MESSAGES, String::new()), |known| {
        let known: Array = known.unchecked_into();
        let messages = known.get(0).as_string().and_then(|count| count.parse().ok());
        (messages.unwrap_or(MAX_MESSAGES), known.get(1).as_string().unwrap_or_default())
    })
}

fn write_attachment(socket: &WebSocket, messages: u32, origin: &str) -> Result<()> {
    let attachment = Array::of2(&JsValue::from_str(&messages.to_string()), &JsValue::from_str(origin));
    Ok(socket.serialize_attachment(attachment.into())?)
}

fn event_text(number: u64, event: &FeedEvent, origin: &str, grant: Option<&str>) -> String {
    let (kind, data) = event_data(event, origin, grant);
    format!("id: {number}\nevent: {kind}\ndata: {data}\n\n")
}

fn message_text(number: u64, event: &FeedEvent, origin: &str, grant: Option<&str>) -> String {
    let (kind, data) = event_data(event, origin, grant);
    format!(r#"{{"seq":{number},"type":"{kind}","data":{data}}}"#)
}

fn event_data(event: &FeedEvent, origin: &str, grant: Option<&str>) -> (&'static str, String) {
    match event {
        FeedEvent::Video(record) => ("video", to_json(&record.as_ref().clone().shown_at(origin, grant))),
        FeedEvent::Log(line) => ("log", to_json(line)),
    }
}

fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// Stays with one stream until its reader is gone or it was let go of, and keeps it open meanwhile.
async fn keep_open(writer: WritableStreamDefaultWriter, on_unsubscribe: impl Fn()) {
    let mut closed = settled(&writer.closed());
    while let Either::Right(_) = select(&mut closed, pin!(Sleep::new(KEEP_ALIVE))).await {
        write(&writer, &chunk_of(": keep-alive\n\n"));
    }
    on_unsubscribe();
}

/// Hands a chunk to a stream, unless too much waits there already; whether it did.
fn write(writer: &WritableStreamDefaultWriter, chunk: &Uint8Array) -> bool {
    let has_room = writer.desired_size().ok().flatten().is_some_and(|room| room > 0.0);
    if has_room {
        forget(&writer.write_with_chunk(chunk));
    }
    has_room
}
