"""What Schemathesis is told besides the document: files in requests are pictures."""

import schemathesis
from hypothesis import strategies
from schemathesis.core.file_samples import FILE_SAMPLES
from schemathesis.specs.openapi.formats import Binary

PICTURES = [Binary(FILE_SAMPLES[name]) for name in ("jpg", "png", "webp")]

schemathesis.openapi.format("binary", strategies.sampled_from(PICTURES))
