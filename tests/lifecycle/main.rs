//! Tests of the lifecycle: written scenarios for each phase, then random orders of events.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod deliveries;
mod faults;
mod life;
mod lost_runs;
mod model;
mod progress;
mod scenarios;
mod world;
