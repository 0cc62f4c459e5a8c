"""Makes, watches, plays, lists and deletes a video by OpenAI's SDK for Python, or by LiteLLM. Prints what it saw as JSON.

Usage: client.py openai|litellm BASE_URL TOKEN PROMPT IMAGE
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


def with_litellm(base_url, token, prompt, image):
    import litellm

    reach = {"api_base": base_url, "api_key": token, "custom_llm_provider": "openai"}
    made = litellm.video_generation(prompt=prompt, model="hailuo-2.3", seconds="6", size="1280x720", **reach)
    status = made.status
    while status in ("queued", "in_progress"):
        time.sleep(0.05)
        status = litellm.video_status(video_id=made.id, **reach).status
    content = litellm.video_content(video_id=made.id, **reach)
    with open(image, "rb") as frame:
        framed = litellm.video_generation(
            prompt=f"{prompt}, framed", model="hailuo-2.3", input_reference=frame, **reach
        )
    return {"status": [status], "bytes": len(content), "framed": framed.object}


if __name__ == "__main__":
    library, *arguments = sys.argv[1:]
    print(json.dumps({"openai": with_openai, "litellm": with_litellm}[library](*arguments)))
