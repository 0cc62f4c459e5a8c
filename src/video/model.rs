//! The capabilities of a model: which fields it needs, and which formats it offers. Submits are validated by them.

use super::request::{FieldError, Resolution, error};

/// Whether a model has a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    Required,
    Optional,
    /// The model has no such parameter.
    None,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capabilities {
    pub prompt: Need,
    pub first_frame: Need,
    pub last_frame: Need,
    /// The default first; empty for a model that offers no choice.
    pub resolutions: Vec<String>,
    /// Seconds, the default first; empty for a model that offers no choice.
    pub durations: Vec<u16>,
    /// A rule of the Hailuo models that is not in Wiro's schema: videos in 1080P have 6 seconds.
    pub only_6_seconds_in_1080p: bool,
}

/// Resolution and seconds of a video; `None` if the model offers no choice.
pub type Format = (Option<Resolution>, Option<u16>);

impl Capabilities {
    /// All combinations of resolution and duration that the model offers, the default first.
    #[must_use]
    pub fn formats(&self) -> Vec<Format> {
        let or_none = |count: usize| usize::from(count == 0);
        let resolutions = self.resolutions.iter().map(|name| Some(Resolution::new(name)));
        let resolutions = resolutions.chain(std::iter::repeat_n(None, or_none(self.resolutions.len())));
        let durations = self.durations.iter().copied().map(Some);
        let durations = durations.chain(std::iter::repeat_n(None, or_none(self.durations.len())));
        let formats = resolutions
            .flat_map(|resolution| durations.clone().map(move |duration| (resolution.clone(), duration)));
        formats.filter(|format| self.offers(format)).collect()
    }

    /// Finds a resolution by its name, ignoring case.
    ///
    /// # Errors
    /// The allowed names.
    pub fn resolution(&self, given: &str) -> Result<Resolution, String> {
        let known = self.resolutions.iter().find(|name| name.eq_ignore_ascii_case(given));
        known.map(|name| Resolution::new(name)).ok_or_else(|| one_of(&self.resolutions, ""))
    }

    /// Checks a duration in seconds.
    ///
    /// # Errors
    /// The allowed durations.
    pub fn duration(&self, given: Option<u16>) -> Result<u16, String> {
        let known = given.filter(|seconds| self.durations.contains(seconds));
        known.ok_or_else(|| one_of(&self.durations, " (seconds)"))
    }

    /// Chooses the format. A missing value gets the default, or the first one that the model allows with the other value.
    ///
    /// # Errors
    /// If the model does not offer this combination.
    pub fn format(
        &self,
        resolution: Option<&Resolution>,
        duration: Option<u16>,
    ) -> Result<Format, FieldError> {
        let is_wanted = |(its_resolution, its_duration): &Format| {
            resolution.is_none_or(|given| its_resolution.as_ref() == Some(given))
                && duration.is_none_or(|given| *its_duration == Some(given))
        };
        let found = self.formats().into_iter().find(is_wanted);
        found.ok_or_else(|| error("duration", "10 seconds are made in 768P only; 1080P makes 6"))
    }

    fn offers(&self, (resolution, duration): &Format) -> bool {
        let is_1080p = resolution.as_ref().is_some_and(|name| name.as_str().eq_ignore_ascii_case("1080P"));
        !(self.only_6_seconds_in_1080p && is_1080p && duration.is_some_and(|seconds| seconds > 6))
    }
}

/// Lists the allowed values, such as `must be 6 or 10 (seconds)`.
fn one_of<T: ToString>(allowed: &[T], unit: &str) -> String {
    let names: Vec<String> = allowed.iter().map(ToString::to_string).collect();
    match names.split_last() {
        None => "is not a field of this model".to_owned(),
        Some((last, [])) => format!("must be {last}{unit}"),
        Some((last, others)) => format!("must be {} or {last}{unit}", others.join(", ")),
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// The built-in capabilities of `minimax/hailuo-2-3`.
    #[must_use]
    pub fn hailuo() -> Capabilities {
        Capabilities {
            prompt: Need::Required,
            first_frame: Need::Optional,
            last_frame: Need::None,
            resolutions: vec!["768P".to_owned(), "1080P".to_owned()],
            durations: vec![6, 10],
            only_6_seconds_in_1080p: true,
        }
    }

    fn format(model: &Capabilities, resolution: Option<&str>, duration: Option<u16>) -> String {
        let resolution = match resolution.map(|name| model.resolution(name)).transpose() {
            Ok(resolution) => resolution,
            Err(message) => return format!("resolution {message}"),
        };
        if let Some(Err(message)) = duration.map(|seconds| model.duration(Some(seconds))) {
            return format!("duration {message}");
        }
        match model.format(resolution.as_ref(), duration) {
            Ok((resolution, duration)) => {
                let resolution = resolution.map_or_else(|| "-".to_owned(), |name| name.as_str().to_owned());
                format!(
                    "{resolution}/{}",
                    duration.map_or_else(|| "-".to_owned(), |seconds| seconds.to_string())
                )
            }
            Err(error) => format!("{} {}", error.field, error.message),
        }
    }

    #[test]
    fn missing_values_get_the_first_allowed_ones() {
        let hailuo_2_3 = hailuo();
        assert_eq!(format(&hailuo_2_3, None, None), "768P/6");
        assert_eq!(format(&hailuo_2_3, Some("1080p"), None), "1080P/6");
        assert_eq!(format(&hailuo_2_3, None, Some(10)), "768P/10");
        // The defaults are not allowed together, as in one of Wiro's clients.
        let odd = Capabilities {
            resolutions: vec!["1080P".to_owned(), "768P".to_owned()],
            durations: vec![10, 6],
            ..hailuo()
        };
        assert_eq!(format(&odd, None, None), "1080P/6");
        assert_eq!(format(&odd, None, Some(10)), "768P/10");
        assert_eq!(format(&odd, Some("768P"), None), "768P/10");
    }

    #[test]
    fn an_error_lists_the_allowed_values() {
        let hailuo_2_3 = hailuo();
        assert_eq!(format(&hailuo_2_3, Some("4K"), None), "resolution must be 768P or 1080P");
        assert_eq!(format(&hailuo_2_3, None, Some(7)), "duration must be 6 or 10 (seconds)");
        assert_eq!(
            format(&hailuo_2_3, Some("1080P"), Some(10)),
            "duration 10 seconds are made in 768P only; 1080P makes 6"
        );
        let other = Capabilities { only_6_seconds_in_1080p: false, ..hailuo() };
        assert_eq!(format(&other, Some("1080P"), Some(10)), "1080P/10");
        let plain = Capabilities { resolutions: vec![], durations: vec![5], ..hailuo() };
        assert_eq!(format(&plain, None, None), "-/5");
        assert_eq!(format(&plain, Some("768P"), None), "resolution is not a field of this model");
        assert_eq!(format(&plain, None, Some(6)), "duration must be 5 (seconds)");
    }
}
