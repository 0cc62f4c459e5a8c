//! Who calls: a client of the settings, or one that the operator manages at run time.

use std::cell::Cell;

use super::cross_origin;
use crate::api::error::{ApiError, Operation};
use crate::api::{RequestContext, TOKEN_REQUIRED};
use crate::config::{TOKENS, Turnstile, UNPROTECTED, log_unprotected};
use crate::runtime::clock;
use crate::runtime::http::{Header, Request};
use crate::video::access::owner::Owner;
use crate::video::money::budget::Limits;

impl RequestContext<'_> {
    /// Authenticates the caller. Refuses changes by pages of origins that are not allowed, and, if there are clients,
    /// requests without a valid token. A client of the settings is recognised even if the others cannot be read.
    pub fn authenticate(&self, request: &Request) -> Result<Owner, ApiError> {
        cross_origin::check(self, request)?;
        if !self.needs_tokens() {
            return Ok(Owner::nobody());
        }
        let configured = self.config.clients.as_ref();
        let authorization = request.header(Header::Authorization);
        let authorization = authorization.as_deref();
        if let Some(owner) = authorization.and_then(|header| configured?.authorized(header)) {
            return Ok(owner.clone());
        }
        let managed = self.managed_clients.as_ref().ok_or(ApiError::ClientsUnknown)?;
        let is_configured = |name: &Owner| configured.is_some_and(|clients| clients.token_count(name) > 0);
        let now = clock::now().seconds();
        let owner = authorization.and_then(|header| managed.authorized(header, now, is_configured));
        owner.cloned().ok_or(TOKEN_REQUIRED)
    }

    /// Logs, once in each isolate, that nobody made clients at run time where nothing else protects the API.
    pub fn warn_if_unprotected(&self) {
        thread_local! {
            static IS_DONE: Cell<bool> = const { Cell::new(false) };
        }
        let is_unprotected = !self.needs_tokens() && self.config.protection() == UNPROTECTED;
        if !IS_DONE.replace(true) && is_unprotected {
            log_unprotected();
        }
    }

    /// Fails while the operator has paused everything, or this client.
    pub fn check_not_paused(&self, owner: &Owner, operation: Operation) -> Result<(), ApiError> {
        match &self.managed_clients {
            Some(managed) if managed.is_paused(owner) => Err(ApiError::Paused(operation)),
            _ => Ok(()),
        }
    }

    /// The daily limits of a client.
    pub fn limits(&self, owner: &Owner) -> Limits {
        let managed = self.managed_clients.clone().unwrap_or_default();
        self.config.limits(owner, &managed)
    }

    /// Whether the API needs tokens; also while it is not known whether there are clients.
    pub fn needs_tokens(&self) -> bool {
        let is_open = self.managed_clients.as_ref().is_some_and(|managed| !managed.has_clients());
        self.config.clients.is_some() || !is_open
    }

    /// What keeps strangers from submitting.
    pub fn protection(&self) -> &'static str {
        match &self.managed_clients {
            Some(managed) if managed.has_clients() => TOKENS,
            _ => self.config.protection(),
        }
    }

    /// The challenge before a submit, if there are no clients.
    pub fn turnstile(&self) -> Option<&Turnstile> {
        self.config.turnstile.as_ref().filter(|_| !self.needs_tokens())
    }
}
