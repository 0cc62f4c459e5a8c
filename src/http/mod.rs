//! Parts of HTTP without I/O: forms, ranges, `Prefer`, origins, and the messages of Turnstile.

pub mod multipart;
pub mod origins;
pub mod percent;
pub mod prefer;
pub mod range;
pub mod turnstile;
