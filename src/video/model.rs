//! What a model offers: what it needs, and in which formats it makes videos. Submits are checked by it.

use super::request::{FieldError, Resolution, error};

/// Whether a model takes something.
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
    /// A rule of the Hailuo family that no schema tells: 1080P makes 6 seconds.
    pub only_6_seconds_in_1080p: bool,
}

/// Resolution and seconds of a video; `None` where the model offers no choice.
pub type Format = (Option<Resolution>, Option<u16>);

impl Capabilities {
    /// Every resolution with every duration that the model makes in it, the default first.
    #[must_use]
    pub fn formats(&self) -> Vec<Format> {
        let or_none = |count: usize| usize::from(count == 0);
        let resolutions = self.resolutions.iter().map(|name| Some(Resolution::new(name)));
        let resolutions = resolutions.chain(std::iter::repeat_n(None, or_none(self.resolutions.len())));
        let durations = self.durations.iter().copied().map(Some);
        let durations = durations.chain(std::iter::repeat_n(None, or_none(self.durations.len())));
        let formats = resolutions
            .flat_map(|resolution| durations.clone().map(move |duration| (resolution.clone(), duration)));
        formats.filter(|format| self.makes(format)).collect()
    }

    /// The resolution of that name, in any case.
    ///
    /// # Errors
    /// Which there are.
    pub fn resolution(&self, given: &str) -> Result<Resolution, String> {
        let known = self.resolutions.iter().find(|name| name.eq_ignore_ascii_case(given));
        known.map(|name| Resolution::new(name)).ok_or_else(|| one_of(&self.resolutions, ""))
    }

    /// So many seconds.
    ///
    /// # Errors
    /// Which there are.
    pub fn duration(&self, given: Option<u16>) -> Result<u16, String> {
        let known = given.filter(|seconds| self.durations.contains(seconds));
        known.ok_or_else(|| one_of(&self.durations, " (seconds)"))
    }

    /// The format that is asked for: what is not given is the default, or what goes with that which is given.
    ///
    /// # Errors
    /// When the model does not make the two together.
    pub fn format(
        &self,
        resolution: Option<&Resolution>,
        duration: Option<u16>,
    ) -> Result<Format, FieldError> {
        let is_asked_for = |(resolved, lasting): &Format| {
            resolution.is_none_or(|given| resolved.as_ref() == Some(given))
                && duration.is_none_or(|given| *lasting == Some(given))
        };
        let found = self.formats().into_iter().find(is_asked_for);
        found.ok_or_else(|| error("duration", "10 seconds are made in 768P only; 1080P makes 6"))
    }

    fn makes(&self, (resolution, duration): &Format) -> bool {
        let is_1080p = resolution.as_ref().is_some_and(|name| name.as_str().eq_ignore_ascii_case("1080P"));
        !(self.only_6_seconds_in_1080p && is_1080p && duration.is_some_and(|seconds| seconds > 6))
    }
}

/// `must be 6 or 10 (seconds)`
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

    /// `minimax/hailuo-2-3`, as the seed describes it.
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
    fn what_is_not_given_is_the_default_or_goes_with_what_is() {
        let seed = hailuo();
        assert_eq!(format(&seed, None, None), "768P/6");
        assert_eq!(format(&seed, Some("1080p"), None), "1080P/6");
        assert_eq!(format(&seed, None, Some(10)), "768P/10");
        // Defaults that do not go together, as one of Wiro's clients shows them.
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
    fn what_the_model_does_not_make_is_refused_with_what_it_makes() {
        let seed = hailuo();
        assert_eq!(format(&seed, Some("4K"), None), "resolution must be 768P or 1080P");
        assert_eq!(format(&seed, None, Some(7)), "duration must be 6 or 10 (seconds)");
        assert_eq!(
            format(&seed, Some("1080P"), Some(10)),
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
