//! Buffers for bytes that cannot be passed on yet, with a limit for each buffer and one for all buffers of an isolate.

use std::cell::Cell;

use thiserror::Error;
use worker::js_sys::Uint8Array;

/// Limit for one buffer. R2 requires parts of at least 5 MiB, all of the same size except the last.
pub const PART_BYTES: u32 = 5 * 1024 * 1024;

/// Limit for all buffers of an isolate together: half of its 128 MB.
const MAX_BUFFERED_BYTES: u32 = 64 * 1024 * 1024;

/// The first size of a buffer. It doubles, so that a small image needs little memory.
const FIRST_BYTES: u32 = 64 * 1024;

thread_local! {
    static BUFFERED_BYTES: Cell<u32> = const { Cell::new(0) };
}

/// All buffers together have reached the limit.
#[derive(Clone, Copy, Debug, Error)]
#[error("all uploads together use {MAX_BUFFERED_BYTES} bytes of memory already")]
pub struct MemoryFull;

/// One contiguous buffer. Keeping each chunk separately would cost some hundred bytes per chunk.
pub struct Buffer {
    bytes: Uint8Array,
    used: u32,
}

impl Default for Buffer {
    fn default() -> Self {
        Self { bytes: Uint8Array::new_with_length(0), used: 0 }
    }
}

impl Buffer {
    /// Appends a chunk. The buffer must not become longer than [`PART_BYTES`].
    ///
    /// # Errors
    /// [`MemoryFull`].
    pub fn push(&mut self, chunk: &Uint8Array) -> Result<(), MemoryFull> {
        let needed = self.used + chunk.length();
        if needed > self.bytes.length() {
            self.grow(needed)?;
        }
        self.bytes.set(chunk, self.used);
        self.used = needed;
        Ok(())
    }

    /// The number of bytes in the buffer.
    #[must_use]
    pub const fn used(&self) -> u32 {
        self.used
    }

    /// Empties the buffer and keeps its memory.
    pub const fn clear(&mut self) {
        self.used = 0;
    }

    fn grow(&mut self, needed: u32) -> Result<(), MemoryFull> {
        let known = self.bytes.length();
        let length = needed.max(2 * known).clamp(FIRST_BYTES, PART_BYTES);
        let total = BUFFERED_BYTES.get() + (length - known);
        if total > MAX_BUFFERED_BYTES {
            return Err(MemoryFull);
        }
        BUFFERED_BYTES.set(total);
        let grown = Uint8Array::new_with_length(length);
        grown.set(&self.bytes.subarray(0, self.used), 0);
        self.bytes = grown;
        Ok(())
    }

    /// The bytes, without copying.
    #[must_use]
    pub fn filled(&self) -> Uint8Array {
        self.bytes.subarray(0, self.used)
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        BUFFERED_BYTES.set(BUFFERED_BYTES.get().saturating_sub(self.bytes.length()));
    }
}
