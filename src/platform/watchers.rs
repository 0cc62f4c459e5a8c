//! Who watches a video: server-sent events and `WebSocket`s, fed from one [`Feed`]. A watcher who does not keep
//! up is let go and may resume by `Last-Event-ID`; nobody waits for anybody.

use std::cell::RefCell;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::{Either, select};
use serde::Serialize;
use worker::js_sys::{Object, Uint8Array};
use worker::wasm_bindgen::JsValue;
use worker::web_sys::{QueuingStrategy, TransformStream, WebSocket, WritableStreamDefaultWriter};
use worker::worker_sys::DurableObjectState;
use worker::worker_sys::ext::WebSocketExt;
use worker::{Response, ResponseBuilder, Result, WebSocketPair};

use super::clock;
use super::executor::spawn;
use super::promise::{Sleep, forget, settled};
use super::streams::chunk_of;
use crate::video::feed::{Feed, LogStream, Sight};
use crate::video::record::Record;

/// Events that may wait for one watcher: all that a feed keeps, and some more.
const MAX_PENDING: u16 = 600;

/// Between comments that keep an idle stream open.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

const NORMAL_CLOSURE: u16 = 1000;

/// How a watcher wants to be told.
pub struct Manner {
    /// Where the public reaches this Worker, for the links in the Video.
    pub origin: String,
    pub last_event_id: Option<u64>,
    pub is_socket: bool,
}

pub struct Watchers {
    state: DurableObjectState,
    feed: RefCell<Feed>,
    streams: Rc<RefCell<Vec<Watcher>>>,
}

struct Watcher {
    origin: String,
    writer: WritableStreamDefaultWriter,
}

impl Watchers {
    #[must_use]
    pub fn new(state: DurableObjectState) -> Self {
        let now = u64::try_from(clock::now().millis()).unwrap_or_default();
        Self { state, feed: RefCell::new(Feed::begin(now)), streams: Rc::default() }
    }

    pub fn are_there(&self) -> bool {
        !self.streams.borrow().is_empty() || !self.sockets().is_empty()
    }

    /// Those of all lines of this stream that nobody could have seen.
    pub fn unseen(&self, stream: LogStream, lines: Vec<String>) -> Vec<String> {
        self.feed.borrow().unseen(stream, lines)
    }

    /// Lets everybody see something, the Video with this `grant`; after the last sight nobody is kept.
    pub fn show(&self, sight: &Sight, grant: Option<&str>, is_last: bool) {
        let Some(number) = self.feed.borrow_mut().add(sight.clone()) else { return };
        // Most have come by the same name: what one is sent, all are.
        let mut sent: Option<(String, Uint8Array)> = None;
        self.streams.borrow_mut().retain(|Watcher { origin, writer }| {
            let (_, chunk) = match sent.take().filter(|(known, _)| known == origin) {
                Some(same) => sent.insert(same),
                None => sent.insert((origin.clone(), chunk_of(&event_text(number, sight, origin, grant)))),
            };
            let keeps_up = write(writer, chunk);
            if !keeps_up {
                forget(&writer.abort());
            }
            keeps_up
        });
        for socket in self.sockets() {
            let _ = socket.send_with_str(&message_text(number, sight, &origin_of(&socket), grant));
        }
        if is_last {
            self.let_go();
        }
    }

    /// Ends every watcher's stream.
    pub fn let_go(&self) {
        for watcher in self.streams.take() {
            forget(&watcher.writer.close());
        }
        for socket in self.sockets() {
            let _ = socket.close_with_code(NORMAL_CLOSURE);
        }
    }

