use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::video::links::url::native::parse;
use crate::video::model::tests::hailuo;

fn fields(body: &Value) -> Fields {
    let object = body.as_object().unwrap().clone();
    object.into_iter().map(|(name, value)| (name, FieldValue::Json(value))).collect()
}

const NOTHING: [&str; 0] = [];

fn bad_fields(body: &Value) -> Vec<String> {
    let errors = validate(fields(body), &hailuo(), parse).unwrap_err();
    errors.into_iter().map(|error| error.field).collect()
}

#[test]
fn defaults_are_the_contracts() {
    let input = validate(fields(&json!({ "prompt": "a cat" })), &hailuo(), parse).unwrap();
    assert!(input.prompt_optimizer);
    assert_eq!((input.resolution, input.duration), (Some(Resolution::new("768P")), Some(6)));
    assert_eq!((input.input_image_first, input.input_image_first_url), (None, None));
}

#[test]
fn booleans_and_numbers_may_be_strings() {
    let input = validate(
        fields(&json!({
            "prompt": "a", "promptOptimizer": "false", "duration": "10", "resolution": "768P",
            "inputImageFirst": "", "inputImageFirstUrl": "",
        })),
        &hailuo(),
        parse,
    )
    .unwrap();
    assert_eq!((input.prompt_optimizer, input.duration), (false, Some(10)));
    let input = validate(fields(&json!({ "prompt": "a", "duration": 10.0 })), &hailuo(), parse).unwrap();
    assert_eq!(input.duration, Some(10));
}

#[test]
fn every_bad_field_is_named_at_once() {
    let body = json!({
        "prompt": "", "promptOptimizer": "maybe", "resolution": "4K", "duration": 7,
        "inputImageFirst": "cat.png", "inputImageFirstUrl": "http://example.com/", "seed": 1,
    });
    let mut named = bad_fields(&body);
    named.sort();
    let mut expected: Vec<String> = field_names(&hailuo()).into_iter().map(str::to_owned).collect();
    expected.push("seed".to_owned());
    expected.sort();
    assert_eq!(named, expected);
}

#[test]
fn rules_between_fields() {
    let long = json!({ "prompt": "a", "resolution": "1080P", "duration": 10 });
    assert_eq!(bad_fields(&long), ["duration"]);
    let image = Image { content_type: ImageType::Png, size: 1 };
    let both = vec![
        ("prompt".to_owned(), FieldValue::Json(json!("a"))),
        (FIRST.to_owned(), FieldValue::File(image)),
        (FIRST_URL.to_owned(), FieldValue::Json(json!("https://example.com/a.png"))),
    ];
    assert_eq!(validate(both, &hailuo(), parse).unwrap_err()[0].field, FIRST_URL);
    let twice = vec![
        ("prompt".to_owned(), FieldValue::Json(json!("a"))),
        ("prompt".to_owned(), FieldValue::Json(json!("b"))),
    ];
    assert_eq!(validate(twice, &hailuo(), parse).unwrap_err(), [error("prompt", "is given more than once")]);
    assert_eq!(bad_fields(&json!({})), ["prompt"]);
}

#[test]
fn the_model_says_what_is_needed() {
    let link = "https://example.com/a.png";
    let fast = Capabilities { prompt: Need::Optional, first_frame: Need::Required, ..hailuo() };
    let bad = |model: &Capabilities, body: Value| -> Vec<String> {
        let errors = validate(fields(&body), model, parse).err().unwrap_or_default();
        errors.into_iter().map(|error| error.field).collect()
    };
    assert_eq!(bad(&fast, json!({ "prompt": "a" })), [FIRST]);
    assert_eq!(bad(&fast, json!({ "inputImageFirstUrl": link })), NOTHING);
    assert_eq!(bad(&fast, json!({ "inputImageFirstUrl": link, "prompt": "" })), NOTHING);
    let optional = Capabilities { prompt: Need::Optional, ..hailuo() };
    assert_eq!(bad(&optional, json!({})), ["prompt"]);
    let text_only = Capabilities { first_frame: Need::None, ..hailuo() };
    assert_eq!(bad(&text_only, json!({ "prompt": "a", "inputImageFirstUrl": link })), [FIRST_URL]);
    assert_eq!(bad(&text_only, json!({ "prompt": "a", "inputImageFirstUrl": "" })), NOTHING);
    assert_eq!(bad(&hailuo(), json!({ "prompt": "a", "inputImageLastUrl": link })), [LAST_URL]);
    let both = Capabilities { last_frame: Need::Optional, ..hailuo() };
    let given = json!({ "prompt": "a", "inputImageFirstUrl": link, "inputImageLastUrl": link });
    let input = validate(fields(&given), &both, parse).unwrap();
    assert_eq!((input.pictures(), input.links().count(), input.has_upload()), (2, 2, false));
    let none = Capabilities { resolutions: vec![], durations: vec![], ..hailuo() };
    let input = validate(fields(&json!({ "prompt": "a" })), &none, parse).unwrap();
    assert_eq!((input.resolution, input.duration), (None, None));
    assert_eq!(bad(&none, json!({ "prompt": "a", "duration": 6 })), ["duration"]);
}

#[test]
fn prompts_are_counted_in_characters() {
    let longest = json!({ "prompt": "é".repeat(MAX_PROMPT_CHARS) });
    assert!(validate(fields(&longest), &hailuo(), parse).is_ok());
    let longer = json!({ "prompt": "é".repeat(MAX_PROMPT_CHARS + 1) });
    let errors = validate(fields(&longer), &hailuo(), parse).unwrap_err();
    assert_eq!(errors, [error("prompt", "has 2001 characters; the limit is 2000")]);
    assert_eq!(bad_fields(&json!({ "prompt": " \n" })), ["prompt"]);
    assert_eq!(bad_fields(&json!({ "prompt": "a\u{0}b" })), ["prompt"]);
    assert!(validate(fields(&json!({ "prompt": "a\r\n\tb" })), &hailuo(), parse).is_ok());
}

#[test]
fn images_are_known_by_their_bytes() {
    assert_eq!(ImageType::sniff(b"\xff\xd8\xff\xe0 JFIF"), Some(ImageType::Jpeg));
    assert_eq!(ImageType::sniff(b"\x89PNG\r\n\x1a\nIHDR"), Some(ImageType::Png));
    assert_eq!(ImageType::sniff(b"RIFF\0\0\0\0WEBPVP8 "), Some(ImageType::Webp));
    for other in [&b"GIF89a"[..], b"just text", b"RIFF\0\0\0\0WAVE", b"\x89PNG", b""] {
        assert_eq!(ImageType::sniff(other), None);
    }
}

proptest! {
    #[test]
    fn no_value_panics(name in "(prompt|duration|resolution|promptOptimizer|inputImageFirst|inputImageFirstUrl|.{0,9})", text in ".{0,40}") {
        for value in [json!(text), json!([text]), json!(null), json!(1e300), json!({ "a": text })] {
            let given = vec![(name.clone(), FieldValue::Json(value))];
            if let Err(errors) = validate(given, &hailuo(), parse) {
                prop_assert!(!errors.is_empty());
            }
        }
    }
}
