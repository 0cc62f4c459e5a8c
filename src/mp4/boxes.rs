//! The header of a box, and what can be wrong with a file.

use thiserror::Error;

/// A box's type, four characters.
pub type Kind = [u8; 4];

/// Size and type.
pub const HEADER_BYTES: u64 = 8;
/// A header whose size has 64 bits.
pub const LARGE_HEADER_BYTES: u64 = 16;

/// Sizes with these values mean something else.
const TO_THE_END: u32 = 0;
const IS_LARGE: u32 = 1;

/// Why a file is not accepted. Positions are in bytes from its start.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Fault {
    #[error("it does not start with an ftyp box")]
    NoFileType,
    #[error("no box starts at byte {0}")]
    NoBox(u64),
    #[error("the box at byte {0} is longer than what contains it")]
    TooLong(u64),
    #[error("it has no moov box")]
    NoMovie,
    #[error("it has no video track")]
    NoVideoTrack,
    #[error("it has no mdat box, or none after its last moof box")]
    NoMedia,
    #[error("it has samples at byte {0}, after its end")]
    MissingSamples(u64),
    #[error("its boxes need more than {max} reads", max = super::MAX_READS)]
    TooManyReads,
    #[error("fewer bytes are stored than its size says")]
    MissingBytes,
}

/// A box by its header. `start..body` is the header, `body..end` the content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    pub kind: Kind,
    pub start: u64,
    pub body: u64,
    pub end: u64,
}

/// What the first 8 bytes of a header say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    Bytes(u64),
    /// It follows in the next 8 bytes.
    Large,
    /// The box ends where its container does.
    ToTheEnd,
}

/// Reads size and type.
pub fn size_and_kind(bytes: [u8; 8]) -> (Size, Kind) {
    let [a, b, c, d, kind @ ..] = bytes;
    let size = match u32::from_be_bytes([a, b, c, d]) {
        TO_THE_END => Size::ToTheEnd,
        IS_LARGE => Size::Large,
        bytes => Size::Bytes(u64::from(bytes)),
    };
    (size, kind)
}

impl Header {
    /// A box that starts at `start`, has `header` bytes of header and `size` bytes in all, in a container that ends at
    /// `limit`.
    pub fn new(kind: Kind, start: u64, header: u64, size: u64, limit: u64) -> Result<Self, Fault> {
        if size < header || !is_printable(kind) {
            return Err(Fault::NoBox(start));
        }
        let end = start.checked_add(size).filter(|end| *end <= limit).ok_or(Fault::TooLong(start))?;
        Ok(Self { kind, start, body: start + header, end })
    }
}

/// Types are printable ASCII, but for the copyright sign in some of Apple's.
fn is_printable(kind: Kind) -> bool {
    kind.iter().all(|byte| matches!(byte, b' '..=b'~' | 0xa9))
}

/// A big-endian number inside of bytes.
pub fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// A big-endian number inside of bytes.
pub fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// A big-endian number inside of bytes.
pub fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}
