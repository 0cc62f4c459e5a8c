//! The streams of server-sent events of one video. Each has only a place in the [`Feed`] and gets what follows when its
//! reader asks for more, so a reader that stops costs no memory and nobody waits for another. A reader that leaves its
//! events untaken for too long is cut off and may resume with `Last-Event-ID`.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use futures_channel::oneshot;
use futures_util::future::{Either, select};
use worker::js_sys::Uint8Array;
use worker::web_sys::ReadableStream;

use super::event_batches::{Batch, Batches, Place};
use super::event_text::Links;
use crate::runtime::demand_stream::{Demand, DemandStream};
use crate::runtime::executor::spawn;
use crate::runtime::promise::Sleep;
use crate::runtime::streams::chunk_of;
use crate::video::access::grants::Grants;
use crate::video::feed::Feed;

/// Interval of the comments that keep an idle stream open.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Intervals without a read after which a stream with untaken events is cut off.
const MAX_MISSED_INTERVALS: u8 = 2;

/// Most streams of one video. `PARTS=watchers make bench` measures what they take.
const MAX_STREAMS: usize = 1000;

/// How a stream begins.
pub struct Start {
    pub links: Links,
    /// The events behind this one follow.
    pub place: Place,
    /// Comes before them.
    pub first: Option<String>,
    /// Comes after them and ends the stream.
    pub last: Option<String>,
    /// Whether the stream ends with the newest event.
    pub is_final: bool,
}

struct Stream {
    links: Links,
    place: Place,
    first: Option<Uint8Array>,
    last: Option<Uint8Array>,
    is_final: bool,
    wants_chunk: bool,
    /// Keep-alive intervals in which the reader took nothing.
    missed_intervals: u8,
    pipe: DemandStream,
    on_end: Box<dyn FnOnce()>,
}

enum Next {
    Chunk(Uint8Array),
    /// The reader has everything so far.
    Nothing,
    End,
    /// The events that follow are gone.
    Lost,
}

pub struct EventStreams(Rc<Inner>);

struct Inner {
    feed: Rc<RefCell<Feed>>,
    streams: RefCell<BTreeMap<u32, Stream>>,
    next_key: Cell<u32>,
    batches: RefCell<Batches>,
    keep_alive: Uint8Array,
    /// Dropping it stops the timer, which runs while there are streams.
    timer: RefCell<Option<oneshot::Sender<()>>>,
}

impl EventStreams {
    pub fn new(feed: Rc<RefCell<Feed>>) -> Self {
        Self(Rc::new(Inner {
            feed,
            streams: RefCell::default(),
            next_key: Cell::default(),
            batches: RefCell::default(),
            keep_alive: chunk_of(": keep-alive\n\n"),
            timer: RefCell::default(),
        }))
    }

    pub fn is_empty(&self) -> bool {
        self.0.streams.borrow().is_empty()
    }

    /// Adds a stream; `None` if there are too many. `on_end` is called when it has ended.
    pub fn add(&self, start: Start, on_end: impl FnOnce() + 'static) -> Option<ReadableStream> {
        let inner = &self.0;
        if !inner.has_room() {
            return None;
        }
        let key = inner.next_key.get();
        inner.next_key.set(key.wrapping_add(1));
        let weak = Rc::downgrade(inner);
        let pipe = DemandStream::new(move |demand| {
            if let Some(inner) = weak.upgrade() {
                inner.on_demand(key, demand);
            }
        });
        let readable = pipe.readable();
        let stream = Stream {
            links: start.links,
            place: start.place,
            first: start.first.map(|text| chunk_of(&text)),
            last: start.last.map(|text| chunk_of(&text)),
            is_final: start.is_final,
            wants_chunk: false,
            missed_intervals: 0,
            pipe,
            on_end: Box::new(on_end),
        };
        inner.streams.borrow_mut().insert(key, stream);
        inner.start_timer();
        Some(readable)
    }

    /// The feed has a new event.
    pub fn deliver(&self) {
        self.0.deliver();
    }

    /// The links of Videos that have the owner's grants.
    pub fn set_owner_grants(&self, grants: Option<&Grants>) {
        self.0.batches.borrow_mut().set_owner_grants(grants);
    }

