//! The lifecycle against every order of events: each phase by hand, then random lives.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod by_hand;
mod life;
mod lost_runs;
mod model;
mod progress;
mod telling;
mod world;
