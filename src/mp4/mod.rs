//! The boxes of an MP4 file (ISO/IEC 14496-12), pure. A file is accepted if its boxes reach exactly its end and include
//! a `moov` with a video track and an `mdat`. Only box headers and metadata are read, never the samples in `mdat`.

mod boxes;
mod facts;
mod found;
mod start;
mod track;
mod walk;

pub use boxes::Fault;
pub use facts::Facts;
pub use start::{MAGIC_BYTES, is_mp4_start};
pub use walk::{MAX_READ_BYTES, MAX_READS, Step, Walk};

#[cfg(test)]
mod tests;
