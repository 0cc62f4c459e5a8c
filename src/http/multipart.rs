//! A streaming parser for `multipart/form-data`, without I/O. The bytes are behind a trait: in the Worker they stay in
//! JavaScript's memory, in tests they are vectors.

mod headers;

use thiserror::Error;

use headers::part;
pub use headers::{Part, boundary};

/// Limit for the headers of one part.
const MAX_HEADER_BYTES: usize = 8 * 1024;

/// Limit for white space after a boundary.
const MAX_PADDING: usize = 64;

/// Bytes in any kind of memory.
pub trait Bytes: Sized {
    #[must_use]
    fn of(text: &str) -> Self;
    fn len(&self) -> usize;
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// The first position of the ASCII text `needle` at or after `from`.
    fn find(&self, needle: &str, from: usize) -> Option<usize>;
    /// The bytes from `start` up to, but not including, `end`.
    #[must_use]
    fn slice(&self, start: usize, end: usize) -> Self;
    #[must_use]
    fn joined(&self, next: &Self) -> Self;
    /// A copy of the bytes. Only called for few bytes.
    fn to_vec(&self) -> Vec<u8>;
    /// The bytes as text; `None` if they are not UTF-8.
    fn text(&self) -> Option<String> {
        String::from_utf8(self.to_vec()).ok()
    }
}

/// The next part of a form.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece<B> {
    PartStart(Part),
    /// Bytes of the part's body.
    Data(B),
    PartEnd,
    /// The closing delimiter. Everything after it is ignored.
    End,
}

#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum FormError {
    #[error("the multipart body ends before its closing boundary")]
    Truncated,
    #[error("a part's headers are longer than {MAX_HEADER_BYTES} bytes")]
    Headers,
    #[error("a part has no Content-Disposition: form-data with a name")]
    Disposition,
    #[error("something other than a line break follows a boundary")]
    Delimiter,
}

/// The parser. [`push`](Self::push) the bytes as they arrive, then call [`take`](Self::take) until it returns `None`.
pub struct Demux<B> {
    delimiter: String,
    pending: B,
    state: State,
    /// `pending` was searched up to here for the end of the headers. Without this, a client that sends one byte at a
    /// time would cause a search of all headers for each byte.
    searched: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before the first delimiter.
    Preamble,
    /// Directly after a delimiter.
    Delimiter,
    Headers,
    Body,
    Done,
}

impl<B: Bytes> Demux<B> {
    #[must_use]
    pub fn new(boundary: &str) -> Self {
        // The first delimiter has no line break before it; adding one makes all delimiters equal.
        Self {
            delimiter: format!("\r\n--{boundary}"),
            pending: B::of("\r\n"),
            state: State::Preamble,
            searched: 0,
        }
    }

    pub fn push(&mut self, bytes: &B) {
        self.pending = self.pending.joined(bytes);
    }

    /// The next piece; `None` until more bytes are pushed.
    ///
    /// # Errors
    /// [`FormError`] if the bytes are not a form.
    pub fn take(&mut self) -> Result<Option<Piece<B>>, FormError> {
        loop {
            match self.state {
                State::Preamble => {
                    let Some(at) = self.pending.find(&self.delimiter, 0) else {
                        self.take_all_but_a_possible_delimiter();
                        return Ok(None);
                    };
                    self.skip_to(at + self.delimiter.len(), State::Delimiter);
                }
                State::Delimiter => match self.after_delimiter()? {
                    Some(State::Done) => return Ok(Some(Piece::End)),
                    Some(_) => {}
                    None => return Ok(None),
                },
                State::Headers => return self.headers(),
                State::Body => return Ok(self.body()),
                State::Done => {
                    self.pending = B::of("");
                    return Ok(None);
                }
            }
        }
    }

    /// Checks at the end of the body that the form is complete.
    ///
    /// # Errors
    /// [`FormError::Truncated`] if the closing delimiter is missing.
    pub fn finish(&self) -> Result<(), FormError> {
        if self.state == State::Done { Ok(()) } else { Err(FormError::Truncated) }
    }

