//! `multipart/form-data` as Wiro is sent it.

/// A body around a file: its bytes go between `head` and `tail`. Without a file the body is `head` and
/// `tail` joined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormBody {
    pub content_type: String,
    pub head: String,
    pub tail: String,
}

impl FormBody {
    /// `boundary` must be random: nothing a caller can write may contain it.
    pub(super) fn new(boundary: &str, head: String, tail: &str) -> Self {
        Self {
            content_type: format!("multipart/form-data; boundary={boundary}"),
            head,
            tail: format!("{tail}--{boundary}--\r\n"),
        }
    }
}

/// A text field.
pub(super) fn field(boundary: &str, name: &str, value: &str) -> String {
    format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
}

/// What comes before a file's bytes. Quotes and line breaks in its name are written as browsers write them.
pub(super) fn file_head(boundary: &str, name: &str, filename: &str, content_type: &str) -> String {
    let filename = filename.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A");
    format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{filename}\"\r\n\
         Content-Type: {content_type}\r\n\r\n"
    )
}

/// What comes between a file's bytes and the next boundary.
pub(super) const FILE_END: &str = "\r\n";
