//! The targets, each a parser and what must be true of whatever it makes of any bytes: a panic is a find.

mod access;
mod bodies;
mod headers;
mod links;
mod upstream;
mod video;

/// What takes the fuzzer's bytes.
pub type Target = fn(&[u8]);

/// By the name of its binary and its corpus.
pub const TARGETS: [(&str, Target); 16] = [
    ("submit_json", bodies::submit_json),
    ("multipart", bodies::multipart),
    ("file_name", bodies::file_name),
    ("range", headers::range),
    ("prefer", headers::prefer),
    ("origin", headers::origin),
    ("path", headers::path),
    ("client_tokens", access::client_tokens),
    ("id", access::id),
    ("grant", access::grant),
    ("siteverify", access::siteverify),
    ("image_url", links::image_url),
    ("callback", upstream::callback),
    ("answer", upstream::answer),
    ("socket", upstream::socket),
    ("mp4", video::mp4),
];

/// Gives the bytes to a target.
pub fn run(name: &str, data: &[u8]) {
    let target = TARGETS.iter().find(|(known, _)| *known == name);
    let (_, target) = target.unwrap_or_else(|| panic!("there is no target {name}"));
    target(data);
}

/// So many lines of text, the last with all that remains; missing ones are empty.
fn lines<const N: usize>(data: &[u8]) -> [String; N] {
    let text = String::from_utf8_lossy(data);
    let mut lines = text.splitn(N, '\n');
    std::array::from_fn(|_| lines.next().unwrap_or_default().to_owned())
}
