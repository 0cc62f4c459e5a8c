//! The router. It converts method and path to a [`Route`], without I/O.

/// The endpoint of a request. Ids and proofs are not verified yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route<'a> {
    Health,
    Submit,
    Upload,
    List,
    Usage,
    /// The Model Context Protocol.
    Mcp,
    Models,
    /// The name may be percent-encoded.
    Model {
        name: &'a str,
    },
    /// An endpoint of OpenAI's API that this API does not have.
    Unsupported,
    Status {
        id: &'a str,
    },
    Delete {
        id: &'a str,
    },
    Content {
        id: &'a str,
    },
    Events {
        id: &'a str,
    },
    Cancel {
        id: &'a str,
    },
    Deliveries {
        id: &'a str,
    },
    WiroCallback {
        id: &'a str,
        proof: &'a str,
    },
    /// The operator's list of the videos of all owners.
    ListAll,
    OperatorUsage,
    Inspect {
        id: &'a str,
    },
    OperatorContent {
        id: &'a str,
    },
    TestWebhook,
    /// What the operator does to one video.
    ActOnOne {
        action: Action,
        id: &'a str,
    },
    /// What the operator does to all videos that a filter selects.
    ActOnMany {
        action: Action,
    },
    ListClients,
    CreateClient,
    /// Names of clients may be percent-encoded.
    ChangeClient {
        name: &'a str,
    },
    RemoveClient {
        name: &'a str,
    },
    RotateClient {
        name: &'a str,
    },
    Pause,
    Resume,
}

impl Route<'_> {
    /// Whether its answer depends on the clients.
    #[must_use]
    pub const fn needs_clients(&self) -> bool {
        matches!(
            self,
            Self::Health
                | Self::Submit
                | Self::Upload
                | Self::List
                | Self::Usage
                | Self::Mcp
                | Self::Models
                | Self::Model { .. }
                | Self::Status { .. }
                | Self::Delete { .. }
                | Self::Content { .. }
                | Self::Events { .. }
                | Self::Cancel { .. }
                | Self::Deliveries { .. }
        )
    }
}

/// What an operator can do to a video.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Cancel,
    Delete,
    Redrive,
    Release,
}

