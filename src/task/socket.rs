//! Listens to Wiro's WebSocket while a client subscribes, to show progress and to learn of the end at once. Checks go
//! on regardless, so a refused, silent or broken socket only costs progress.

use std::rc::Rc;
use std::time::Duration;

use futures_util::StreamExt;
use thiserror::Error;
use worker::{WebSocket, WebsocketEvent};

use super::effects::log_error;
use super::store::{TaskError, VideoTaskStore};
use crate::config::Config;
use crate::runtime::clock;
use crate::runtime::fetch::{FetchError, fetch, request};
use crate::runtime::promise::Sleep;
use crate::video::feed::{FeedEvent, LogLine, LogStream};
use crate::video::id::VideoId;
use crate::video::lifecycle::event::{Event, SocketUpdate};
use crate::video::task::Job;
use crate::wiro::socket::{Output, SocketEvent, read, task_info};
use crate::wiro::task::RemoteTaskRef;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Debug, Error)]
enum SocketError {
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error("refused: HTTP {0}")]
    Refused(u16),
    #[error(transparent)]
    Runtime(#[from] worker::Error),
    #[error(transparent)]
    Task(#[from] TaskError),
}

/// Listens until the future is dropped; reconnects on the retry schedule.
pub async fn listen(store: &Rc<VideoTaskStore>, id: &VideoId, job: &Job) {
    let Ok(config) = Config::of(&store.env) else { return };
    for attempt in 0.. {
        log_error(run_connection(store, &config, job).await, "Wiro's socket failed", id);
        let pause = config.policy.retry.jittered_delay(attempt, clock::tick().jitter);
        Sleep::new(Duration::from_millis(pause.get())).await;
    }
}

/// One connection until it ends. Dropping the future closes it.
async fn run_connection(store: &Rc<VideoTaskStore>, config: &Config, job: &Job) -> Result<(), SocketError> {
    let request = request("GET", &config.wiro_socket_url, &[("upgrade", "websocket")], None)?;
    let response = fetch(request, CONNECT_TIMEOUT).await?;
    let status = response.status_code();
    let socket = Socket(response.websocket().ok_or(SocketError::Refused(status))?);
    let mut events = socket.0.events()?;
    socket.0.accept()?;
    let task = RemoteTaskRef { task_id: job.task_id.clone(), token: job.token.clone() };
    socket.0.send_with_str(task_info(&task))?;
    while let Some(event) = events.next().await {
        let WebsocketEvent::Message(message) = event? else { break };
        for event in message.text().map(|text| read(&text)).unwrap_or_default() {
            handle_event(store, event).await?;
        }
    }
    Ok(())
}

async fn handle_event(store: &Rc<VideoTaskStore>, event: SocketEvent) -> Result<(), TaskError> {
    let event = match event {
        SocketEvent::Stage(name) => Event::SocketUpdated(SocketUpdate::Stage(name)),
        SocketEvent::Progress(percent) => Event::SocketUpdated(SocketUpdate::Progress(percent)),
        SocketEvent::Ended => Event::CallbackReceived(None),
        SocketEvent::Line { output, text } => {
            publish_line(store, output, text);
            return Ok(());
        }
        // The lines from before the connection, or from while it was broken.
        SocketEvent::Full { output, lines } => {
            for text in store.subscribers.missing_lines(stream_of(output), lines) {
                publish_line(store, output, text);
            }
            return Ok(());
        }
    };
    store.react(event).await.map(|_| ())
}

fn publish_line(store: &VideoTaskStore, output: Output, text: String) {
    store.subscribers.publish(&FeedEvent::Log(LogLine { stream: stream_of(output), text }), None, false);
}

const fn stream_of(output: Output) -> LogStream {
    match output {
        Output::Stdout => LogStream::Stdout,
        Output::Stderr => LogStream::Stderr,
    }
}

struct Socket(WebSocket);

impl Drop for Socket {
    fn drop(&mut self) {
        let _ = self.0.close(None, None::<&str>);
    }
}
