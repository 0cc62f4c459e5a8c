//! The clients that the operator manages at run time: what the dispatcher is asked about them, and the copy that every
//! isolate has.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use worker::Env;

use super::dispatcher::DispatcherClient;
use super::objects::CallError;
use crate::runtime::clock;
use crate::runtime::log::{self, Level};
use crate::runtime::promise::Sleep;
use crate::runtime::timeout::with_timeout;
use crate::video::access::client_change::ClientChange;
use crate::video::access::freshness::{Freshness, READ_TIMEOUT, Step};
use crate::video::access::managed_clients::ManagedClients;
use crate::video::access::owner::Owner;

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientRequest {
    List,
    Create {
        name: Owner,
        token_sha256: String,
        change: ClientChange,
    },
    /// The token before stays valid for so many seconds.
    Rotate {
        name: Owner,
        token_sha256: String,
        keep_seconds: i64,
    },
    Change {
        name: Owner,
        change: ClientChange,
    },
    Remove {
        name: Owner,
    },
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientReply {
    List {
        clients: Vec<ClientInfo>,
        paused: bool,
    },
    Client(ClientInfo),
    Removed,
    NotFound,
    /// There is a client with this name.
    Exists,
    /// The client is one of `CLIENT_TOKENS`, so its tokens cannot be changed here.
    Configured,
    /// Another client signs with this webhook key.
    SecretTaken,
    TooMany,
}

/// A client as the operator sees it.
#[derive(Debug, Deserialize, Serialize)]
pub struct ClientInfo {
    pub name: Owner,
    pub source: ClientSource,
    pub daily_usd: Option<String>,
    pub max_active: Option<u32>,
    pub paused: bool,
    pub has_webhook_secret: bool,
    /// How many are valid.
    pub tokens: usize,
    /// Unix seconds; `None` for a client of the settings.
    pub created_at: Option<i64>,
    pub spent_today_usd: String,
    pub reserved_usd: String,
    /// Jobs at Wiro.
    pub active: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientSource {
    /// `CLIENT_TOKENS`.
    Settings,
    /// Made at run time.
    Operator,
}

/// How often a request looks whether another one has read the clients.
const WAIT_INTERVAL: Duration = Duration::from_millis(10);

#[derive(Default)]
struct Copy {
    freshness: Freshness,
    clients: Option<Rc<ManagedClients>>,
}

thread_local! {
    static COPY: RefCell<Copy> = RefCell::default();
}

/// The managed clients, from this isolate's copy while it is fresh; `None` if the dispatcher does not answer and there
/// is no copy. A request cannot await the promise of another request, so one that waits looks again.
pub async fn managed_clients(env: &Env) -> Option<Rc<ManagedClients>> {
    loop {
        let now = clock::now();
        let (step, known) =
            COPY.with_borrow_mut(|copy| (copy.freshness.next(now), copy.clients.as_ref().map(Rc::clone)));
        match step {
            Step::Use => return known,
            Step::Unknown => return None,
            Step::Wait => Sleep::new(WAIT_INTERVAL).await,
            Step::Read => {
                let limit = Duration::from_millis(READ_TIMEOUT.get());
                let version = known.as_ref().map(|known| known.version);
                let read = with_timeout(limit, read(env, version)).await;
                let read =
                    read.map_err(|error| error.to_string()).and_then(|read| read.map_err(|e| e.to_string()));
                let succeeded = read.is_ok();
                if let Err(error) = &read {
                    log::write(
                        Level::Error,
                        "reading the clients failed",
                        [("error", error.as_str().into())],
                    );
                }
                let changed = read.ok().flatten().map(Rc::new);
                COPY.with_borrow_mut(|copy| {
                    copy.freshness.on_read(now, succeeded, clock::now());
                    if let Some(changed) = &changed {
                        copy.clients = Some(Rc::clone(changed));
                    }
                });
                if succeeded {
                    return changed.or(known);
                }
            }
        }
    }
}

/// The clients have changed, so this isolate reads them again. The other isolates do within half a minute.
pub fn invalidate_managed_clients() {
    COPY.with_borrow_mut(|copy| copy.freshness.invalidate(clock::now()));
}

async fn read(env: &Env, version: Option<i64>) -> Result<Option<ManagedClients>, CallError> {
    DispatcherClient::new(env)?.managed_clients(version).await
}
