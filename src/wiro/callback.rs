//! The body of a callback. It is undocumented, so it only hints at a job, in any known shape. Its other claims are
//! never believed: Task/Detail is asked.

use serde_json::Value;

use super::envelope::text;
use super::task::RemoteTaskRef;

/// Longest callback body that is read.
pub const MAX_CALLBACK_BYTES: u32 = 1024 * 1024;

/// The job that a callback names, in Detail's shape, as a bare task, or as a form.
#[must_use]
pub fn hint(body: &[u8]) -> Option<RemoteTaskRef> {
    match serde_json::from_str::<Value>(&String::from_utf8_lossy(body)) {
        Ok(value) => from_json(&value),
        Err(_) => from_form(body),
    }
}

fn from_json(value: &Value) -> Option<RemoteTaskRef> {
    let task = value.get("tasklist").and_then(|list| list.get(0)).unwrap_or(value);
    let task_id = text(task, "taskid").or_else(|| text(task, "id"))?;
    let token = text(task, "socketaccesstoken").or_else(|| text(task, "tasktoken"));
    RemoteTaskRef::plausible(task_id, token)
}

fn from_form(body: &[u8]) -> Option<RemoteTaskRef> {
    let fields: Vec<_> = form_urlencoded::parse(body).collect();
    let field = |name: &str| {
        let found = fields.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.to_string()).filter(|value| !value.is_empty())
    };
    let task_id = field("taskid").or_else(|| field("id"))?;
    RemoteTaskRef::plausible(task_id, field("socketaccesstoken").or_else(|| field("tasktoken")))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_known_format_names_the_job() {
        let named = Some(RemoteTaskRef { task_id: "534574".to_owned(), token: Some("eDcC".to_owned()) });
        for body in [
            r#"{"result":true,"tasklist":[{"id":"534574","socketaccesstoken":"eDcC"}]}"#,
            r#"{"id":534574,"socketaccesstoken":"eDcC","status":"task_postprocess_end"}"#,
            r#"{"taskid":"534574","tasktoken":"eDcC"}"#,
            "taskid=534574&tasktoken=eDcC&status=x",
            "id=534574&socketaccesstoken=eDcC",
        ] {
            assert_eq!(hint(body.as_bytes()), named, "{body}");
        }
        let without_token = hint(br#"{"taskid":"1"}"#);
        assert_eq!(without_token, Some(RemoteTaskRef { task_id: "1".to_owned(), token: None }));
    }

    #[test]
    fn other_bodies_name_no_job() {
        let long = format!(r#"{{"id":"{}"}}"#, "1".repeat(65));
        for body in ["", "null", "[]", "{}", "hello", "\u{0}", r#"{"id":null}"#, r#"{"id":"a/b"}"#, &long] {
            assert_eq!(hint(body.as_bytes()), None, "{body}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bodies_do_not_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = hint(&body);
        }
    }
}