    /// Begins to tell one watcher: what it missed, or the Video as it is now, then what comes. `on_leave` is
    /// called when it is gone.
    ///
    /// # Errors
    /// When the runtime refuses.
    pub fn begin(
        &self,
        manner: Manner,
        record: Record,
        grant: Option<&str>,
        on_leave: impl Fn() + 'static,
    ) -> Result<Response> {
        let is_final = record.status.is_final();
        let missed = self.missed(manner.last_event_id, record);
        if manner.is_socket {
            return self.begin_socket(&manner.origin, &missed, grant, is_final);
        }
        if is_final && missed.is_empty() {
            // The one answer after which a browser does not come back.
            return Ok(ResponseBuilder::new().with_status(204).empty());
        }
        let strategy = QueuingStrategy::new();
        strategy.set_high_water_mark(f64::from(MAX_PENDING));
        let pipe = TransformStream::new_with_transformer_and_writable_strategy(&Object::new(), &strategy)?;
        let writer = pipe.writable().get_writer()?;
        for (number, sight) in &missed {
            write(&writer, &chunk_of(&event_text(*number, sight, &manner.origin, grant)));
        }
        if is_final {
            forget(&writer.close());
        } else {
            let streams = Rc::clone(&self.streams);
            let gone = writer.clone();
            spawn(attend(writer.clone(), move || {
                streams.borrow_mut().retain(|watcher| watcher.writer != gone);
                on_leave();
            }));
            self.streams.borrow_mut().push(Watcher { origin: manner.origin, writer });
        }
        Ok(ResponseBuilder::new().with_header("content-type", "text/event-stream")?.stream(pipe.readable()))
    }

    fn begin_socket(
        &self,
        origin: &str,
        missed: &[(u64, Sight)],
        grant: Option<&str>,
        is_final: bool,
    ) -> Result<Response> {
        let WebSocketPair { client, server } = WebSocketPair::new()?;
        let socket: &WebSocket = server.as_ref();
        self.state.accept_websocket(socket)?;
        socket.serialize_attachment(JsValue::from_str(origin))?;
        for (number, sight) in missed {
            server.send_with_str(message_text(*number, sight, origin, grant))?;
        }
        if is_final {
            server.close(Some(NORMAL_CLOSURE), None::<&str>)?;
        }
        Response::from_websocket(client)
    }

    fn missed(&self, after: Option<u64>, record: Record) -> Vec<(u64, Sight)> {
        let feed = self.feed.borrow();
        match after.and_then(|number| feed.after(number)) {
            Some(missed) => missed.cloned().collect(),
            None => vec![(feed.last(), Sight::Video(Box::new(record)))],
        }
    }

    fn sockets(&self) -> Vec<WebSocket> {
        self.state.get_websockets().unwrap_or_default()
    }
}

fn origin_of(socket: &WebSocket) -> String {
    socket.deserialize_attachment().ok().and_then(|origin| origin.as_string()).unwrap_or_default()
}

fn event_text(number: u64, sight: &Sight, origin: &str, grant: Option<&str>) -> String {
    let (kind, data) = told(sight, origin, grant);
    format!("id: {number}\nevent: {kind}\ndata: {data}\n\n")
}

fn message_text(number: u64, sight: &Sight, origin: &str, grant: Option<&str>) -> String {
    let (kind, data) = told(sight, origin, grant);
    format!(r#"{{"seq":{number},"type":"{kind}","data":{data}}}"#)
}

fn told(sight: &Sight, origin: &str, grant: Option<&str>) -> (&'static str, String) {
    match sight {
        Sight::Video(record) => ("video", text_of(&record.as_ref().clone().shown_at(origin, grant))),
        Sight::Log(line) => ("log", text_of(line)),
    }
}

fn text_of(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// Stays with one stream until its reader is gone or it was let go of, and keeps it open meanwhile.
async fn attend(writer: WritableStreamDefaultWriter, on_leave: impl Fn()) {
    let mut closed = settled(&writer.closed());
    while let Either::Right(_) = select(&mut closed, pin!(Sleep::new(KEEP_ALIVE))).await {
        write(&writer, &chunk_of(": keep-alive\n\n"));
    }
    on_leave();
}

/// Hands a chunk to a stream, unless too much waits there already; whether it did.
fn write(writer: &WritableStreamDefaultWriter, chunk: &Uint8Array) -> bool {
    let has_room = writer.desired_size().ok().flatten().is_some_and(|room| room > 0.0);
    if has_room {
        forget(&writer.write_with_chunk(chunk));
    }
    has_room
}
