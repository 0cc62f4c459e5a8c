//! What a walk has found of a file.

use super::boxes::Fault;
use super::facts::Facts;
use super::track::{Duration, Samples, Track};

/// Of a file with more tracks, those after the first ones have no default durations.
const MAX_TRACK_DEFAULTS: usize = 32;

/// What was found so far.
#[derive(Default)]
pub struct Found {
    pub has_movie: bool,
    /// Whether there is an `mdat` after the last `moof`, or any in a file without.
    pub has_media: bool,
    pub movie: Option<Duration>,
    /// The current `trak`.
    pub track: Track,
    /// The first video track.
    video: Option<Track>,
    /// Default durations by track id.
    defaults: Vec<(u32, u32)>,
    /// The default duration in the current `traf`; `None` if it is not of the video track.
    pub fragment: Option<u32>,
    /// The video's samples in fragments.
    pub fragments: Samples,
}

impl Found {
    pub fn leave_track(&mut self) {
        if self.track.is_video && self.video.is_none() {
            self.video = Some(self.track);
        }
    }

    /// A track's id and default duration.
    pub fn add_default(&mut self, default: Option<(u32, u32)>) {
        let room = MAX_TRACK_DEFAULTS - self.defaults.len();
        self.defaults.extend(default.into_iter().take(room));
    }

    /// The default duration of samples in a fragment; `None` if it is not of the video track.
    pub fn default_of(&self, track_id: u32, own: Option<u32>) -> Option<u32> {
        let is_video = self.video.is_some_and(|video| video.id == track_id);
        let default = self.defaults.iter().find(|(id, _)| *id == track_id).map(|(_, duration)| *duration);
        is_video.then_some(own.or(default).unwrap_or(0))
    }

    pub fn facts(&self) -> Result<Facts, Fault> {
        if !self.has_movie {
            return Err(Fault::NoMovie);
        }
        let video = self.video.as_ref().ok_or(Fault::NoVideoTrack)?;
        if !self.has_media {
            return Err(Fault::NoMedia);
        }
        Ok(Facts::of(video, self.movie, self.fragments))
    }
}
