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

use crate::calls::objects::Manner;
use crate::runtime::clock;
use crate::runtime::executor::spawn;
use crate::runtime::promise::{Sleep, forget, settled};
use crate::runtime::streams::chunk_of;
use crate::video::feed::{Feed, LogStream, Sight};
use crate::video::record::Record;

/// Events that may wait for one watcher: all that a feed keeps, and some more.
const MAX_PENDING: u16 = 600;

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

pub struct Watchers {
    state: DurableObjectState,
    feed: RefCell<Feed>,
    streams: Rc<RefCell<Vec<Watcher>>>,
    chunks: RefCell<Chunks>,
}

struct Watcher {
    origin: String,
    writer: WritableStreamDefaultWriter,
}

impl Watchers {
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
        self.streams.borrow_mut().retain(|Watcher { origin, writer }| {
            let chunk = self.chunks.borrow_mut().get(number, sight, origin, grant);
            let keeps_up = write(writer, &chunk);
            if !keeps_up {
                forget(&writer.abort());
            }
            keeps_up
        });
        for socket in self.sockets() {
            let _ = socket.send_with_str(&message_text(number, sight, &attached(&socket).1, grant));
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
        let (missed, is_resumed) = self.missed(manner.last_event_id, record);
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
            let chunk = if is_resumed {
                self.chunks.borrow_mut().get(*number, sight, &manner.origin, grant)
            } else {
                // The Video as it is now has the number of what was shown last.
                chunk_of(&event_text(*number, sight, &manner.origin, grant))
            };
            write(&writer, &chunk);
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
            self.make_room();
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
        // The newest comes first.
        if let Some(oldest) = self.sockets().get(MAX_SOCKETS - 1) {
            let _ = oldest.close_with_code(TRY_AGAIN_LATER);
        }
        self.state.accept_websocket(socket)?;
        attach(socket, 0, origin)?;
        for (number, sight) in missed {
            server.send_with_str(message_text(*number, sight, origin, grant))?;
        }
        if is_final {
            server.close(Some(NORMAL_CLOSURE), None::<&str>)?;
        }
        Response::from_websocket(client)
    }

    /// Whether a socket may go on after a message of that length; if not, it is closed.
    #[must_use]
    pub fn may_talk(socket: &WebSocket, length: u32) -> bool {
        let (messages, origin) = attached(socket);
        let code = match (length, messages) {
            (MAX_MESSAGE_BYTES.., _) => MESSAGE_TOO_BIG,
            (_, MAX_MESSAGES..) => POLICY_VIOLATION,
            _ => return attach(socket, messages + 1, &origin).is_ok(),
        };
        let _ = socket.close_with_code(code);
        false
    }

    /// Closes the oldest stream that has not taken everything, where there are too many.
    fn make_room(&self) {
        let mut streams = self.streams.borrow_mut();
        if streams.len() < MAX_STREAMS {
            return;
        }
        let full = f64::from(MAX_PENDING);
        let lags =
            |watcher: &Watcher| watcher.writer.desired_size().ok().flatten().is_none_or(|room| room < full);
        let oldest = streams.iter().position(lags).unwrap_or_default();
        forget(&streams.remove(oldest).writer.abort());
    }

    /// What to begin with, and whether it is out of the feed.
    fn missed(&self, after: Option<u64>, record: Record) -> (Vec<(u64, Sight)>, bool) {
        let feed = self.feed.borrow();
        match after.and_then(|number| feed.after(number)) {
            Some(missed) => (missed.cloned().collect(), true),
            None => (vec![(feed.last(), Sight::Video(Box::new(record)))], false),
        }
    }

    /// Those that are open. The runtime also names those that were closed and whose clients never answer that.
    fn sockets(&self) -> Vec<WebSocket> {
        let mut sockets = self.state.get_websockets().unwrap_or_default();
        sockets.retain(|socket| socket.ready_state() == WebSocket::OPEN);
        sockets
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
    fn get(&mut self, number: u64, sight: &Sight, origin: &str, grant: Option<&str>) -> Uint8Array {
        if self.origin != origin || self.grant.as_deref() != grant {
            *self = Self {
                origin: origin.to_owned(),
                grant: grant.map(str::to_owned),
                by_number: BTreeMap::new(),
            };
        }
        let made = || chunk_of(&event_text(number, sight, origin, grant));
        let chunk = self.by_number.entry(number).or_insert_with(made).clone();
        while self.by_number.len() > usize::from(MAX_PENDING) {
            self.by_number.pop_first();
        }
        chunk
    }
}

/// Of a socket: how many messages it has sent, and by which name it came. Kept while the object sleeps.
fn attached(socket: &WebSocket) -> (u32, String) {
    let known = socket.deserialize_attachment().ok().filter(Array::is_array);
    known.map_or((MAX_MESSAGES, String::new()), |known| {
        let known: Array = known.unchecked_into();
        let messages = known.get(0).as_string().and_then(|count| count.parse().ok());
        (messages.unwrap_or(MAX_MESSAGES), known.get(1).as_string().unwrap_or_default())
    })
}

fn attach(socket: &WebSocket, messages: u32, origin: &str) -> Result<()> {
    let attachment = Array::of2(&JsValue::from_str(&messages.to_string()), &JsValue::from_str(origin));
    Ok(socket.serialize_attachment(attachment.into())?)
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
