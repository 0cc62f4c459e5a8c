//! The fields of the boxes that describe a track.

use super::boxes::{u16_at, u32_at, u64_at};

/// Enough of any box below for all its fields; the longest are those of a `tkhd` of version 1.
pub const FIELDS_BYTES: u64 = 96;

const VIDEO_HANDLER: &[u8] = b"vide";

/// Positions in the content of a box, whose first byte is its version.
mod at {
    pub const COUNT: usize = 4;
    pub const HANDLER: usize = 8;
    /// In the first entry of `stsd`.
    pub const CODED_WIDTH: usize = 40;
    pub const CODED_HEIGHT: usize = 42;
    /// In `trex`.
    pub const TRACK_ID: usize = 4;
    pub const DEFAULT_DURATION: usize = 12;
}

/// A number of ticks, of which a second has `timescale`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Duration {
    pub ticks: u64,
    pub timescale: u32,
}

/// How many samples (frames) there are and how long they last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Samples {
    pub count: u64,
    pub ticks: u64,
}

impl Samples {
    /// So many samples of the same duration.
    pub fn equal(count: u32, duration: u32) -> Self {
        Self { count: u64::from(count), ticks: u64::from(count) * u64::from(duration) }
    }

    pub const fn and(self, other: Self) -> Self {
        Self { count: self.count.saturating_add(other.count), ticks: self.ticks.saturating_add(other.ticks) }
    }
}

/// What a `trak` says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Track {
    pub is_video: bool,
    pub id: u32,
    /// As presented, in pixels.
    presented: (u32, u32),
    /// As coded, in pixels.
    coded: (u16, u16),
    pub media: Option<Duration>,
    pub samples: Samples,
}

impl Track {
    /// `hdlr` in `mdia`.
    pub fn read_handler(&mut self, content: &[u8]) {
        self.is_video = content.get(at::HANDLER..).is_some_and(|rest| rest.starts_with(VIDEO_HANDLER));
    }

    /// `tkhd`.
    pub fn read_header(&mut self, content: &[u8]) {
        let (id, width, height) = if is_version_1(content) { (20, 88, 92) } else { (12, 76, 80) };
        self.id = u32_at(content, id).unwrap_or(0);
        // 16.16 fixed point.
        let pixels = |at| u32_at(content, at).unwrap_or(0) >> 16;
        self.presented = (pixels(width), pixels(height));
    }

    /// `stsd`: its first entry.
    pub fn read_description(&mut self, content: &[u8]) {
        let pixels = |at| u16_at(content, at).unwrap_or(0);
        self.coded = (pixels(at::CODED_WIDTH), pixels(at::CODED_HEIGHT));
    }

    /// Width and height: as coded, which is what ffprobe says, else as presented.
    pub fn size(&self) -> (Option<u32>, Option<u32>) {
        let coded = (u32::from(self.coded.0), u32::from(self.coded.1));
        let known = [coded, self.presented].into_iter().find(|(width, height)| *width > 0 && *height > 0);
        (known.map(|(width, _)| width), known.map(|(_, height)| height))
    }
}

/// `mvhd` and `mdhd`; `None` where the duration is not known, as in a fragmented file.
pub fn duration(content: &[u8]) -> Option<Duration> {
    let (timescale, ticks) = if is_version_1(content) {
        (u32_at(content, 20)?, Some(u64_at(content, 24)?).filter(|ticks| *ticks != u64::MAX))
    } else {
        (u32_at(content, 12)?, Some(u32_at(content, 16)?).filter(|ticks| *ticks != u32::MAX).map(u64::from))
    };
    Some(Duration { ticks: ticks.unwrap_or(0), timescale })
}

/// `trex`: a track's id, and the duration of its samples unless a fragment says another.
pub fn track_default(content: &[u8]) -> Option<(u32, u32)> {
    Some((u32_at(content, at::TRACK_ID)?, u32_at(content, at::DEFAULT_DURATION)?))
}

/// `tfhd`: the track's id, and its own default duration.
pub fn fragment_header(content: &[u8]) -> Option<(u32, Option<u32>)> {
    const HAS_BASE_OFFSET: u32 = 0x1;
    const HAS_DESCRIPTION_INDEX: u32 = 0x2;
    const HAS_DEFAULT_DURATION: u32 = 0x8;
    let flags = u32_at(content, 0)?;
    let base_offset = if flags & HAS_BASE_OFFSET == 0 { 0 } else { 8 };
    let description = if flags & HAS_DESCRIPTION_INDEX == 0 { 0 } else { 4 };
    let duration =
        (flags & HAS_DEFAULT_DURATION != 0).then(|| u32_at(content, 8 + base_offset + description));
    Some((u32_at(content, at::TRACK_ID)?, duration.flatten()))
}

/// `trun`: how many samples, and where their durations stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    pub count: u32,
    /// Each is the first field of an entry; `None` where all have the default.
    pub durations: Option<RunEntries>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunEntries {
    /// Where the first starts in the content.
    pub at: u64,
    /// Bytes of each.
    pub stride: u64,
}

pub fn run(content: &[u8]) -> Option<Run> {
    const HAS_DATA_OFFSET: u32 = 0x1;
    const HAS_FIRST_FLAGS: u32 = 0x4;
    const HAS_DURATIONS: u32 = 0x100;
    const OTHER_FIELDS: [u32; 3] = [0x200, 0x400, 0x800];
    let flags = u32_at(content, 0)?;
    let four_bytes = |flag: u32| if flags & flag == 0 { 0 } else { 4 };
    let at = 8 + four_bytes(HAS_DATA_OFFSET) + four_bytes(HAS_FIRST_FLAGS);
    let stride = 4 + OTHER_FIELDS.into_iter().map(four_bytes).sum::<u64>();
    let durations = (flags & HAS_DURATIONS != 0).then_some(RunEntries { at, stride });
    Some(Run { count: u32_at(content, at::COUNT)?, durations })
}

/// The number of entries in a table such as `stts`.
pub fn entry_count(content: &[u8]) -> u32 {
    u32_at(content, at::COUNT).unwrap_or(0)
}

fn is_version_1(content: &[u8]) -> bool {
    content.first() == Some(&1)
}
