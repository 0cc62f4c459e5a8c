//! What the two Durable Objects are asked and answer, and the callers' side of both. Each object depends on this room and
//! not on the other object.

pub mod dispatcher;
pub mod objects;
pub mod task;
