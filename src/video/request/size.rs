//! The field `size` of OpenAI's API: width and height in pixels, converted to a resolution.

use std::fmt;

use super::Resolution;
use crate::video::model::Capabilities;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    width: u32,
    height: u32,
}

impl Size {
    /// Parses a size such as `1280x720`.
    pub fn parse(text: &str) -> Option<Self> {
        let (width, height) = text.split_once(['x', 'X', '×'])?;
        let pixels = |text: &str| {
            let is_number = text.len() <= 5 && text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse().ok().filter(|pixels| is_number && *pixels > 0)
        };
        Some(Self { width: pixels(width)?, height: pixels(height)? })
    }

    pub const fn is_landscape(self) -> bool {
        self.width > self.height
    }

    /// The smallest resolution with at least as many lines. The shorter side has the lines.
    ///
    /// # Errors
    /// The resolutions that the model offers.
    pub fn resolution(self, model: &Capabilities) -> Result<Resolution, String> {
        let lines = self.width.min(self.height);
        let offered = model.resolutions.iter().filter_map(|name| Some((lines_of(name)?, name)));
        let fitting = offered.filter(|(offered, _)| lines <= *offered).min_by_key(|(offered, _)| *offered);
        fitting.map(|(_, name)| Resolution::new(name)).ok_or_else(|| match &model.resolutions[..] {
            [] => "is not a field of this model".to_owned(),
            offered => format!("has more lines than this model makes: {}", offered.join(", ")),
        })
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

/// The number in a name such as `768P`.
fn lines_of(resolution: &str) -> Option<u32> {
    resolution.trim_end_matches(['p', 'P']).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::video::model::tests::hailuo;

    fn resolution(text: &str) -> Result<String, String> {
        let size = Size::parse(text).ok_or("no size")?;
        size.resolution(&hailuo()).map(|resolution| resolution.as_str().to_owned())
    }

    #[test]
    fn a_size_selects_the_smallest_sufficient_resolution() {
        for (size, name) in [
            ("1280x720", "768P"),
            ("1366X768", "768P"),
            ("1367x769", "1080P"),
            ("1792×1024", "1080P"),
            ("1920x1080", "1080P"),
            ("720x1280", "768P"),
            ("1024x1024", "1080P"),
        ] {
            assert_eq!(resolution(size).as_deref(), Ok(name), "{size}");
        }
        assert!(resolution("3840x2160").unwrap_err().contains("768P, 1080P"));
        for text in
            ["", "x", "1280", "1280x", "0x720", "-1x720", "+1x720", "1280x720x3", "1280 x 720", "123456x1"]
        {
            assert_eq!(Size::parse(text), None, "{text}");
        }
    }
}
