//! A model's parameters and prices: from Tool/Detail, or built in. Wiro renames parameters and probably ignores
//! optional ones under an old name, so Run uses the names of the description.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::envelope::text;
use super::files::Refusal;
use super::http_response::HttpResponse;
use super::task::done;

pub const TOOL_DETAIL: &str = "/Tool/Detail";

/// Longest duration that a range without an end offers.
const MAX_SECONDS: u16 = 60;

/// The description of a model for Run and for the validation of submits. Stored as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelDescription {
    /// When it was read, in unix seconds; `None` if it is built in.
    pub read_at: Option<i64>,
    /// Where the parameters come from.
    pub source: Source,
    pub prompt: Option<Parameter>,
    pub prompt_optimizer: Option<Parameter>,
    pub resolution: Option<Parameter>,
    pub duration: Option<Parameter>,
    pub first_frame: Option<Frame>,
    pub last_frame: Option<Frame>,
    /// Other required parameters, with Wiro's default values.
    pub defaults: Vec<(String, String)>,
    /// Other required parameters without a default: such a model cannot run.
    pub not_understood: Vec<String>,
    /// `dynamicprice` as text; empty if Wiro gives no prices.
    pub prices: String,
}

/// Where a description comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    Wiro,
    BuiltIn,
}

/// A text parameter, with options if it is an enumeration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parameter {
    pub id: String,
    pub required: bool,
    /// The allowed values; empty for any.
    pub options: Vec<String>,
    pub default: Option<String>,
}

impl Parameter {
    /// The option for this duration, as Wiro writes it.
    #[must_use]
    pub fn duration_text(&self, seconds: u16) -> String {
        let option = self.options.iter().find(|option| read_seconds(option) == Some(seconds));
        option.cloned().unwrap_or_else(|| seconds.to_string())
    }
}

/// An image parameter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frame {
    pub id: String,
    pub style: FrameStyle,
    pub required: bool,
}

/// The form fields of an image parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FrameStyle {
    /// `fileinput`: a file under the id, a link under `{id}Url`.
    FileAndUrl,
    /// `combinefileinput`: a file or a link under the id.
    Combined,
}

/// Parses a duration: `6`, `6s`, `6 s`.
#[must_use]
pub fn read_seconds(value: &str) -> Option<u16> {
    value.trim().trim_end_matches(['s', 'S']).trim_end().parse().ok().filter(|seconds| *seconds > 0)
}

/// Wiro accepts several spellings: `MiniMax/hailuo-2.3` becomes `minimax/hailuo-2-3`.
#[must_use]
pub fn canonical_slug(slug: &str) -> String {
    let part = |part: &str| {
        let words = part.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("-")
    };
    let (owner, project) = slug.split_once('/').unwrap_or(("", slug));
    format!("{}/{}", part(owner), part(project))
}

