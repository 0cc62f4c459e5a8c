//! What a video costs: what Wiro tells of its model, else what the settings say.

use crate::config::Config;
use crate::video::money::Usd;
use crate::wiro::model::canonical_slug;
use crate::wiro::price::price;

/// The price of a video of the model at that path, in a format such as `768P/6`. `told` is Wiro's list for the model, or
/// empty.
pub fn price_of(config: &Config, model_path: &str, told: &str, format: &str) -> Option<Usd> {
    let (resolution, duration) = format.split_once('/').unwrap_or_default();
    let micros = |amount: &str| Usd::parse(amount).map(Usd::micros);
    let told = price(told, resolution, duration, micros).map(Usd::from_micros);
    told.or_else(|| set_price(config, model_path, format))
}

fn set_price(config: &Config, model_path: &str, format: &str) -> Option<Usd> {
    let path = canonical_slug(model_path);
    let model = config.models.all().find(|model| canonical_slug(&model.path) == path)?;
    let of_default = || config.prices.get(format).filter(|_| model == config.models.default());
    config.prices.get(&format!("{}:{format}", model.name)).or_else(of_default)
}
