//! Pieces of HTTP, pure: forms, ranges, preferences, origins, and what Turnstile is asked and answers.

pub mod multipart;
pub mod origins;
pub mod percent;
pub mod prefer;
pub mod range;
pub mod turnstile;
