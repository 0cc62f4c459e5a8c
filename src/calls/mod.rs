//! The messages of the two Durable Objects, and the clients that send them. Each object uses this room and not the
//! other object.

pub mod clients;
pub mod dispatcher;
pub mod health;
pub mod objects;
pub mod task;
pub mod uploads;
pub mod webhook;
