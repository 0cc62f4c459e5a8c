//! The clients that the operator manages at run time, and the pause, in the dispatcher's `SQLite`. All calls are
//! synchronous, so each is one transaction.

use std::cell::RefCell;
use std::rc::Rc;

use worker::Result;
use worker::js_sys::Array;

use crate::calls::clients::{ClientInfo, ClientReply, ClientRequest, ClientSource};
use crate::config::Config;
use crate::runtime::values::{integer_from_js, integer_to_js, text_to_js};
use crate::storage::object_storage::ObjectStorage;
use crate::video::access::clients::Clients;
use crate::video::access::managed_clients::{ManagedClient, ManagedClients, WebhookSecret};
use crate::video::access::owner::Owner;
use crate::video::money::Usd;
use crate::video::time::UnixMillis;

/// `managed_client`: each [`ManagedClient`] as JSON. `managed_state`: one row with the version of all of them, and whether
/// everything is paused.
const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS managed_client (
        name TEXT PRIMARY KEY,
        client TEXT NOT NULL
    );
    CREATE TABLE IF NOT EXISTS managed_state (
        only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
        version INTEGER NOT NULL,
        paused INTEGER NOT NULL
    );";

/// Every isolate holds all of them in memory.
const MAX_CLIENTS: usize = 1000;

/// What a client has spent and reserved today, and how many of its jobs have a slot.
pub struct ClientTotals {
    pub spent: Usd,
    pub reserved: Usd,
    pub active: u32,
}

/// The table, and its contents in memory.
#[derive(Default)]
pub struct ClientTable {
    known: RefCell<Option<Rc<ManagedClients>>>,
}

