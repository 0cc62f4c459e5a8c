//! The operator's list: the videos of all owners or of one, by the query parameters of a request.

use super::Listing;
use crate::video::access::owner::Owner;
use crate::video::id::VideoId;
use crate::video::request::FieldError;

/// The parameters that select videos.
pub const FILTERS: [&str; 4] = ["client", "status", "model", "since"];

/// The parameters that select a page.
pub const PAGE: [&str; 3] = ["limit", "after", "order"];

/// What the operator's list has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperatorListing {
    /// The videos of this client, or of nobody; `None` for the videos of all.
    pub client: Option<Owner>,
    pub listing: Listing,
}

impl OperatorListing {
    /// Reads decoded query parameters, of which only these are `known`: a misspelt filter must not select all videos.
    /// `model` returns the API's name of a model, or what is wrong.
    ///
    /// # Errors
    /// All invalid parameters.
    pub fn read(
        parameters: &[(String, String)],
        known: &[&str],
        model: impl Fn(&str) -> Result<String, String>,
    ) -> Result<Self, Vec<FieldError>> {
        let mut errors = check_names(parameters, known);
        let value = |name: &str| {
            let mut named = parameters.iter().filter(|(known, _)| known == name);
            named.next().map(|(_, value)| value.as_str())
        };
        let client = value("client").map(|name| match name {
            "" => Ok(Owner::nobody()),
            name => Owner::named(name).ok_or("must be a client's name, or empty for videos without a client"),
        });
        let since = value("since");
        let page = |name: &str| match name {
            "created_after" => since,
            name => value(name),
        };
        let listing = Listing::read(page, VideoId::unproven, model);
        match (client.transpose(), listing, errors.is_empty()) {
            (Ok(client), Ok(mut listing), true) => {
                if let Some(after) = &mut listing.filter.created_after {
                    // A video of that second is wanted too.
                    *after -= 1;
                }
                Ok(Self { client, listing })
            }
            (client, listing, _) => {
                if let Err(message) = client {
                    errors.push(FieldError { field: "client".to_owned(), message: message.to_owned() });
                }
                let renamed = |error: FieldError| match error.field.as_str() {
                    "created_after" => FieldError { field: "since".to_owned(), ..error },
                    _ => error,
                };
                errors.extend(listing.err().into_iter().flatten().map(renamed));
                Err(errors)
            }
        }
    }
}

/// The errors of parameters that are unknown or are given twice.
#[must_use]
pub fn check_names(parameters: &[(String, String)], known: &[&str]) -> Vec<FieldError> {
    let mut errors: Vec<FieldError> = Vec::new();
    for (index, (name, _)) in parameters.iter().enumerate() {
        let message = if !known.contains(&name.as_str()) {
            format!("is not a parameter; there are {}", known.join(", "))
        } else if parameters.iter().take(index).any(|(earlier, _)| earlier == name) {
            "must be given once".to_owned()
        } else {
            continue;
        };
        if errors.iter().all(|error| error.field != *name) {
            errors.push(FieldError { field: name.clone(), message });
        }
    }
    errors
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::video::record::Status;
    use crate::video::record::listing::{Filter, Start};

    fn read(parameters: &[(&str, &str)]) -> Result<OperatorListing, Vec<FieldError>> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let parameters: Vec<_> = parameters.iter().map(owned).collect();
        OperatorListing::read(&parameters, &[&FILTERS[..], &PAGE].concat(), |name| match name {
            "hailuo" => Ok(name.to_owned()),
            _ => Err("must be one of hailuo".to_owned()),
        })
    }

    #[test]
    fn without_parameters_the_list_has_the_newest_videos_of_all() {
        let listing =
            Listing { limit: 20, start: Start::First, oldest_first: false, filter: Filter::default() };
        assert_eq!(read(&[]), Ok(OperatorListing { client: None, listing }));
    }

    #[test]
    fn all_parameters_are_read() {
        let id = format!("vid_{}", "a".repeat(40));
        let filters =
            [("client", "alice"), ("status", "failed"), ("model", "hailuo"), ("since", "1700000000")];
        let page = [("limit", "100"), ("after", id.as_str()), ("order", "asc")];
        let read = read(&[&filters[..], &page].concat()).unwrap();
        let filter = Filter {
            status: Some(Status::Failed),
            model: Some("hailuo".to_owned()),
            created_after: Some(1_699_999_999),
            unfinished: false,
        };
        let start = Start::After(VideoId::from_stored(id));
        assert_eq!(read.client, Owner::named("alice"));
        assert_eq!(read.listing, Listing { limit: 100, start, oldest_first: true, filter });
    }

    #[test]
    fn an_empty_client_means_videos_without_a_client() {
        assert_eq!(read(&[("client", "")]).map(|read| read.client), Ok(Some(Owner::nobody())));
    }

    #[test]
    fn each_invalid_parameter_is_reported_by_its_name() {
        let errors = read(&[
            ("stauts", "failed"),
            ("client", "a:b"),
            ("since", "yesterday"),
            ("model", "hailuo"),
            ("model", "hailuo"),
            ("created_after", "1"),
            ("after", "vid_x"),
            ("limit", "0"),
        ])
        .unwrap_err();
        let fields: Vec<_> = errors.iter().map(|error| error.field.as_str()).collect();
        assert_eq!(fields, ["stauts", "model", "created_after", "client", "limit", "after", "since"]);
    }
}