    /// `--` ends the form. Padding and a line break start a part.
    fn after_delimiter(&mut self) -> Result<Option<State>, FormError> {
        const END: &str = "\r\n";
        if self.pending.find("--", 0) == Some(0) {
            self.skip_to(2, State::Done);
            return Ok(Some(State::Done));
        }
        match self.pending.find(END, 0) {
            Some(at) if at <= MAX_PADDING => {
                let padding = self.pending.slice(0, at).text().ok_or(FormError::Delimiter)?;
                if !padding.trim_matches([' ', '\t']).is_empty() {
                    return Err(FormError::Delimiter);
                }
                // The line break stays: in a part without headers it belongs to the empty line that ends them.
                self.skip_to(at, State::Headers);
                Ok(Some(State::Headers))
            }
            // The last byte may be the first of the line break.
            None if self.pending.len() < MAX_PADDING + END.len() => Ok(None),
            _ => Err(FormError::Delimiter),
        }
    }

    fn headers(&mut self) -> Result<Option<Piece<B>>, FormError> {
        const END: &str = "\r\n\r\n";
        match self.pending.find(END, self.searched) {
            Some(end) if end <= MAX_HEADER_BYTES => {
                let text = text_of_headers(self.pending.slice(0, end).to_vec());
                self.skip_to(end + END.len(), State::Body);
                Ok(Some(Piece::PartStart(part(&text)?)))
            }
            None if self.pending.len() <= MAX_HEADER_BYTES + END.len() => {
                self.searched = self.pending.len().saturating_sub(END.len() - 1);
                Ok(None)
            }
            _ => Err(FormError::Headers),
        }
    }

    fn body(&mut self) -> Option<Piece<B>> {
        match self.pending.find(&self.delimiter, 0) {
            Some(0) => {
                self.skip_to(self.delimiter.len(), State::Delimiter);
                Some(Piece::PartEnd)
            }
            Some(at) => {
                let data = self.pending.slice(0, at);
                self.skip_to(at, State::Body);
                Some(Piece::Data(data))
            }
            None => self.take_all_but_a_possible_delimiter().map(Piece::Data),
        }
    }

    /// Takes the bytes that cannot belong to a delimiter, whatever follows.
    fn take_all_but_a_possible_delimiter(&mut self) -> Option<B> {
        let keep = self.delimiter.len() - 1;
        let safe = self.pending.len().checked_sub(keep).filter(|safe| *safe > 0)?;
        let data = self.pending.slice(0, safe);
        self.skip_to(safe, self.state);
        Some(data)
    }

    fn skip_to(&mut self, at: usize, state: State) {
        self.pending = self.pending.slice(at, self.pending.len());
        self.state = state;
        self.searched = 0;
    }
}

