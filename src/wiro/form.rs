//! Writes `multipart/form-data` for Wiro.

/// A form with files. The bytes of each file belong between two of the `texts`, so there is one more text than files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormBody {
    pub content_type: String,
    pub texts: Vec<String>,
}

/// Writes a form, field by field.
pub(super) struct FormWriter<'a> {
    boundary: &'a str,
    texts: Vec<String>,
}

impl<'a> FormWriter<'a> {
    /// `boundary` must be random, so that no caller can write it.
    pub(super) fn new(boundary: &'a str) -> Self {
        Self { boundary, texts: vec![String::new()] }
    }

    pub(super) fn text(&mut self, name: &str, value: &str) {
        let boundary = self.boundary;
        self.write(&format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
        ));
    }

    /// A file, whose bytes are sent later. Quotes and line breaks in its name are escaped as browsers do it.
    pub(super) fn file(&mut self, name: &str, filename: &str, content_type: &str) {
        let boundary = self.boundary;
        let filename = filename.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A");
        self.write(&format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{filename}\"\r\n\
             Content-Type: {content_type}\r\n\r\n"
        ));
        self.texts.push("\r\n".to_owned());
    }

    pub(super) fn finish(mut self) -> FormBody {
        let end = format!("--{}--\r\n", self.boundary);
        self.write(&end);
        FormBody {
            content_type: format!("multipart/form-data; boundary={}", self.boundary),
            texts: self.texts,
        }
    }

    fn write(&mut self, text: &str) {
        if let Some(last) = self.texts.last_mut() {
            last.push_str(text);
        }
    }
}
