"""Receives webhooks with nothing but Python 3.9.

    NOTIFY_SECRET=whsec_… PORT=3000 python3 webhook.py
"""

import base64
import hashlib
import hmac
import json
import os
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# While the secret is being changed there may be two, separated by a space.
KEYS = [base64.b64decode(key.removeprefix("whsec_")) for key in os.environ["NOTIFY_SECRET"].split()]
TOLERANCE_SECONDS = 5 * 60
# Ids of events: the same one may come again. A real receiver keeps them where it keeps its data.
seen = set()


def verify(body: bytes, headers) -> dict:
    """The event. Raises ValueError when it was not signed by our Worker."""
    event_id = headers.get("webhook-id", "")
    timestamp = headers.get("webhook-timestamp", "")
    if not timestamp.isascii() or not timestamp.isdigit():
        raise ValueError("no timestamp")
    if abs(time.time() - int(timestamp)) > TOLERANCE_SECONDS:
        raise ValueError("too old, or from the future")
    # The body exactly as it came.
    signed = f"{event_id}.{timestamp}.".encode() + body
    given = [one.removeprefix("v1,") for one in headers.get("webhook-signature", "").split()]
    for key in KEYS:
        right = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest())
        if any(hmac.compare_digest(right, one.encode()) for one in given):
            return json.loads(body)
    raise ValueError("no signature is right")


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        try:
            event = verify(body, self.headers)
        except ValueError:
            self.answer(401)
            return
        if self.headers["webhook-id"] not in seen:
            seen.add(self.headers["webhook-id"])
            video = event["data"]
            error = video["error"] or {"code": "", "message": ""}
            if event["type"] == "video.completed":
                print(event["type"], video["id"], video["urls"]["content"], flush=True)
            else:
                print(event["type"], video["id"], error["code"], error["message"], flush=True)
        self.answer(204)

    def answer(self, status):
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *arguments):
        """Only events are printed."""


server = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "3000"))), Receiver)
print(f"listening at http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
