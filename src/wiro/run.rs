//! Run starts a job and costs money. Its form follows the model's description.

use super::form::{FormBody, FormWriter};
use super::model::{Frame, FrameStyle, ModelDescription};

/// An image for a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Picture {
    /// A URL that Wiro fetches.
    Link(String),
    /// A file that is streamed into the form.
    File { name: String, content_type: String },
}

/// The inputs of a Run. Inputs without a parameter are not sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunRequest {
    pub first_frame: Option<Picture>,
    pub last_frame: Option<Picture>,
    pub prompt: String,
    pub prompt_optimizer: bool,
    pub resolution: Option<String>,
    /// Seconds.
    pub duration: Option<u16>,
    pub callback_url: String,
}

impl RunRequest {
    /// Writes the form, images first, as in Wiro's sample. All values are text.
    ///
    /// `boundary` must be random, so that no caller can write it.
    #[must_use]
    pub fn form(&self, model: &ModelDescription, boundary: &str) -> FormBody {
        let mut form = FormWriter::new(boundary);
        for (frame, picture) in
            [(&model.first_frame, &self.first_frame), (&model.last_frame, &self.last_frame)]
        {
            if let Some(frame) = frame {
                write_picture(&mut form, frame, picture.as_ref());
            }
        }
        if let Some(prompt) = &model.prompt {
            form.text(&prompt.id, &self.prompt);
        }
        if let Some(optimizer) = &model.prompt_optimizer {
            form.text(&optimizer.id, if self.prompt_optimizer { "true" } else { "false" });
        }
        if let (Some(parameter), Some(resolution)) = (&model.resolution, &self.resolution) {
            form.text(&parameter.id, resolution);
        }
        if let (Some(parameter), Some(seconds)) = (&model.duration, self.duration) {
            form.text(&parameter.id, &parameter.duration_text(seconds));
        }
        for (id, value) in &model.defaults {
            form.text(id, value);
        }
        form.text("callbackUrl", &self.callback_url);
        form.finish()
    }
}

