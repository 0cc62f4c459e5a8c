"""The scenario with the client that openapi-python-client generated. Usage: scenario.py FOLDER TARGET, the target as JSON;
the folder holds the package `generated`. Prints the report as JSON."""

import hashlib
import io
import json
import sys
import time
from pathlib import Path

sys.path.insert(0, sys.argv[1])

import httpx  # noqa: E402
from generated import AuthenticatedClient  # noqa: E402
from generated.api.files import upload_file  # noqa: E402
from generated.api.videos import (  # noqa: E402
    cancel_video,
    create_video,
    delete_video,
    get_video,
    list_videos,
    play_video,
    watch_video,
)
from generated.models import (  # noqa: E402
    Problem,
    UploadFileBody,
    VideoForm,
    VideoRequest,
    VideoRequestInputReferenceType2,
    VideoStatus,
)
from generated.types import UNSET, File  # noqa: E402

ENDED = (VideoStatus.COMPLETED, VideoStatus.FAILED, VideoStatus.CANCELLED)


def error_of(answer):
    """The answer was parsed as a Problem: its status, its code as OpenAI's, its first bad field."""
    assert isinstance(answer.parsed, Problem), answer
    assert answer.parsed.status == answer.status_code
    return [int(answer.status_code), answer.parsed.error.code, answer.parsed.error.param]


class Scenario:
    def __init__(self, target):
        self.target = target
        self.prompt = target["prompt"]
        self.client = self.client_of(target["token"])

    def client_of(self, token, base="base"):
        origin = self.target[base].removesuffix("/v1")
        return AuthenticatedClient(base_url=origin, token=token, raise_on_unexpected_status=True)

    def create(self, body, client=None, key=UNSET):
        return create_video.sync_detailed(client=client or self.client, body=body, idempotency_key=key)

    def created(self, body, **options):
        answer = self.create(body, **options)
        assert answer.status_code == 202, answer.content
        return answer.parsed.id

    def ended(self, video_id):
        while True:
            video = get_video.sync(video_id, client=self.client)
            if video.status in ENDED:
                return video
            time.sleep(0.05)

    def pages(self):
        after = UNSET
        while True:
            page = list_videos.sync(client=self.client, limit=2, after=after)
            yield from (video.id for video in page.data)
            if not page.has_more:
                return
            after = page.last_id

    def frame(self):
        return File(io.BytesIO(Path(self.target["image"]).read_bytes()), "frame.png", "image/png")

    def play(self, video_id, **parameters):
        return play_video.sync_detailed(video_id, client=self.client, **parameters)

    def upload(self, file):
        return upload_file.sync_detailed(client=self.client, body=UploadFileBody(file=file))

    def lost(self):
        """The generated client does not retry by itself; with a key its user may."""
        client = self.client_of(self.target["token"], "lossyBase")
        body = VideoRequest(prompt=f"{self.prompt}, lost")
        try:
            self.create(body, client, "a-letter-by-python")
        except httpx.RemoteProtocolError:
            return self.create(body, client, "a-letter-by-python").status_code == 202
        return False

    def report(self):
        text = self.created(VideoRequest(prompt=self.prompt, resolution="1080P"))
        file = self.created(VideoForm(prompt=f"{self.prompt}, from a file", input_image_first=self.frame()))
        link = self.created(
            VideoRequest(prompt=f"{self.prompt}, from a link", input_image_first_url=self.target["link"])
        )
        events = watch_video.sync(text, client=self.client)
        last = [json.loads(line[6:]) for line in events.split("\n") if line.startswith("data: ")][-1]
        statuses = [self.ended(video).status for video in (text, file, link)]
        listed = list(self.pages())
        deleted = delete_video.sync(link, client=self.client).deleted
        request = VideoRequest(prompt=self.prompt)
        return {
            "statuses": statuses,
            "lastEvent": {"status": last["status"], "prompt": last["prompt"]},
            "sha256": hashlib.sha256(self.play(text).parsed.payload.read()).hexdigest(),
            "part": self.play(text, range_="bytes=100-199").parsed.payload.read().hex(),
            "listed": listed,
            "made": [text, file, link],
            "deleted": [deleted, get_video.sync_detailed(link, client=self.client).status_code],
            "errors": {
                "field": error_of(self.create(VideoRequest(prompt=self.prompt, seconds=7))),
                "token": error_of(self.create(request, self.client_of("nobody-s-token"))),
                "budget": error_of(self.create(request, self.client_of(self.target["tokenWithoutBudget"]))),
                "model": error_of(self.create(VideoRequest(prompt=self.prompt, model="sora-2"))),
            },
            "recoveredLostAnswer": self.lost(),
            "refusals": self.refusals(text),
        }

    def refusals(self, done):
        """Every other refusal that a client can meet, by its code."""
        failed_upload = self.upload(self.frame())
        uploaded = self.upload(self.frame()).parsed
        assert not isinstance(uploaded, Problem), uploaded
        from_upload = VideoRequestInputReferenceType2(file_id=uploaded.id)
        self.created(VideoRequest(prompt=f"{self.prompt}, uploaded", input_reference=from_upload))
        held = self.created(VideoRequest(prompt=f"{self.prompt}, held"), key="held-by-python")
        not_ready = self.play(held)
        reused = self.create(VideoRequest(prompt=f"{self.prompt}, another"), key="held-by-python")
        delete_video.sync(held, client=self.client)
        answers = [
            failed_upload,
            not_ready,
            reused,
            self.create(VideoRequest(prompt=f"{self.prompt}, held"), key="held-by-python"),
            cancel_video.sync_detailed(done, client=self.client),
            self.play(done, range_="bytes=999999999-"),
            self.upload(File(io.BytesIO(b"no picture"), "notes.txt", "text/plain")),
            self.create(VideoRequest(prompt="a" * 70_000)),
            self.create(VideoRequest(prompt=f"{self.prompt}, refused by the account")),
        ]
        return {code: status for status, code, _ in map(error_of, answers)}


if __name__ == "__main__":
    print(json.dumps(Scenario(json.loads(sys.argv[2])).report()))
