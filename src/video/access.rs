//! Access: clients and their tokens, owners of videos, and the keys that sign ids and links.

pub mod bearer;
pub mod client_change;
pub mod clients;
pub mod freshness;
pub mod grants;
pub mod keys;
pub mod managed_clients;
pub mod owner;
pub mod weak_clients;
pub mod webhook_key;
