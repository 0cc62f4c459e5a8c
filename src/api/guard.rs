//! What a request must pass before anything is done for it: its origin, its limits, its challenge.

pub mod challenge;
pub mod cross_origin;
pub mod limits;
mod siteverify;
