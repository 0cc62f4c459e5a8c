"""What Schemathesis is told besides the document."""

import schemathesis
from hypothesis import strategies
from schemathesis.core.file_samples import FILE_SAMPLES
from schemathesis.specs.openapi.formats import Binary

FORM = "multipart/form-data"
PICTURES = [Binary(FILE_SAMPLES[name]) for name in ("jpg", "png", "webp")]

# Files in requests are pictures.
schemathesis.openapi.format("binary", strategies.sampled_from(PICTURES))


@schemathesis.hook
def filter_case(context, case):
    """A form cannot say null: it would be the text "null", which is as good as any other."""
    is_form = case.media_type == FORM and isinstance(case.body, dict)
    return not (is_form and None in case.body.values())
