//! The `VideoTask` object, one for each video: its state, and the effects that its alarm performs.

pub mod object;

mod copy;
mod effects;
mod search;
mod socket;
mod state;
mod subscribers;
mod upstream;
mod webhook;
