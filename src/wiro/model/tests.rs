use proptest::prelude::*;
use serde_json::json;

use super::*;

const SEED: &str = "minimax/hailuo-2-3";

fn answer(tool: &Value) -> HttpResponse {
    let body = json!({ "result": true, "errors": [], "tool": tool }).to_string();
    HttpResponse { status: 200, retry_after_seconds: None, body: Some(body) }
}

fn read(slug: &str, tool: &Value) -> Result<ModelDescription, Refusal> {
    ModelDescription::read(slug, &answer(tool), &ModelDescription::built_in(slug), 1000)
}

fn item(id: &str, kind: &str, required: bool, default: &str, options: &[&str]) -> Value {
    let options: Vec<Value> = options.iter().map(|value| json!({ "value": value, "text": value })).collect();
    json!({
        "id": id, "type": kind, "required": required, "defaultvalue": default, "options": options, "label": id,
    })
}

/// A model with these parameters besides a prompt.
fn described(items: &[Value]) -> ModelDescription {
    let mut items = items.to_vec();
    items.push(item("prompt", "textarea", false, "", &[]));
    read(SEED, &json!([{ "parameters": [{ "title": "", "items": items }] }])).unwrap()
}

#[expect(clippy::unnecessary_wraps, reason = "the shape in which it is compared")]
fn frame(id: &str, style: FrameStyle, required: bool) -> Option<Frame> {
    Some(Frame { id: id.to_owned(), style, required })
}

