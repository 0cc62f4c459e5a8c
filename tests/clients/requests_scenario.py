"""The scenario with requests. Usage: requests_scenario.py TARGET, the target as JSON; prints the report as JSON."""

import hashlib
import json
import sys
import time

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry


def main(target):
    base, prompt = target["base"], target["prompt"]
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {target['token']}"
    retry = Retry(total=2, backoff_factor=0.01, allowed_methods={"POST"})
    session.mount(target["lossyBase"], HTTPAdapter(max_retries=retry))

    def submit(**body):
        answer = session.post(f"{base}/videos", **body)
        assert answer.status_code == 202, answer.text
        return answer.json()["id"]

    def ended(video_id):
        while True:
            video = session.get(f"{base}/videos/{video_id}").json()
            if video["status"] not in ("queued", "in_progress"):
                return video
            time.sleep(0.05)

    def pages():
        after = {}
        while True:
            page = session.get(f"{base}/videos", params={"limit": 2, **after}).json()
            yield from (video["id"] for video in page["data"])
            if not page["has_more"]:
                return
            after = {"after": page["last_id"]}

    def refused(token=target["token"], **fields):
        headers = {"Authorization": f"Bearer {token}"}
        answer = session.post(f"{base}/videos", json={"prompt": prompt, **fields}, headers=headers)
        error = answer.json()["error"]
        return [answer.status_code, error["code"], error["param"]]

    text = submit(json={"prompt": prompt, "resolution": "1080P"})
    with open(target["image"], "rb") as image:
        file = submit(data={"prompt": f"{prompt}, from a file"}, files={"inputImageFirst": image})
    fields = {"prompt": f"{prompt}, from a link", "inputImageFirstUrl": target["link"]}
    link = submit(files={name: (None, value) for name, value in fields.items()})

    # Requests splits lines as str.splitlines does, which takes more characters for line ends than the format does.
    with session.get(f"{base}/videos/{text}/events", stream=True) as stream:
        data = [line for line in stream.iter_lines(decode_unicode=True) if line.startswith("data: ")]
    last = [json.loads(line.removeprefix("data: ")) for line in data][-1]

    statuses = [ended(video)["status"] for video in (text, file, link)]
    content = session.get(f"{base}/videos/{text}/content").content
    part = session.get(f"{base}/videos/{text}/content", headers={"Range": "bytes=100-199"}).content
    listed = list(pages())
    deleted = session.delete(f"{base}/videos/{link}").json()["deleted"]
    lost = session.post(
        f"{target['lossyBase']}/videos",
        json={"prompt": f"{prompt}, lost"},
        headers={"Idempotency-Key": "a-letter-by-requests"},
    )
    return {
        "statuses": statuses,
        "lastEvent": {"status": last["status"], "prompt": last["prompt"]},
        "sha256": hashlib.sha256(content).hexdigest(),
        "part": part.hex(),
        "listed": listed,
        "made": [text, file, link],
        "deleted": [deleted, session.get(f"{base}/videos/{link}").status_code],
        "errors": {
            "field": refused(seconds=7),
            "token": refused(token="nobody-s-token"),
            "budget": refused(token=target["tokenWithoutBudget"]),
            "model": refused(model="sora-2"),
        },
        "recoveredLostAnswer": lost.status_code == 202,
    }


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.argv[1]))))