impl ClientTable {
    /// All managed clients. Without an operator there are none.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn load(&self, storage: &ObjectStorage, config: &Config) -> Result<Rc<ManagedClients>> {
        if config.operator_token.is_none() {
            return Ok(Rc::default());
        }
        if let Some(known) = self.known.borrow().as_ref() {
            return Ok(Rc::clone(known));
        }
        storage.ensure_tables(SCHEMA)?;
        let state = storage.sql("SELECT version, paused FROM managed_state", &[])?;
        let state = |column| state.first().map_or(0, |row| integer_from_js(&row.get(column)));
        let rows = storage.sql("SELECT client FROM managed_client ORDER BY name", &[])?;
        let read = |row: &Array| serde_json::from_str(&row.get(0).as_string().unwrap_or_default());
        let clients: std::result::Result<Vec<ManagedClient>, _> = rows.iter().map(read).collect();
        let clients = clients.map_err(|error| format!("a client cannot be read: {error}"))?;
        let loaded = Rc::new(ManagedClients { version: state(0), paused: state(1) > 0, clients });
        self.known.replace(Some(Rc::clone(&loaded)));
        Ok(loaded)
    }

    /// Pauses or resumes everything.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn pause(
        &self,
        storage: &ObjectStorage,
        config: &Config,
        paused: bool,
        now: UnixMillis,
    ) -> Result<()> {
        let known = self.load(storage, config)?;
        self.store_state(storage, &known, paused, now)
    }

    fn store_state(
        &self,
        storage: &ObjectStorage,
        before: &ManagedClients,
        paused: bool,
        now: UnixMillis,
    ) -> Result<()> {
        self.known.take();
        // Also larger than the version of a table that was lost.
        let version = integer_to_js(now.millis().max(before.version + 1));
        let values = [version, u32::from(paused).into()];
        storage.sql("INSERT OR REPLACE INTO managed_state VALUES (1, ?, ?)", &values).map(|_| ())
    }

    /// Answers the operator's request.
    ///
    /// # Errors
    /// If `SQLite` fails.
    pub fn answer(
        &self,
        storage: &ObjectStorage,
        config: &Config,
        request: ClientRequest,
        totals_of: &dyn Fn(&Owner) -> Result<ClientTotals>,
        now: UnixMillis,
    ) -> Result<ClientReply> {
        let known = self.load(storage, config)?;
        let info = |client: &ManagedClient| Ok(info(config, client, totals_of(&client.name)?, now));
        let is_configured =
            |name: &Owner| config.clients.as_ref().is_some_and(|all| all.token_count(name) > 0);
        let existing = |name: &Owner| {
            let client = known.get(name).cloned();
            // What the operator changed of a client that the settings do not have any more.
            let client = client.filter(|client| !client.tokens.is_empty() || is_configured(name));
            client.or_else(|| is_configured(name).then(|| ManagedClient::new(name.clone(), now.seconds())))
        };
        let is_taken = |client: &ManagedClient| {
            let Some(keys) = client.options.webhook_secret.as_ref().and_then(WebhookSecret::keys) else {
                return false;
            };
            let name = &client.name;
            let configured = config.clients.as_ref().is_some_and(|all| all.has_webhook_key_of(&keys, name));
            let others = known.clients.iter().filter(|other| other.name != *name);
            let managed = others.filter_map(|other| other.options.webhook_secret.as_ref()?.keys());
            configured || managed.into_iter().any(|other| other.shares_key_with(&keys))
        };
        let changed = match request {
            ClientRequest::List => {
                let made = known
                    .clients
                    .iter()
                    .filter(|client| !client.tokens.is_empty() && !is_configured(&client.name));
                let configured = config.clients.iter().flat_map(Clients::names).filter_map(&existing);
                let mut all: Vec<ManagedClient> = made.cloned().chain(configured).collect();
                all.sort_by(|a, b| a.name.as_str().cmp(b.name.as_str()));
                let clients = all.iter().map(info).collect::<Result<_>>()?;
                return Ok(ClientReply::List { clients, paused: known.paused });
            }
            ClientRequest::Create { name, token_sha256, change } => {
                if existing(&name).is_some() {
                    return Ok(ClientReply::Exists);
                }
                if known.clients.len() >= MAX_CLIENTS {
                    return Ok(ClientReply::TooMany);
                }
                let mut client = ManagedClient::new(name, now.seconds());
                client.rotate(token_sha256, now.seconds(), 0);
                change.apply(&mut client.options);
                client
            }
            ClientRequest::Rotate { name, token_sha256, keep_seconds } => {
                if is_configured(&name) {
                    return Ok(ClientReply::Configured);
                }
                let Some(mut client) = existing(&name) else { return Ok(ClientReply::NotFound) };
                client.rotate(token_sha256, now.seconds(), keep_seconds);
                client
            }
            ClientRequest::Change { name, change } => {
                let Some(mut client) = existing(&name) else { return Ok(ClientReply::NotFound) };
                change.apply(&mut client.options);
                client
            }
            ClientRequest::Remove { name } => {
                if is_configured(&name) {
                    return Ok(ClientReply::Configured);
                }
                let reply =
                    if existing(&name).is_some() { ClientReply::Removed } else { ClientReply::NotFound };
                storage.sql("DELETE FROM managed_client WHERE name = ?", &[text_to_js(name.as_str())])?;
                self.store_state(storage, &known, known.paused, now)?;
                return Ok(reply);
            }
        };
        if is_taken(&changed) {
            return Ok(ClientReply::SecretTaken);
        }
        put(storage, &changed)?;
        self.store_state(storage, &known, known.paused, now)?;
        info(&changed).map(ClientReply::Client)
    }
}

fn put(storage: &ObjectStorage, client: &ManagedClient) -> Result<()> {
    let text = serde_json::to_string(client).map_err(|error| error.to_string())?;
    let values = [client.name.as_str(), &text].map(text_to_js);
    storage.sql("INSERT OR REPLACE INTO managed_client VALUES (?, ?)", &values).map(|_| ())
}

fn info(
    config: &Config,
    client: &ManagedClient,
    ClientTotals { spent, reserved, active }: ClientTotals,
    now: UnixMillis,
) -> ClientInfo {
    let ManagedClient { name, options, created_at, .. } = client;
    let configured = config.clients.as_ref();
    let configured_tokens = configured.map_or(0, |all| all.token_count(name));
    let is_configured = configured_tokens > 0;
    let share = options.daily_usd.or_else(|| configured?.share(name));
    let has_configured_secret = configured.is_some_and(|all| all.webhook_keys(name).is_some());
    ClientInfo {
        name: name.clone(),
        source: if is_configured { ClientSource::Settings } else { ClientSource::Operator },
        daily_usd: share.map(|share| share.to_string()),
        max_active: options.max_active,
        paused: options.paused,
        has_webhook_secret: options.webhook_secret.is_some() || has_configured_secret,
        tokens: if is_configured { configured_tokens } else { client.valid_tokens(now.seconds()) },
        created_at: (!is_configured).then_some(*created_at),
        spent_today_usd: spent.to_string(),
        reserved_usd: reserved.to_string(),
        active,
    }
}