#[test]
fn a_slug_has_one_canonical_spelling() {
    for slug in ["MiniMax/hailuo-2.3", "minimax/hailuo-2-3", "minimax/Hailuo 2.3"] {
        assert_eq!(canonical_slug(slug), SEED);
        assert_eq!(tool_body(slug), r#"{"slugowner":"minimax","slugproject":"hailuo-2-3"}"#);
    }
}

#[test]
fn built_in_descriptions_exist_for_the_hailuo_family() {
    let frames = |slug: &str| {
        let model = ModelDescription::built_in(slug);
        assert_eq!((model.source, model.read_at), (Source::BuiltIn, None));
        (model.first_frame, model.last_frame)
    };
    assert_eq!(frames("MiniMax/hailuo-2.3"), (frame("inputImageFirst", FrameStyle::FileAndUrl, false), None));
    assert_eq!(frames("minimax/hailuo-2-3-fast"), (frame("inputImage", FrameStyle::Combined, true), None));
    assert_eq!(
        frames("MiniMax/image-to-video-hailuo-02"),
        (
            frame("inputImage", FrameStyle::FileAndUrl, true),
            frame("inputImage2", FrameStyle::FileAndUrl, false)
        )
    );
    assert_eq!(frames("MiniMax/text-to-video-hailuo-02"), (None, None));
    assert_eq!(frames("MiniMax/text-to-video-hailuo-01-director"), (None, None));
    assert_eq!(
        frames("MiniMax/image-to-video-hailuo-01-live"),
        (frame("inputImage", FrameStyle::FileAndUrl, true), None)
    );
    let seed = ModelDescription::built_in(SEED);
    assert_eq!(
        (seed.resolutions(), seed.durations()),
        (vec!["768P".to_owned(), "1080P".to_owned()], vec![6, 10])
    );
}

#[test]
fn each_generation_of_parameters_is_recognized() {
    for (items, first, last) in [
        (
            vec![
                item("inputImageFirst", "fileinput", false, "", &[]),
                item("inputImageFirstUrl", "text", false, "", &[]),
            ],
            frame("inputImageFirst", FrameStyle::FileAndUrl, false),
            None,
        ),
        (
            vec![
                item("inputImage2", "fileinput", false, "", &[]),
                item("inputImage", "fileinput", true, "", &[]),
            ],
            frame("inputImage", FrameStyle::FileAndUrl, true),
            frame("inputImage2", FrameStyle::FileAndUrl, false),
        ),
        (
            vec![
                item("inputImage", "combinefileinput", true, "", &[]),
                item("inputImageLast", "combinefileinput", false, "", &[]),
            ],
            frame("inputImage", FrameStyle::Combined, true),
            frame("inputImageLast", FrameStyle::Combined, false),
        ),
        (
            vec![item("inputImageUrl", "text", true, "", &[])],
            frame("inputImage", FrameStyle::FileAndUrl, true),
            None,
        ),
        (
            vec![item("inputImageStart", "multifileinput", false, "", &[])],
            frame("inputImageStart", FrameStyle::FileAndUrl, false),
            None,
        ),
        (vec![item("inputAudio", "fileinput", false, "", &[])], None, None),
    ] {
        let model = described(&items);
        assert_eq!((model.first_frame, model.last_frame), (first, last), "{items:?}");
        assert_eq!(model.not_understood, Vec::<String>::new());
        assert_eq!((model.source, model.read_at), (Source::Wiro, Some(1000)));
    }
}

#[test]
fn options_and_defaults_come_from_wiro() {
    let model = described(&[
        item("resolution", "select", true, "1080P", &["768P", "1080P"]),
        item("duration", "select", true, "10s", &["6s", "10s"]),
    ]);
    assert_eq!(model.resolutions(), ["1080P", "768P"]);
    assert_eq!(model.durations(), [10, 6]);
    assert_eq!(model.duration.unwrap().duration_text(6), "6s");
    assert!(!model.prompt.unwrap().required);
    assert!(model.prompt_optimizer.is_none());

    let number =
        json!({ "id": "duration", "type": "number", "min": "2", "max": 8, "step": 2, "default": "4" });
    assert_eq!(described(&[number]).durations(), [4, 2, 6, 8]);
    let endless = described(&[item("duration", "number", true, "5", &[])]);
    assert_eq!((endless.durations().len(), endless.durations()[0]), (60, 5));
}

#[test]
fn a_required_parameter_that_is_unsupported_is_named() {
    let model = described(&[
        item("style", "select", true, "plain", &["plain", "wild"]),
        item("voice", "text", true, "", &[]),
        item("inputAudio", "fileinput", true, "a.mp3", &[]),
        item("seed", "number", false, "", &[]),
        item("callbackUrl", "text", true, "", &[]),
    ]);
    assert_eq!(model.defaults, [("style".to_owned(), "plain".to_owned())]);
    assert_eq!(model.not_understood, ["voice", "inputAudio"]);
}

#[test]
fn missing_values_keep_the_known_ones() {
    let prices = json!([{ "inputs": {}, "price": 0.1 }]);
    let known = ModelDescription { prices: "[]".to_owned(), ..ModelDescription::built_in(SEED) };
    for tool in [
        json!([{ "dynamicprice": prices.to_string() }]),
        json!({ "dynamicprice": prices }),
        json!([{ "dynamicprice": prices, "parameters": [] }]),
        json!([{ "dynamicprice": prices, "parameters": "later" }]),
        json!([{ "dynamicprice": prices, "parameters": [{ "title": "", "items": [{ "id": "voice" }] }] }]),
    ] {
        let read = ModelDescription::read(SEED, &answer(&tool), &known, 1000).unwrap();
        assert_eq!(
            read,
            ModelDescription { prices: prices.to_string(), read_at: Some(1000), ..known.clone() },
            "{tool}"
        );
    }
    let items = json!([{ "items": [item("prompt", "textarea", true, "", &[])] }]);
    for parameters in [items.clone(), json!(items.to_string())] {
        let read =
            ModelDescription::read(SEED, &answer(&json!([{ "parameters": parameters }])), &known, 1000);
        assert_eq!(read.unwrap().prices, "[]");
    }
    for nothing in [
        json!(null),
        json!([]),
        json!([{}]),
        json!([{ "parameters": null, "dynamicprice": null }]),
        json!([{ "parameters": [7, null], "dynamicprice": "x" }]),
        json!([{ "dynamicprice": "[]", "slugowner": "minimax", "slugproject": "hailuo-02" }]),
    ] {
        assert!(read(SEED, &nothing).is_err(), "{nothing}");
    }
    let refused = r#"{"result":false,"errors":[{"code":1,"message":"tool-not-accessible"}]}"#;
    let http = HttpResponse { status: 200, retry_after_seconds: None, body: Some(refused.to_owned()) };
    assert!(ModelDescription::read(SEED, &http, &known, 1000).is_err());
}

#[test]
fn a_description_is_stored_as_json() {
    let model = described(&[item("inputImage", "combinefileinput", true, "", &[])]);
    let text = serde_json::to_string(&model).unwrap();
    assert_eq!(serde_json::from_str::<ModelDescription>(&text).unwrap(), model);
    assert!(text.contains(r#""style":"combined""#));
}

proptest! {
    #[test]
    fn arbitrary_descriptions_do_not_panic(
        id in "(inputImage|inputImageFirst|prompt|duration|.{0,9})", kind in "(fileinput|number|.{0,9})",
        bound in ".{0,6}", value in ".{0,9}",
    ) {
        let item = json!({
            "id": id, "type": kind, "min": bound, "max": bound, "step": bound, "options": [{ "value": value }],
            "default": value, "required": value,
        });
        for parameters in [json!([{ "items": [item] }]), json!([item]), json!(value), json!({ "items": value })] {
            if let Ok(model) = read(SEED, &json!([{ "parameters": parameters, "dynamicprice": value }])) {
                let _ = (model.resolutions(), model.durations());
            }
        }
    }
}
