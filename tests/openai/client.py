"""Makes, watches, plays, lists and deletes a video by OpenAI's SDK for Python. Prints what it saw as JSON.

Usage: client.py openai BASE_URL TOKEN PROMPT IMAGE
"""

import json
import sys
import time


def with_openai(base_url, token, prompt, image):
    import openai

    client = openai.OpenAI(base_url=base_url, api_key=token)
    made = client.videos.create(prompt=prompt, model="hailuo-2.3", seconds="6", size="1280x720")
    final = client.videos.poll(made.id, poll_interval_ms=50)
    content = client.videos.download_content(made.id).read()
    with open(image, "rb") as frame:
        framed = client.videos.create(prompt=f"{prompt}, framed", input_reference=frame)
    framed = client.videos.poll(framed.id, poll_interval_ms=50)
    listed = [video.id for video in client.videos.list(limit=1)]
    deleted = client.videos.delete(framed.id).deleted
    try:
        client.videos.create(prompt=prompt, seconds="7")
        error = None
    except openai.BadRequestError as caught:
        error = {"code": caught.code, "param": caught.param, "type": caught.type}
    return {
        "status": [final.status, framed.status],
        "fields": [final.prompt, final.seconds, final.size, final.model],
        "bytes": len(content),
        "listed": len(listed),
        "deleted": deleted,
        "error": error,
        "models": [model.id for model in client.models.list()],
    }


if __name__ == "__main__":
    library, *arguments = sys.argv[1:]
    print(json.dumps({"openai": with_openai}[library](*arguments)))
