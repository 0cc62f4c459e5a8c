pub mod error;
pub mod multipart;
pub mod range;
pub mod route;
pub mod video;
pub mod wiro;