/// A `fileinput` always has both fields, one of them empty; a `combinefileinput` has one field for either.
fn write_picture(form: &mut FormWriter, frame: &Frame, picture: Option<&Picture>) {
    let Frame { id, style, .. } = frame;
    match picture {
        Some(Picture::File { name, content_type }) => form.file(id, name, content_type),
        Some(Picture::Link(link)) if *style == FrameStyle::Combined => form.text(id, link),
        _ if *style == FrameStyle::Combined => {}
        _ => form.text(id, ""),
    }
    if *style == FrameStyle::FileAndUrl {
        let link = match picture {
            Some(Picture::Link(link)) => link.as_str(),
            _ => "",
        };
        form.text(&format!("{id}Url"), link);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(first_frame: Option<Picture>, last_frame: Option<Picture>) -> RunRequest {
        RunRequest {
            first_frame,
            last_frame,
            prompt: "a cat".to_owned(),
            prompt_optimizer: true,
            resolution: Some("768P".to_owned()),
            duration: Some(6),
            callback_url: "https://worker.example/hooks/wiro/1/2".to_owned(),
        }
    }

    #[expect(clippy::unnecessary_wraps, reason = "the shape in which it is compared")]
    fn file() -> Option<Picture> {
        Some(Picture::File { name: "image.png".to_owned(), content_type: "image/png".to_owned() })
    }

    #[expect(clippy::unnecessary_wraps, reason = "the shape in which it is compared")]
    fn link(link: &str) -> Option<Picture> {
        Some(Picture::Link(link.to_owned()))
    }

    /// The fields in order: `name=value`, a file as `name<filename`.
    fn fields(request: &RunRequest, model: &ModelDescription) -> Vec<String> {
        let form = request.form(model, "B");
        let files = form.texts.len() - 1;
        let body = form.texts.concat();
        let parts = body.strip_suffix("--B--\r\n").unwrap().split("--B\r\n").skip(1);
        let fields: Vec<String> = parts
            .map(|part| {
                let (head, value) = part.split_once("\r\n\r\n").unwrap();
                let name = head.split("name=\"").nth(1).unwrap().split('"').next().unwrap();
                match head.split_once("filename=\"") {
                    Some((_, rest)) => format!("{name}<{}", rest.split('"').next().unwrap()),
                    None => format!("{name}={}", value.strip_suffix("\r\n").unwrap()),
                }
            })
            .collect();
        assert_eq!(fields.iter().filter(|field| field.contains('<')).count(), files);
        fields
    }

    /// A model, first and last frame, and the fields that they make.
    type Case<'a> = (&'a ModelDescription, Option<Picture>, Option<Picture>, &'a [&'a str]);

    const REST: [&str; 5] = [
        "prompt=a cat",
        "promptOptimizer=true",
        "resolution=768P",
        "duration=6",
        "callbackUrl=https://worker.example/hooks/wiro/1/2",
    ];

    #[test]
    fn the_form_has_exactly_these_bytes() {
        let form = request(file(), None).form(&ModelDescription::built_in("minimax/hailuo-2-3"), "B");
        assert_eq!(form.content_type, "multipart/form-data; boundary=B");
        assert_eq!(
            form.texts[0],
            "--B\r\nContent-Disposition: form-data; name=\"inputImageFirst\"; filename=\"image.png\"\r\n\
             Content-Type: image/png\r\n\r\n"
        );
        let field = |name: &str, value: &str| {
            format!("--B\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
        };
        let rest = [
            field("inputImageFirstUrl", ""),
            field("prompt", "a cat"),
            field("promptOptimizer", "true"),
            field("resolution", "768P"),
            field("duration", "6"),
            field("callbackUrl", "https://worker.example/hooks/wiro/1/2"),
            "--B--\r\n".to_owned(),
        ]
        .concat();
        assert_eq!(form.texts[1], format!("\r\n{rest}"));
        assert_eq!(form.texts.len(), 2);
    }

    #[test]
    fn each_generation_of_parameters_gets_its_images() {
        let frame = |id: &str, style| Some(Frame { id: id.to_owned(), style, required: false });
        let with_frames = |first, last| ModelDescription {
            first_frame: first,
            last_frame: last,
            ..ModelDescription::built_in("minimax/hailuo-2-3")
        };
        let seed = with_frames(frame("inputImageFirst", FrameStyle::FileAndUrl), None);
        let pairs = with_frames(
            frame("inputImage", FrameStyle::FileAndUrl),
            frame("inputImage2", FrameStyle::FileAndUrl),
        );
        let combined = with_frames(
            frame("inputImage", FrameStyle::Combined),
            frame("inputImageLast", FrameStyle::Combined),
        );
        let none = with_frames(None, None);
        let (a, b) = ("https://a.example/1.png", "https://b.example/2.png");
        let cases: [Case; 13] = [
            (&seed, None, None, &["inputImageFirst=", "inputImageFirstUrl="]),
            (&seed, file(), None, &["inputImageFirst<image.png", "inputImageFirstUrl="]),
            (&seed, link(a), None, &["inputImageFirst=", "inputImageFirstUrl=https://a.example/1.png"]),
            (&pairs, None, None, &["inputImage=", "inputImageUrl=", "inputImage2=", "inputImage2Url="]),
            (
                &pairs,
                file(),
                None,
                &["inputImage<image.png", "inputImageUrl=", "inputImage2=", "inputImage2Url="],
            ),
            (
                &pairs,
                link(a),
                link(b),
                &[
                    "inputImage=",
                    "inputImageUrl=https://a.example/1.png",
                    "inputImage2=",
                    "inputImage2Url=https://b.example/2.png",
                ],
            ),
            (
                &pairs,
                file(),
                file(),
                &["inputImage<image.png", "inputImageUrl=", "inputImage2<image.png", "inputImage2Url="],
            ),
            (&combined, None, None, &[]),
            (&combined, file(), None, &["inputImage<image.png"]),
            (&combined, link(a), None, &["inputImage=https://a.example/1.png"]),
            (&combined, file(), file(), &["inputImage<image.png", "inputImageLast<image.png"]),
            (
                &combined,
                link(a),
                link(b),
                &["inputImage=https://a.example/1.png", "inputImageLast=https://b.example/2.png"],
            ),
            (&none, None, None, &[]),
        ];
        for (model, first, last, pictures) in cases {
            let expected: Vec<&str> = pictures.iter().chain(&REST).copied().collect();
            assert_eq!(fields(&request(first, last), model), expected);
        }
    }

    #[test]
    fn inputs_without_a_parameter_are_not_sent() {
        let mut model = ModelDescription::built_in("minimax/hailuo-2-3");
        model.prompt_optimizer = None;
        model.resolution = None;
        model.duration = None;
        model.defaults = vec![("style".to_owned(), "plain".to_owned())];
        let callback = REST[4];
        let expected = ["inputImageFirst=", "inputImageFirstUrl=", "prompt=a cat", "style=plain", callback];
        assert_eq!(fields(&request(None, None), &model), expected);
    }
}
