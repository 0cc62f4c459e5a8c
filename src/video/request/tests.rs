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

const FILE_LINK: &str = "http://127.0.0.1/cat.png";

fn requested(fields: Fields, model: &Capabilities) -> Result<ValidRequest, Vec<FieldError>> {
    let file_url = |id: &str| (id == "file_mine").then(|| FILE_LINK.to_owned());
    let links = Links { parse_url: parse, file_url: &file_url, callback_needs: None };
    super::validate(fields, model, links)
}

fn validate(fields: Fields, model: &Capabilities, _: ParseUrl) -> Result<Input, Vec<FieldError>> {
    requested(fields, model).map(|requested| requested.input)
}

fn bad_fields(body: &Value) -> Vec<String> {
    let errors = validate(fields(body), &hailuo(), parse).unwrap_err();
    errors.into_iter().map(|error| error.field).collect()
}

#[test]
fn missing_fields_get_the_documented_defaults() {
    let input = validate(fields(&json!({ "prompt": "a cat" })), &hailuo(), parse).unwrap();
    assert!(input.prompt_optimizer);
    assert_eq!((input.resolution, input.duration), (Some(Resolution::new("768P")), Some(6)));
    assert_eq!((input.input_image_first, input.input_image_first_url), (None, None));
}

#[test]
fn a_callback_url_is_checked_like_the_url_of_a_frame_and_needs_a_key() {
    let given = |url: &Value| requested(fields(&json!({ "prompt": "a", "callback_url": url })), &hailuo());
    let url = "https://hooks.example.com/a";
    assert_eq!(given(&json!(url)).unwrap().callback_url.as_deref(), Some(url));
    for nothing in [json!(null), json!("")] {
        assert_eq!(given(&nothing).unwrap().callback_url, None);
    }
    for bad in ["http://hooks.example.com/", "https://localhost/", "https://a@hooks.example.com/"] {
        assert_eq!(given(&json!(bad)).unwrap_err().len(), 1, "{bad}");
    }
    let links = Links { parse_url: parse, file_url: &|_| None, callback_needs: Some("needs a key") };
    let body = json!({ "prompt": "a", "callback_url": url });
    let errors = super::validate(fields(&body), &hailuo(), links).unwrap_err();
    assert_eq!(errors, [error("callback_url", "needs a key")]);
    assert!(super::validate(fields(&json!({ "prompt": "a" })), &hailuo(), links).is_ok());
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
fn all_invalid_fields_are_reported() {
    let body = json!({
        "prompt": "", "promptOptimizer": "maybe", "resolution": "4K", "duration": 7,
        "inputImageFirst": "cat.png", "inputImageFirstUrl": "http://example.com/", "seed": 1,
    });
    let mut named = bad_fields(&body);
    named.sort();
    let expected = [
        "duration",
        "inputImageFirst",
        "inputImageFirstUrl",
        "prompt",
        "promptOptimizer",
        "resolution",
        "seed",
    ];
    assert_eq!(named, expected);
}

#[test]
fn conflicting_and_repeated_fields_are_refused() {
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
fn required_fields_depend_on_the_model() {
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
    assert_eq!((input.frame_count(), input.links().count(), input.has_upload()), (2, 2, false));
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
}

#[test]
fn line_breaks_are_normalized_before_counting() {
    let prompt = "a\r\n\tb\rc\u{b}d\u{c}e\u{85}f\n\u{2028}g";
    let input = validate(fields(&json!({ "prompt": prompt })), &hailuo(), parse).unwrap();
    assert_eq!(input.prompt, "a\n\tb\nc\nd\ne\nf\n\u{2028}g");
    let as_a_form_sends_it = format!("{}{}", "a\r\n".repeat(199), "b".repeat(MAX_PROMPT_CHARS - 398));
    assert!(validate(fields(&json!({ "prompt": as_a_form_sends_it })), &hailuo(), parse).is_ok());
}

#[test]
fn a_null_field_gets_the_default() {
    let body = json!({
        "prompt": "a", "promptOptimizer": null, "resolution": null, "duration": null, "inputImageFirst": null,
        "inputImageFirstUrl": null, "model": null, "seconds": null, "size": null, "input_reference": null,
        "metadata": null, "user": null, "n": null,
    });
    assert_eq!(
        validate(fields(&body), &hailuo(), parse),
        validate(fields(&json!({ "prompt": "a" })), &hailuo(), parse)
    );
    assert_eq!(bad_fields(&json!({ "prompt": null })), ["prompt"]);
    assert_eq!(bad_fields(&json!({ "prompt": "a", "seed": null })), ["seed"]);
    let fast = Capabilities { first_frame: Need::Required, ..hailuo() };
    let errors = requested(fields(&json!({ "prompt": "a", "input_reference": null })), &fast).unwrap_err();
    assert_eq!(errors[0].field, FIRST);
}

#[test]
fn openai_field_names_give_the_same_input() {
    let both = |theirs: Value, ours: Value| {
        assert_eq!(
            validate(fields(&theirs), &hailuo(), parse),
            validate(fields(&ours), &hailuo(), parse),
            "{theirs}"
        );
    };
    let link = "https://example.com/a.png";
    both(
        json!({ "prompt": "a", "seconds": "10", "user": "u", "n": 1 }),
        json!({ "prompt": "a", "duration": 10 }),
    );
    both(json!({ "prompt": "a", "size": "1920x1080" }), json!({ "prompt": "a", "resolution": "1080P" }));
    both(json!({ "prompt": "a", "size": "1080p" }), json!({ "prompt": "a", "resolution": "1080P" }));
    let first = json!({ "prompt": "a", "inputImageFirstUrl": link });
    both(json!({ "prompt": "a", "input_reference": { "image_url": link } }), first.clone());
    both(json!({ "prompt": "a", "input_reference": { "image_url": link, "file_id": null } }), first.clone());
    both(json!({ "prompt": "a", "input_reference": format!("{{\"image_url\":\"{link}\"}}") }), first.clone());
    both(json!({ "prompt": "a", "input_reference": link }), first.clone());
    both(json!({ "prompt": "a", "input_reference[image_url]": link }), first.clone());
    both(json!({ "prompt": "a", "input_reference": link, "inputImageFirstUrl": link }), first);
    both(
        json!({ "prompt": "a", "seconds": 6, "duration": "6", "size": "1280x720", "resolution": "768p" }),
        json!({ "prompt": "a" }),
    );
    for file in [
        json!({ "input_reference": { "file_id": "file_mine" } }),
        json!({ "input_reference[file_id]": "file_mine" }),
    ] {
        let mut body = file;
        body["prompt"] = json!("a");
        let input = validate(fields(&body), &hailuo(), parse).unwrap();
        assert_eq!(input.input_image_first_url.as_deref(), Some(FILE_LINK));
    }
}

#[test]
fn two_names_with_different_values_are_refused() {
    let link = "https://example.com/a.png";
    let bad = |body: Value| bad_fields(&body);
    assert_eq!(bad(json!({ "prompt": "a", "duration": 6, "seconds": "10" })), ["seconds"]);
    assert_eq!(bad(json!({ "prompt": "a", "resolution": "768P", "size": "1920x1080" })), ["size"]);
    let other =
        json!({ "prompt": "a", "inputImageFirstUrl": link, "input_reference": { "file_id": "file_mine" } });
    assert_eq!(bad(other), ["input_reference"]);
    let image = Image { content_type: ImageType::Png, size: 1 };
    for names in [[FIRST, REFERENCE], [REFERENCE, FIRST]] {
        let files = names.map(|name| (name.to_owned(), FieldValue::File(image)));
        let mut given = fields(&json!({ "prompt": "a" }));
        given.extend(files);
        assert_eq!(requested(given, &hailuo()).unwrap_err()[0].field, names[1]);
    }
    for wrong in [
        json!("cat"),
        json!({}),
        json!({ "url": link }),
        json!([link]),
        json!({ "file_id": "file_theirs" }),
        json!("{"),
    ] {
        assert_eq!(bad(json!({ "prompt": "a", "input_reference": wrong })), ["input_reference"]);
    }
    for (name, wrong) in
        [("n", json!(2)), ("n", json!("two")), ("size", json!("big")), ("size", json!("4096x2304"))]
    {
        assert_eq!(bad(json!({ "prompt": "a", name: wrong })), [name]);
    }
}

#[test]
fn a_size_that_is_not_landscape_needs_a_first_frame() {
    for size in ["720x1280", "1024x1024"] {
        assert_eq!(bad_fields(&json!({ "prompt": "a", "size": size })), ["size"]);
        let link = "https://example.com/a.png";
        let body = json!({ "prompt": "a", "size": size, "input_reference": { "image_url": link } });
        assert!(validate(fields(&body), &hailuo(), parse).is_ok());
    }
}

#[test]
fn metadata_may_be_an_object_or_single_fields() {
    let metadata = |body: Value| {
        let mut given = fields(&body);
        given.push(("prompt".to_owned(), FieldValue::Json(json!("a"))));
        requested(given, &hailuo()).map(|requested| json!(requested.metadata).to_string())
    };
    let expected = r#"{"a":"1","b":"2"}"#;
    assert_eq!(metadata(json!({ "metadata": { "a": "1", "b": "2" } })).unwrap(), expected);
    assert_eq!(metadata(json!({ "metadata": r#"{"a":"1","b":"2"}"# })).unwrap(), expected);
    assert_eq!(metadata(json!({ "metadata[a]": "1", "metadata[b]": "2" })).unwrap(), expected);
    assert_eq!(metadata(json!({})).unwrap(), "{}");
    for wrong in [json!({ "a": 1 }), json!([]), json!("a"), json!({ "": "x" })] {
        assert_eq!(metadata(json!({ "metadata": wrong })).unwrap_err()[0].field, "metadata");
    }
}

#[test]
fn booleans_may_be_in_any_case() {
    for (text, value) in [("True", true), ("FALSE", false)] {
        let input =
            validate(fields(&json!({ "prompt": "a", "promptOptimizer": text })), &hailuo(), parse).unwrap();
        assert_eq!(input.prompt_optimizer, value);
    }
}

#[test]
fn the_model_must_be_a_string() {
    let named =
        |model: Value| named_model(&fields(&json!({ "model": model }))).map(|name| name.map(str::to_owned));
    assert_eq!(named(json!("hailuo-2.3")), Ok(Some("hailuo-2.3".to_owned())));
    assert_eq!(named(json!(null)), Ok(None));
    assert_eq!(named(json!(3)).unwrap_err().field, MODEL);
    assert_eq!(named_model(&Fields::new()), Ok(None));
}

#[test]
fn image_types_are_detected_by_their_bytes() {
    assert_eq!(ImageType::sniff(b"\xff\xd8\xff\xe0 JFIF"), Some(ImageType::Jpeg));
    assert_eq!(ImageType::sniff(b"\x89PNG\r\n\x1a\nIHDR"), Some(ImageType::Png));
    assert_eq!(ImageType::sniff(b"RIFF\0\0\0\0WEBPVP8 "), Some(ImageType::Webp));
    for other in [&b"GIF89a"[..], b"just text", b"RIFF\0\0\0\0WAVE", b"\x89PNG", b""] {
        assert_eq!(ImageType::sniff(other), None);
    }
}

proptest! {
    #[test]
    fn arbitrary_values_do_not_panic(name in "(prompt|duration|resolution|promptOptimizer|inputImageFirst|inputImageFirstUrl|size|input_reference|metadata|n|.{0,9})", text in ".{0,40}") {
        for value in [json!(text), json!([text]), json!(null), json!(1e300), json!({ "a": text })] {
            let given = vec![(name.clone(), FieldValue::Json(value))];
            if let Err(errors) = validate(given, &hailuo(), parse) {
                prop_assert!(!errors.is_empty());
            }
        }
    }
}
