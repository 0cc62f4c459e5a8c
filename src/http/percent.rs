//! Decodes percent-encoding (RFC 3986) of paths and header parameters.

/// Decodes a text. A percent sign without two hexadecimal digits after it stays as it is.
#[must_use]
pub fn decode(text: &str) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        let digits = after.split_first_chunk::<2>().filter(|_| byte == b'%');
        let escaped = digits.and_then(|(digits, after)| Some((byte_of(*digits)?, after)));
        match escaped {
            Some((byte, after)) => {
                decoded.push(byte);
                rest = after;
            }
            None => decoded.push(byte),
        }
    }
    decoded
}

/// Decodes a query parameter, in which a plus sign is a space. Bytes that are not UTF-8 are replaced.
#[must_use]
pub fn decode_query(text: &str) -> String {
    String::from_utf8_lossy(&decode(&text.replace('+', " "))).into_owned()
}

/// Escapes all bytes except ASCII letters, digits and `-`.
#[must_use]
pub fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || byte == b'-' {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            encoded.push_str(&hex::encode_upper([byte]));
        }
    }
    encoded
}

fn byte_of(digits: [u8; 2]) -> Option<u8> {
    let [high, low] = digits.map(|digit| char::from(digit).to_digit(16));
    u8::try_from(high? * 16 + low?).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn valid_escapes_are_decoded_and_all_else_is_unchanged() {
        assert_eq!(decode("%E7%8C%ab.png"), "猫.png".as_bytes());
        for text in ["", "%", "%4", "%zz", "100%", "a+b", "%+1"] {
            assert_eq!(decode(text), text.as_bytes(), "{text}");
        }
        assert_eq!(decode("%%41"), b"%A");
    }

    #[test]
    fn a_plus_sign_in_a_query_is_a_space() {
        assert_eq!(decode_query("a+b%2Bc%40%ff"), "a b+c@\u{fffd}");
    }

    #[test]
    fn escapes_use_capital_letters() {
        assert_eq!(encode("紙-boat 1"), "%E7%B4%99-boat%201");
    }

    proptest! {
        #[test]
        fn decoding_an_encoded_text_returns_it(text in ".{0,40}") {
            prop_assert!(encode(&text).bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-%".contains(&byte)));
            prop_assert_eq!(decode(&encode(&text)), text.as_bytes());
        }

        #[test]
        fn arbitrary_text_does_not_panic(text in ".{0,40}") {
            prop_assert!(decode(&text).len() <= text.len());
        }
    }
}
