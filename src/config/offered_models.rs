//! `MODELS`: the models that this deployment offers, by the names that callers give them.

use crate::wiro::model::canonical_slug;

/// Models of Wiro's that have a name here, with their `owner/project`.
const BUILT_IN: [(&str, &str); 9] = [
    ("hailuo-2.3", "minimax/hailuo-2-3"),
    ("hailuo-2.3-fast", "minimax/hailuo-2-3-fast"),
    ("image-to-video-hailuo-02", "MiniMax/image-to-video-hailuo-02"),
    ("text-to-video-hailuo-02", "MiniMax/text-to-video-hailuo-02"),
    ("image-to-video-hailuo-01", "MiniMax/image-to-video-hailuo-01"),
    ("image-to-video-hailuo-01-live", "MiniMax/image-to-video-hailuo-01-live"),
    ("image-to-video-hailuo-01-director", "MiniMax/image-to-video-hailuo-01-director"),
    ("text-to-video-hailuo-01", "MiniMax/text-to-video-hailuo-01"),
    ("text-to-video-hailuo-01-director", "MiniMax/text-to-video-hailuo-01-director"),
];

const RULE: &str = "must be a comma list of models, each a built-in name such as hailuo-2.3, owner/project, or \
                    name=owner/project, each once";

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfferedModel {
    pub name: String,
    /// `owner/project`, the path of Run.
    pub path: String,
}

/// At least one; the first is the default.
#[derive(Debug, PartialEq, Eq)]
pub struct OfferedModels {
    default: OfferedModel,
    others: Vec<OfferedModel>,
}

impl OfferedModels {
    /// # Errors
    /// What they must be.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let mut models: Vec<OfferedModel> = Vec::new();
        for entry in text.split(',') {
            let model = read(entry.trim()).ok_or(RULE)?;
            let is_known = |known: &OfferedModel| {
                known.name.eq_ignore_ascii_case(&model.name) || known.path == model.path
            };
            if models.iter().any(is_known) {
                return Err(RULE);
            }
            models.push(model);
        }
        let mut models = models.into_iter();
        let default = models.next().ok_or(RULE)?;
        Ok(Self { default, others: models.collect() })
    }

    /// What a submit means that names no model.
    #[must_use]
    pub const fn default(&self) -> &OfferedModel {
        &self.default
    }

    pub fn all(&self) -> impl Iterator<Item = &OfferedModel> {
        std::iter::once(&self.default).chain(&self.others)
    }

    /// The model of that name in any case, or of that `owner/project` in any of Wiro's spellings.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&OfferedModel> {
        let by_name = self.all().find(|model| model.name.eq_ignore_ascii_case(name));
        let path = canonical_slug(name);
        by_name.or_else(|| self.all().find(|model| name.contains('/') && canonical_slug(&model.path) == path))
    }

    /// `hailuo-2.3, hailuo-2.3-fast`
    #[must_use]
    pub fn names(&self) -> String {
        self.all().map(|model| model.name.as_str()).collect::<Vec<_>>().join(", ")
    }
}

fn read(entry: &str) -> Option<OfferedModel> {
    let built_in = BUILT_IN.iter().find(|(name, _)| name.eq_ignore_ascii_case(entry));
    if let Some((name, path)) = built_in {
        return Some(OfferedModel { name: (*name).to_owned(), path: (*path).to_owned() });
    }
    let (name, path) = entry.split_once('=').unwrap_or((entry, entry));
    let (name, path) = (name.trim(), path.trim());
    let (owner, project) = path.split_once('/')?;
    let is_name = is_part(name) || name == path;
    (is_name && is_part(owner) && is_part(project))
        .then(|| OfferedModel { name: name.to_owned(), path: path.to_owned() })
}

/// A name that needs no escapes in a URL.
fn is_part(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    !text.is_empty() && text.bytes().all(is_plain) && text.bytes().any(|byte| byte != b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(text: &str) -> Result<Vec<(String, String)>, &'static str> {
        let models = OfferedModels::parse(text)?;
        Ok(models.all().map(|model| (model.name.clone(), model.path.clone())).collect())
    }

    fn pair(name: &str, path: &str) -> (String, String) {
        (name.to_owned(), path.to_owned())
    }

    #[test]
    fn a_model_may_be_written_in_three_ways() {
        assert_eq!(
            named("Hailuo-2.3, minimax/h3 ,cheap=MiniMax/hailuo-2.3-fast"),
            Ok(vec![
                pair("hailuo-2.3", "minimax/hailuo-2-3"),
                pair("minimax/h3", "minimax/h3"),
                pair("cheap", "MiniMax/hailuo-2.3-fast"),
            ])
        );
        for wrong in [
            "",
            ",",
            "hailuo-2.3,",
            "hailuo-9",
            "a=b",
            "=a/b",
            "a/b/c",
            "a=../b",
            "../Task/Detail",
            "a b=c/d",
            "a=c/d?e",
            "hailuo-2.3,HAILUO-2.3",
            "x=a/b,y=a/b",
        ] {
            assert_eq!(named(wrong), Err(RULE), "{wrong}");
        }
    }

    #[test]
    fn a_model_is_found_by_its_name_or_by_any_spelling_of_its_path() {
        let models = OfferedModels::parse("hailuo-2.3,cheap=minimax/hailuo-2-3-fast").unwrap();
        for name in ["hailuo-2.3", "HAILUO-2.3", "minimax/hailuo-2-3", "MiniMax/Hailuo-2.3"] {
            assert_eq!(models.find(name), Some(models.default()), "{name}");
        }
        assert_eq!(models.find("MiniMax/hailuo-2.3-fast").map(|model| model.name.as_str()), Some("cheap"));
        for name in ["", "/", "hailuo-2-3", "sora-2", "hailuo", "minimax/"] {
            assert_eq!(models.find(name), None, "{name}");
        }
        assert_eq!(models.names(), "hailuo-2.3, cheap");
    }
}