    /// Ends each stream as soon as its reader has every event.
    pub fn finish(&self) {
        for stream in self.0.streams.borrow_mut().values_mut() {
            stream.is_final = true;
        }
        self.0.deliver();
    }
}

impl Inner {
    fn on_demand(&self, key: u32, demand: Demand) {
        let mut streams = self.streams.borrow_mut();
        let Some(stream) = streams.get_mut(&key) else { return };
        let is_open = demand == Demand::Chunk && {
            stream.wants_chunk = true;
            stream.missed_intervals = 0;
            self.feed_stream(stream)
        };
        let ended = if is_open { None } else { streams.remove(&key) };
        drop(streams);
        self.after_end(ended);
    }

    fn deliver(&self) {
        let ended: Vec<_> = {
            let mut streams = self.streams.borrow_mut();
            streams.extract_if(.., |_, stream| !self.feed_stream(stream)).collect()
        };
        self.after_end(ended.into_iter().map(|(_, stream)| stream));
    }

    /// Gives a stream what its reader wants. Returns whether it stays open.
    fn feed_stream(&self, stream: &mut Stream) -> bool {
        while stream.wants_chunk {
            match self.next(stream) {
                Next::Chunk(chunk) => stream.wants_chunk = stream.pipe.add(&chunk),
                Next::Nothing => return true,
                Next::End => {
                    stream.pipe.close();
                    return false;
                }
                Next::Lost => {
                    stream.pipe.abort();
                    return false;
                }
            }
        }
        true
    }

    fn next(&self, stream: &mut Stream) -> Next {
        if let Some(chunk) = stream.first.take() {
            return Next::Chunk(chunk);
        }
        let batch = self.batches.borrow_mut().after(&mut stream.place, &stream.links, &self.feed.borrow());
        match batch {
            Batch::Chunk(chunk) => Next::Chunk(chunk),
            Batch::Lost => Next::Lost,
            Batch::Empty => match stream.last.take() {
                Some(chunk) => Next::Chunk(chunk),
                None if stream.is_final => Next::End,
                None => Next::Nothing,
            },
        }
    }

    /// Whether there is room for another stream. If necessary, cuts off the oldest one whose reader does not read.
    fn has_room(&self) -> bool {
        let mut streams = self.streams.borrow_mut();
        if streams.len() < MAX_STREAMS {
            return true;
        }
        let slow = streams.iter().find(|(_, stream)| stream.missed_intervals > 0).map(|(key, _)| *key);
        let Some(stream) = slow.and_then(|key| streams.remove(&key)) else { return false };
        drop(streams);
        stream.pipe.abort();
        self.after_end([stream]);
        true
    }

    /// Keeps idle streams open, and cuts off those whose readers take nothing.
    fn on_interval(&self) {
        let ended: Vec<_> = {
            let mut streams = self.streams.borrow_mut();
            streams.extract_if(.., |_, stream| !self.keep_open(stream)).collect()
        };
        self.after_end(ended.into_iter().map(|(_, stream)| stream));
    }

    fn keep_open(&self, stream: &mut Stream) -> bool {
        if stream.wants_chunk {
            stream.wants_chunk = stream.pipe.add(&self.keep_alive);
            return true;
        }
        stream.missed_intervals += 1;
        if stream.missed_intervals > MAX_MISSED_INTERVALS {
            stream.pipe.abort();
            return false;
        }
        true
    }

    fn start_timer(self: &Rc<Self>) {
        if self.timer.borrow().is_some() {
            return;
        }
        let (stop, mut stopped) = oneshot::channel();
        self.timer.replace(Some(stop));
        let weak = Rc::downgrade(self);
        spawn(async move {
            while let Either::Left(_) = select(pin!(Sleep::new(KEEP_ALIVE)), &mut stopped).await {
                let Some(inner) = weak.upgrade() else { return };
                inner.on_interval();
            }
        });
    }

    /// Nothing may be borrowed: this wakes others.
    fn after_end(&self, ended: impl IntoIterator<Item = Stream>) {
        for stream in ended {
            (stream.on_end)();
        }
        if self.streams.borrow().is_empty() {
            self.batches.borrow_mut().clear();
            let timer = self.timer.take();
            drop(timer);
        }
    }
}