/// The body of Tool/Detail for `owner/project`. The names need no escapes.
#[must_use]
pub fn tool_body(slug: &str) -> String {
    let slug = canonical_slug(slug);
    let (owner, project) = slug.split_once('/').unwrap_or_default();
    format!(r#"{{"slugowner":"{owner}","slugproject":"{project}"}}"#)
}

impl ModelDescription {
    /// The built-in description: for Hailuo 2.3 from its documentation; for the rest of the family as Wiro's own
    /// clients sent it in 2026.
    #[must_use]
    pub fn built_in(slug: &str) -> Self {
        let slug = canonical_slug(slug);
        let project = slug.split_once('/').map_or("", |(_, project)| project);
        let parameter = |id: &str, required, options: &[&str]| {
            let options: Vec<String> = options.iter().map(|&option| option.to_owned()).collect();
            Some(Parameter { id: id.to_owned(), required, default: options.first().cloned(), options })
        };
        let frame = |id: &str, style, required| Some(Frame { id: id.to_owned(), style, required });
        let seed = Self {
            read_at: None,
            source: Source::BuiltIn,
            prompt: parameter("prompt", true, &[]),
            prompt_optimizer: parameter("promptOptimizer", false, &["true", "false"]),
            resolution: parameter("resolution", false, &["768P", "1080P"]),
            duration: parameter("duration", true, &["6", "10"]),
            first_frame: frame("inputImageFirst", FrameStyle::FileAndUrl, false),
            last_frame: None,
            defaults: Vec::new(),
            not_understood: Vec::new(),
            prices: String::new(),
        };
        match project {
            "hailuo-2-3-fast" => Self {
                prompt: parameter("prompt", false, &[]),
                first_frame: frame("inputImage", FrameStyle::Combined, true),
                ..seed
            },
            "image-to-video-hailuo-02" => Self {
                first_frame: frame("inputImage", FrameStyle::FileAndUrl, true),
                last_frame: frame("inputImage2", FrameStyle::FileAndUrl, false),
                ..seed
            },
            "text-to-video-hailuo-02" => Self { first_frame: None, ..seed },
            _ if project.ends_with("hailuo-01") || project.contains("hailuo-01-") => Self {
                prompt_optimizer: None,
                resolution: None,
                duration: None,
                first_frame: frame("inputImage", FrameStyle::FileAndUrl, true)
                    .filter(|_| project.starts_with("image")),
                ..seed
            },
            _ => seed,
        }
    }

    /// Reads a response of Tool/Detail for this model at `now` (unix seconds). What it does not contain stays as in
    /// `known`.
    ///
    /// # Errors
    /// [`Refusal`] if it contains nothing usable.
    pub fn read(slug: &str, http: &HttpResponse, known: &Self, now: i64) -> Result<Self, Refusal> {
        let value = done(http).map_err(Refusal::Failed)?;
        let tool = value.get("tool").unwrap_or(&Value::Null);
        let tool = tool.get(0).unwrap_or(tool);
        if !is_named(tool, slug) {
            return Err(Refusal::Failed("the response describes another model".to_owned()));
        }
        let parameters = read_parameters(tool);
        let prices = read_prices(tool);
        if parameters.is_none() && prices.is_none() {
            return Err(Refusal::Failed("the response has neither parameters nor prices".to_owned()));
        }
        let description = match parameters {
            Some(described) => described,
            None => known.clone(),
        };
        let prices = prices.unwrap_or_else(|| known.prices.clone());
        Ok(Self { read_at: Some(now), prices, ..description })
    }

    /// The offered resolutions, the default first; empty if the model has no such parameter.
    #[must_use]
    pub fn resolutions(&self) -> Vec<String> {
        let options = self.resolution.as_ref().map(default_first).unwrap_or_default();
        options.into_iter().cloned().collect()
    }

    /// The offered durations in seconds, the default first; empty if the model has no such parameter.
    #[must_use]
    pub fn durations(&self) -> Vec<u16> {
        let options = self.duration.as_ref().map(default_first).unwrap_or_default();
        let mut seconds: Vec<u16> = Vec::new();
        for option in options.into_iter().filter_map(|option| read_seconds(option)) {
            if !seconds.contains(&option) {
                seconds.push(option);
            }
        }
        seconds
    }
}

fn default_first(parameter: &Parameter) -> Vec<&String> {
    let is_default = |option: &&String| parameter.default.as_ref() == Some(*option);
    let defaults = parameter.options.iter().filter(is_default);
    defaults.chain(parameter.options.iter().filter(|option| !is_default(option))).collect()
}

/// Whether the entry describes this model, as far as it says.
fn is_named(tool: &Value, slug: &str) -> bool {
    let named = |owner: &str, project: &str| Some(format!("{}/{}", text(tool, owner)?, text(tool, project)?));
    let name = named("cleanslugowner", "cleanslugproject").or_else(|| named("slugowner", "slugproject"));
    name.is_none_or(|name| canonical_slug(&name) == canonical_slug(slug))
}

/// A list, or a list as JSON text.
fn list_of(value: Option<&Value>) -> Option<Value> {
    match value? {
        Value::String(text) => serde_json::from_str::<Value>(text).ok().filter(Value::is_array),
        list @ Value::Array(_) => Some(list.clone()),
        _ => None,
    }
}

fn read_prices(tool: &Value) -> Option<String> {
    list_of(tool.get("dynamicprice")).map(|list| list.to_string())
}

/// A parameter of Tool/Detail.
struct Item {
    id: String,
    kind: String,
    parameter: Parameter,
    /// Min, max and step of a `range` or `number`.
    bounds: (Option<u16>, Option<u16>, Option<u16>),
}

fn read_item(item: &Value) -> Option<Item> {
    let id = text(item, "id")?;
    let option = |option: &Value| text(option, "value").or_else(|| option.as_str().map(str::to_owned));
    let options: Vec<String> =
        item.get("options").and_then(Value::as_array).into_iter().flatten().filter_map(option).collect();
    let default = text(item, "defaultvalue").or_else(|| text(item, "default"));
    let required = match item.get("required") {
        Some(Value::Bool(required)) => *required,
        Some(Value::String(required)) => matches!(required.as_str(), "true" | "1"),
        Some(Value::Number(required)) => required.as_i64() == Some(1),
        _ => false,
    };
    let bound = |name| text(item, name).and_then(|bound| read_seconds(&bound));
    Some(Item {
        kind: text(item, "type").unwrap_or_default(),
        bounds: (bound("min"), bound("max"), bound("step")),
        parameter: Parameter { id: id.clone(), required, options, default },
        id,
    })
}

/// Reads the parameters of Tool/Detail; `None` if there is neither a prompt nor a first frame, so that it is no video
/// model.
fn read_parameters(tool: &Value) -> Option<ModelDescription> {
    let groups = list_of(tool.get("parameters"))?;
    let items = groups.as_array()?.iter().flat_map(|group| {
        group.get("items").and_then(Value::as_array).map_or_else(
            // A list without groups.
            || vec![group],
            |items| items.iter().collect(),
        )
    });
    let mut items: Vec<Item> = items.filter_map(read_item).collect();
    let last_frame = take_frame(&mut items, is_last_frame);
    let first_frame = take_frame(&mut items, is_first_frame);
    let mut take = |id: &str| {
        let at = items.iter().position(|item| item.id.eq_ignore_ascii_case(id))?;
        Some(items.remove(at))
    };
    let prompt = take("prompt").map(|item| item.parameter);
    let prompt_optimizer = take("promptOptimizer").map(|item| item.parameter);
    let resolution = take("resolution").map(|item| item.parameter);
    let duration = take("duration").map(with_options);
    if prompt.is_none() && first_frame.is_none() {
        return None;
    }
    let mut defaults = Vec::new();
    let mut not_understood = Vec::new();
    for Item { id, kind, parameter, .. } in items {
        let is_ours = ["callbackUrl", "projectid"].contains(&id.as_str());
        let is_file = kind.contains("fileinput");
        match parameter.default.filter(|_| !is_file) {
            _ if !parameter.required || is_ours => {}
            Some(default) => defaults.push((id, default)),
            None => not_understood.push(id),
        }
    }
    Some(ModelDescription {
        read_at: None,
        source: Source::Wiro,
        prompt,
        prompt_optimizer,
        resolution,
        duration,
        first_frame,
        last_frame,
        defaults,
        not_understood,
        prices: String::new(),
    })
}

/// Turns a range into a list of options.
fn with_options(Item { parameter, bounds: (min, max, step), .. }: Item) -> Parameter {
    if !parameter.options.is_empty() {
        return parameter;
    }
    let last = max.unwrap_or(MAX_SECONDS).min(MAX_SECONDS);
    let seconds = (min.unwrap_or(1)..=last).step_by(usize::from(step.unwrap_or(1)));
    Parameter { options: seconds.map(|seconds| seconds.to_string()).collect(), ..parameter }
}

fn is_last_frame(id: &str) -> bool {
    id == "inputImage2" || id.starts_with("inputImageLast")
}

fn is_first_frame(id: &str) -> bool {
    id.starts_with("inputImage") && !is_last_frame(id)
}

/// Takes out an image parameter, with the text field for its link. A single `…Url` parameter is the link of a file
/// parameter that is not listed.
fn take_frame(items: &mut Vec<Item>, is_meant: fn(&str) -> bool) -> Option<Frame> {
    let is_file = |item: &Item| item.kind.contains("fileinput");
    let find = |predicate: &dyn Fn(&Item) -> bool| items.iter().position(predicate);
    let is_usual = |id: &str| ["inputImage", "inputImageFirst"].contains(&id);
    let at = find(&|item| is_file(item) && is_meant(&item.id) && is_usual(&item.id))
        .or_else(|| find(&|item| is_file(item) && is_meant(&item.id)))
        .or_else(|| find(&|item| item.id.strip_suffix("Url").is_some_and(is_meant)))?;
    let item = items.remove(at);
    let link_of = item.id.strip_suffix("Url").filter(|_| !is_file(&item));
    let id = link_of.unwrap_or(&item.id).to_owned();
    let mut required = item.parameter.required;
    if let Some(at) = items.iter().position(|other| other.id == format!("{id}Url")) {
        required |= items.remove(at).parameter.required;
    }
    let style = if item.kind == "combinefileinput" { FrameStyle::Combined } else { FrameStyle::FileAndUrl };
    Some(Frame { id, style, required })
}

#[cfg(test)]
mod tests;
