//! Recognizes an MP4 file by its first bytes.

/// Bytes that [`begins`] needs to see.
pub const MAGIC_BYTES: usize = 12;

/// Smallest `ftyp` box: size, type, major brand and minor version.
const MIN_FTYP_BYTES: u32 = 16;

/// Whether a file with these first bytes is MP4: its first box is a valid `ftyp` (ISO/IEC 14496-12).
#[must_use]
pub fn begins(start: &[u8]) -> bool {
    let Some((size, rest)) = start.split_first_chunk::<4>() else { return false };
    rest.starts_with(b"ftyp") && start.len() >= MAGIC_BYTES && u32::from_be_bytes(*size) >= MIN_FTYP_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_mp4_file_starts_with_an_ftyp_box() {
        assert!(begins(b"\0\0\0\x20ftypisom\0\0\x02\0"));
        for other in
            [&b"<!doctype html>"[..], b"\0\0\0\x20ftyp", b"\0\0\0\x08ftypisom", b"\0\0\0\x20moovisom", b""]
        {
            assert!(!begins(other));
        }
    }
}
