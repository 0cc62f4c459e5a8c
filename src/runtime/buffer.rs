//! Memory for bytes that cannot be passed on yet: bounded for each buffer, and for all of an isolate together.

use std::cell::Cell;

use thiserror::Error;
use worker::js_sys::Uint8Array;

/// Largest buffer: R2 takes parts of 5 MiB or more, all of one size but the last.
pub const PART_BYTES: u32 = 5 * 1024 * 1024;

/// All buffers of an isolate together: half of its 128 MB.
const MAX_HELD_BYTES: u32 = 64 * 1024 * 1024;

/// What a buffer begins with. It doubles, so that a small image takes little.
const FIRST_BYTES: u32 = 64 * 1024;

thread_local! {
    static HELD_BYTES: Cell<u32> = const { Cell::new(0) };
}

/// All buffers together are as large as they may be.
#[derive(Clone, Copy, Debug, Error)]
#[error("all uploads together hold {MAX_HELD_BYTES} bytes of memory already")]
pub struct MemoryFull;

/// One buffer, whatever the size of the chunks: a chunk that is kept as it came costs some hundred bytes besides.
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
    /// Copies a chunk behind what is there; together they must not be longer than a part.
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

    /// In bytes.
    #[must_use]
    pub const fn used(&self) -> u32 {
        self.used
    }

    /// Begins anew in the same memory.
    pub const fn clear(&mut self) {
        self.used = 0;
    }

    fn grow(&mut self, needed: u32) -> Result<(), MemoryFull> {
        let known = self.bytes.length();
        let length = needed.max(2 * known).clamp(FIRST_BYTES, PART_BYTES);
        let held = HELD_BYTES.get() + (length - known);
        if held > MAX_HELD_BYTES {
            return Err(MemoryFull);
        }
        HELD_BYTES.set(held);
        let grown = Uint8Array::new_with_length(length);
        grown.set(&self.bytes.subarray(0, self.used), 0);
        self.bytes = grown;
        Ok(())
    }

    /// What is there, not copied.
    #[must_use]
    pub fn filled(&self) -> Uint8Array {
        self.bytes.subarray(0, self.used)
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        HELD_BYTES.set(HELD_BYTES.get().saturating_sub(self.bytes.length()));
    }
}
