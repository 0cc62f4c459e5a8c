//! What a file's metadata says of the video, as ffprobe says it.

use super::track::{Duration, Samples, Track};

/// Fractions are in thousandths.
const THOUSAND: u128 = 1000;
/// A larger number is not exact as a number of JSON, and no video is that long.
const MAX_NUMBER: u64 = 1 << 53;

/// Each is `None` where the file does not say it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Pixels, before any rotation.
    pub width: Option<u32>,
    pub height: Option<u32>,
    pub duration_millis: Option<u64>,
    /// Mean frames per second, in thousandths.
    pub millifps: Option<u64>,
}

impl Facts {
    /// `movie` is the duration in `mvhd`, `fragments` are the video's samples outside of `moov`.
    pub fn of(video: &Track, movie: Option<Duration>, fragments: Samples) -> Self {
        let samples = video.samples.and(fragments);
        let timescale = video.media.map_or(0, |media| media.timescale);
        let of_samples = Duration { ticks: samples.ticks, timescale };
        // Of a fragmented file `moov` describes the beginning only.
        let stated = [movie, video.media].into_iter().flatten().filter(|_| fragments.count == 0);
        let duration_millis = stated.chain([of_samples]).find_map(Duration::millis);
        let (width, height) = video.size();
        let ticks_per_second = u128::from(samples.count) * u128::from(timescale);
        let millifps = ratio(ticks_per_second * THOUSAND, u128::from(samples.ticks));
        Self { width, height, duration_millis, millifps }
    }
}

impl Duration {
    /// `None` where it is unknown or zero.
    fn millis(self) -> Option<u64> {
        ratio(u128::from(self.ticks) * THOUSAND, u128::from(self.timescale))
    }
}

/// Rounded; `None` for zero and for numbers that say nothing.
fn ratio(dividend: u128, divisor: u128) -> Option<u64> {
    let rounded = dividend.checked_add(divisor / 2)?.checked_div(divisor)?;
    u64::try_from(rounded).ok().filter(|number| (1..MAX_NUMBER).contains(number))
}