impl Action {
    /// The action at the end of a path.
    fn named(name: &str) -> Option<Self> {
        match name {
            "cancel" => Some(Self::Cancel),
            "redrive" => Some(Self::Redrive),
            "release" => Some(Self::Release),
            _ => None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoRoute {
    NotFound,
    /// The path exists, with these methods.
    MethodNotAllowed {
        allow: &'static str,
    },
}

/// Finds the endpoint. `path` is percent-encoded, as in the URL.
///
/// # Errors
/// [`NoRoute`].
pub fn route<'a>(method: &str, path: &'a str) -> Result<Route<'a>, NoRoute> {
    if path.contains("//") || (path.len() > 1 && path.ends_with('/')) {
        return Err(NoRoute::NotFound);
    }
    let (route, allow) = match path.strip_prefix('/').unwrap_or(path).split('/').collect::<Vec<_>>()[..] {
        ["health"] => (Route::Health, READ),
        ["mcp"] => (Route::Mcp, "POST"),
        ["v1", "files"] => (Route::Upload, "POST"),
        ["v1", "usage"] => (Route::Usage, READ),
        ["v1", "models"] => (Route::Models, READ),
        ["v1", "models", name] => (Route::Model { name }, READ),
        // `owner/project` without percent-encoding.
        ["v1", "models", _, _] => (Route::Model { name: path.get(MODELS.len()..).unwrap_or_default() }, READ),
        ["v1", "videos"] if is_read(method) => (Route::List, "GET, HEAD, POST"),
        ["v1", "videos"] => (Route::Submit, "GET, HEAD, POST"),
        ["v1", "videos", "edits" | "extensions" | "characters"] if method == "POST" => {
            (Route::Unsupported, "POST")
        }
        ["v1", "videos", "characters", _] => (Route::Unsupported, READ),
        ["v1", "videos", _, "remix"] => (Route::Unsupported, "POST"),
        ["v1", "videos", id] if method == "DELETE" => (Route::Delete { id }, "GET, HEAD, DELETE"),
        ["v1", "videos", id] => (Route::Status { id }, "GET, HEAD, DELETE"),
        ["v1", "videos", id, "content"] => (Route::Content { id }, READ),
        ["v1", "videos", id, "events"] => (Route::Events { id }, READ),
        ["v1", "videos", id, "cancel"] => (Route::Cancel { id }, "POST"),
        ["v1", "videos", id, "deliveries"] => (Route::Deliveries { id }, READ),
        ["operator", "usage"] => (Route::OperatorUsage, READ),
        ["operator", "videos"] if method == "DELETE" => {
            (Route::ActOnMany { action: Action::Delete }, "GET, HEAD, DELETE")
        }
        ["operator", "videos"] => (Route::ListAll, "GET, HEAD, DELETE"),
        ["operator", "videos", name] if let Some(action) = Action::named(name) => {
            (Route::ActOnMany { action }, "POST")
        }
        ["operator", "videos", id] if method == "DELETE" => {
            (Route::ActOnOne { action: Action::Delete, id }, "GET, HEAD, DELETE")
        }
        ["operator", "videos", id] => (Route::Inspect { id }, "GET, HEAD, DELETE"),
        ["operator", "videos", id, "content"] => (Route::OperatorContent { id }, READ),
        ["operator", "videos", id, name] => match Action::named(name) {
            Some(action) => (Route::ActOnOne { action, id }, "POST"),
            None => return Err(NoRoute::NotFound),
        },
        ["operator", "webhook-test"] => (Route::TestWebhook, "POST"),
        ["operator", "clients"] if is_read(method) => (Route::ListClients, "GET, HEAD, POST"),
        ["operator", "clients"] => (Route::CreateClient, "GET, HEAD, POST"),
        ["operator", "clients", name] if method == "DELETE" => {
            (Route::RemoveClient { name }, "DELETE, PATCH")
        }
        ["operator", "clients", name] => (Route::ChangeClient { name }, "DELETE, PATCH"),
        ["operator", "clients", name, "rotate"] => (Route::RotateClient { name }, "POST"),
        ["operator", "pause"] => (Route::Pause, "POST"),
        ["operator", "resume"] => (Route::Resume, "POST"),
        ["hooks", "wiro", id, proof] => (Route::WiroCallback { id, proof }, "POST"),
        _ => return Err(NoRoute::NotFound),
    };
    if allow.split(", ").any(|allowed| allowed == method) {
        Ok(route)
    } else {
        Err(NoRoute::MethodNotAllowed { allow })
    }
}

/// All endpoints with GET have HEAD too.
const READ: &str = "GET, HEAD";

const MODELS: &str = "/v1/models/";

fn is_read(method: &str) -> bool {
    matches!(method, "GET" | "HEAD")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_endpoint_has_a_route() {
        assert_eq!(route("GET", "/health"), Ok(Route::Health));
        assert_eq!(route("POST", "/v1/videos"), Ok(Route::Submit));
        assert_eq!(route("POST", "/mcp"), Ok(Route::Mcp));
        assert_eq!(route("GET", "/mcp"), Err(NoRoute::MethodNotAllowed { allow: "POST" }));
        assert_eq!(route("POST", "/v1/files"), Ok(Route::Upload));
        assert_eq!(route("GET", "/v1/files"), Err(NoRoute::MethodNotAllowed { allow: "POST" }));
        assert_eq!(route("GET", "/v1/videos"), Ok(Route::List));
        assert_eq!(route("GET", "/v1/usage"), Ok(Route::Usage));
        assert_eq!(route("POST", "/v1/usage"), Err(NoRoute::MethodNotAllowed { allow: "GET, HEAD" }));
        assert_eq!(route("GET", "/v1/videos/a"), Ok(Route::Status { id: "a" }));
        assert_eq!(route("HEAD", "/v1/videos/a/content"), Ok(Route::Content { id: "a" }));
        assert_eq!(route("HEAD", "/v1/videos"), Ok(Route::List));
        assert_eq!(route("HEAD", "/v1/videos/a"), Ok(Route::Status { id: "a" }));
        assert_eq!(route("GET", "/v1/models"), Ok(Route::Models));
        assert_eq!(route("GET", "/v1/models/a%2Fb"), Ok(Route::Model { name: "a%2Fb" }));
        assert_eq!(route("GET", "/v1/models/a/b"), Ok(Route::Model { name: "a/b" }));
        for path in ["/v1/videos/edits", "/v1/videos/characters", "/v1/videos/a/remix"] {
            assert_eq!(route("POST", path), Ok(Route::Unsupported), "{path}");
        }
        assert_eq!(route("GET", "/v1/videos/characters/a"), Ok(Route::Unsupported));
        assert_eq!(route("POST", "/hooks/wiro/a/b"), Ok(Route::WiroCallback { id: "a", proof: "b" }));
        assert_eq!(route("DELETE", "/v1/videos/a"), Ok(Route::Delete { id: "a" }));
        assert_eq!(
            route("PUT", "/v1/videos/a"),
            Err(NoRoute::MethodNotAllowed { allow: "GET, HEAD, DELETE" })
        );
        assert_eq!(route("GET", "/v1/videos/a/events"), Ok(Route::Events { id: "a" }));
        assert_eq!(route("POST", "/v1/videos/a/cancel"), Ok(Route::Cancel { id: "a" }));
        assert_eq!(route("GET", "/v1/videos/a/deliveries"), Ok(Route::Deliveries { id: "a" }));
        assert_eq!(route("GET", "/operator/usage"), Ok(Route::OperatorUsage));
        assert_eq!(route("GET", "/operator/videos"), Ok(Route::ListAll));
        assert_eq!(route("GET", "/operator/videos/a"), Ok(Route::Inspect { id: "a" }));
        let content = Route::OperatorContent { id: "a" };
        assert_eq!(route("GET", "/operator/videos/a/content"), Ok(content));
        for (name, action) in
            [("cancel", Action::Cancel), ("redrive", Action::Redrive), ("release", Action::Release)]
        {
            let path = format!("/operator/videos/a/{name}");
            assert_eq!(route("POST", &path), Ok(Route::ActOnOne { action, id: "a" }));
            let path = format!("/operator/videos/{name}");
            assert_eq!(route("POST", &path), Ok(Route::ActOnMany { action }));
            assert_eq!(route("GET", &path), Err(NoRoute::MethodNotAllowed { allow: "POST" }));
        }
        let action = Action::Delete;
        assert_eq!(route("DELETE", "/operator/videos/a"), Ok(Route::ActOnOne { action, id: "a" }));
        assert_eq!(route("DELETE", "/operator/videos"), Ok(Route::ActOnMany { action }));
        let rotate = Route::RotateClient { name: "a%2Fb" };
        assert_eq!(route("POST", "/operator/clients/a%2Fb/rotate"), Ok(rotate));
        assert_eq!(route("POST", "/operator/webhook-test"), Ok(Route::TestWebhook));
        let allow = "GET, HEAD";
        assert_eq!(route("PUT", "/v1/videos/a/content"), Err(NoRoute::MethodNotAllowed { allow }));
        assert_eq!(route("GET", "/hooks/wiro/a/b"), Err(NoRoute::MethodNotAllowed { allow: "POST" }));
    }

    #[test]
    fn similar_paths_are_not_found() {
        for path in [
            "",
            "/",
            "//health",
            "/health/",
            "/Health",
            "/v1",
            "/v1/videos/",
            "/v1/videos//content",
            "/v1/videos/a/content/",
            "/v1/videos/a/b",
        ] {
            assert_eq!(route("GET", path), Err(NoRoute::NotFound), "{path}");
        }
    }
}