/// Decodes UTF-8, or else Latin-1, in which every byte is a character.
fn text_of_headers(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| error.into_bytes().into_iter().map(char::from).collect())
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use proptest::prelude::*;

    use super::*;

    thread_local! {
        /// The number of bytes that `find` has searched.
        static SEARCHED_BYTES: Cell<usize> = const { Cell::new(0) };
    }

    impl Bytes for Vec<u8> {
        fn of(text: &str) -> Self {
            text.as_bytes().to_vec()
        }

        fn len(&self) -> usize {
            Self::len(self)
        }

        fn find(&self, needle: &str, from: usize) -> Option<usize> {
            SEARCHED_BYTES.set(SEARCHED_BYTES.get() + self.len() - from);
            let at = self[from..].windows(needle.len()).position(|window| window == needle.as_bytes());
            at.map(|at| from + at)
        }

        fn slice(&self, start: usize, end: usize) -> Self {
            self[start..end].to_vec()
        }

        fn joined(&self, next: &Self) -> Self {
            [self.as_slice(), next].concat()
        }

        fn to_vec(&self) -> Vec<u8> {
            self.clone()
        }
    }

    type Parts = Vec<(Part, Vec<u8>)>;

    /// Parses `body` in chunks of these lengths, repeated as needed.
    fn parse(body: &[u8], lengths: &[usize]) -> Result<Parts, FormError> {
        let mut demux = Demux::<Vec<u8>>::new("B0");
        let mut parts = Vec::new();
        let mut rest = body;
        for length in lengths.iter().cycle() {
            let (chunk, after) = rest.split_at((*length).clamp(1, rest.len().max(1)).min(rest.len()));
            demux.push(&chunk.to_vec());
            rest = after;
            while let Some(piece) = demux.take()? {
                match piece {
                    Piece::PartStart(part) => parts.push((part, Vec::new())),
                    Piece::Data(data) => parts.last_mut().unwrap().1.extend(data),
                    Piece::PartEnd => {}
                    Piece::End => assert_eq!(demux.state, State::Done),
                }
            }
            if rest.is_empty() {
                break;
            }
        }
        demux.finish().map(|()| parts)
    }

    fn form(parts: &Parts) -> Vec<u8> {
        let mut body = Vec::new();
        for (part, data) in parts {
            let filename =
                part.filename.as_ref().map(|name| format!("; filename=\"{name}\"")).unwrap_or_default();
            let head =
                format!("--B0\r\nContent-Disposition: form-data; name=\"{}\"{filename}\r\n\r\n", part.name);
            body.extend(head.as_bytes());
            body.extend(data);
            body.extend(b"\r\n");
        }
        body.extend(b"--B0--\r\n");
        body
    }

    #[test]
    fn incomplete_and_malformed_forms_are_refused() {
        let good = form(&vec![(Part { name: "a".to_owned(), filename: None }, b"1".to_vec())]);
        for length in 0..good.len() - 4 {
            assert_eq!(parse(&good[..length], &[7]), Err(FormError::Truncated), "{length}");
        }
        assert_eq!(parse(b"--B0 x\r\n\r\n", &[100]), Err(FormError::Delimiter));
        assert_eq!(parse(b"--B0\r\n\r\nx", &[100]), Err(FormError::Disposition));
        let long = [b"--B0\r\nX: ".to_vec(), vec![b'y'; 2 * MAX_HEADER_BYTES]].concat();
        assert_eq!(parse(&long, &[1000]), Err(FormError::Headers));
    }

    #[test]
    fn a_file_name_may_be_latin_1() {
        let body = b"--B0\r\nContent-Disposition: form-data; name=\"a\"; filename=\"caf\xe9.png\"\r\n\r\nx\r\n--B0--";
        let part = Part { name: "a".to_owned(), filename: Some("café.png".to_owned()) };
        assert_eq!(parse(body, &[9]), Ok(vec![(part, b"x".to_vec())]));
    }

    #[test]
    fn the_limit_on_padding_does_not_depend_on_the_chunks() {
        let padded = |length: usize| {
            let padding = " ".repeat(length);
            format!("--B0{padding}\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb\r\n--B0--")
                .into_bytes()
        };
        for length in 1..100 {
            assert!(parse(&padded(MAX_PADDING), &[length]).is_ok(), "{length} bytes at once");
            assert_eq!(parse(&padded(MAX_PADDING + 1), &[length]), Err(FormError::Delimiter));
        }
    }

    #[test]
    fn headers_sent_byte_by_byte_are_searched_once() {
        let headers = format!("X: {}\r\nContent-Disposition: form-data; name=\"a\"", "\r".repeat(7000));
        let body = format!("--B0\r\n{headers}\r\n\r\nb\r\n--B0--").into_bytes();
        SEARCHED_BYTES.set(0);
        assert!(parse(&body, &[1]).is_ok());
        let searched = SEARCHED_BYTES.get();
        assert!(searched < 10 * body.len(), "{searched} bytes of {}", body.len());
    }

    proptest! {
        #[test]
        fn any_chunks_give_the_same_form(
            bodies in proptest::collection::vec(proptest::collection::vec(prop_oneof![
                Just(b'\r'), Just(b'\n'), Just(b'-'), Just(b'B'), Just(b'0'), any::<u8>()], 0..200), 0..4),
            lengths in proptest::collection::vec(1_usize..40, 1..6),
        ) {
            let parts: Parts = bodies
                .into_iter()
                .filter(|body| body.find("--B0", 0).is_none())
                .enumerate()
                .map(|(index, body)| {
                    let filename = (index % 2 == 1).then(|| "x.png".to_owned());
                    (Part { name: format!("f{index}"), filename }, body)
                })
                .collect();
            prop_assert_eq!(parse(&form(&parts), &lengths), Ok(parts));
        }

        #[test]
        fn arbitrary_bytes_do_not_panic(body in proptest::collection::vec(any::<u8>(), 0..300), cut in 1_usize..50) {
            let _ = parse(&[b"--B0\r\n".to_vec(), body].concat(), &[cut]);
        }
    }
}
