"""The scenario of tests/clients with a client of OpenAI's Videos API. Usage: client.py LIBRARY TARGET, the target as JSON;
prints the report as JSON."""

import asyncio
import hashlib
import json
import os
import sys

RANGE = {"Range": "bytes=100-199"}


def with_openai(target):
    import openai

    prompt = target["prompt"]

    def client_of(token, base="base"):
        return openai.OpenAI(base_url=target[base], api_key=token)

    client = client_of(target["token"])

    def created(**fields):
        return client.videos.create(**fields).id

    def refused(token=target["token"], **fields):
        # What a retry cannot change is answered with x-should-retry: false, so that this takes no time.
        try:
            client_of(token).videos.create(prompt=prompt, **fields)
        except openai.APIStatusError as error:
            return [error.status_code, error.code, error.param]

    def content(video_id, **options):
        return client.videos.download_content(video_id, **options).read()

    text = created(prompt=prompt, model="hailuo-2.3", seconds="6", size="1920x1080")
    with open(target["image"], "rb") as frame:
        file = created(prompt=f"{prompt}, from a file", input_reference=frame)
    link = created(prompt=f"{prompt}, from a link", extra_body={"inputImageFirstUrl": target["link"]})
    made = [text, file, link]
    statuses = [client.videos.poll(video, poll_interval_ms=50).status for video in made]
    listed = [video.id for video in client.videos.list(limit=2)]
    deleted = client.videos.delete(link).deleted
    try:
        client.videos.retrieve(link)
    except openai.NotFoundError as error:
        gone = error.status_code
    lost = client_of(target["token"], "lossyBase").videos.create(prompt=f"{prompt}, lost")
    return {
        "statuses": statuses,
        "sha256": hashlib.sha256(content(text)).hexdigest(),
        "part": content(text, extra_headers=RANGE).hex(),
        "listed": listed,
        "made": made,
        "deleted": [deleted, gone],
        "errors": {
            "field": refused(seconds="7"),
            "token": refused(token="nobody-s-token"),
            "budget": refused(token=target["tokenWithoutBudget"]),
            "model": refused(model="sora-2"),
        },
        "recoveredLostAnswer": lost.object == "video",
        "models": [model.id for model in client.models.list()],
    }


def with_litellm(target):
    # Without it, importing asks a host of theirs for prices.
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    import litellm
    from litellm.types.videos.utils import extract_original_video_id

    litellm.suppress_debug_info = True
    litellm.telemetry = False
    prompt, model = target["prompt"], "openai/hailuo-2.3"

    def server(token=target["token"], base="base"):
        return {"api_base": target[base], "api_key": token}

    def named(**options):
        return {**server(**options), "custom_llm_provider": "openai"}

    async def ended(video_id):
        while True:
            video = await litellm.avideo_status(video_id, **named())
            if video.status not in ("queued", "in_progress"):
                return video.status
            await asyncio.sleep(0.05)

    async def pages():
        ids, after = [], None
        while True:
            page = await litellm.avideo_list(after=after, limit=2, **named())
            ids += [extract_original_video_id(video["id"]) for video in page["data"]]
            if not page["has_more"]:
                return ids
            after = page["last_id"]

    async def refused(token=target["token"], **fields):
        try:
            await litellm.avideo_generation(**{"prompt": prompt, "model": model, **fields}, **server(token))
        except (
            litellm.BadRequestError,
            litellm.AuthenticationError,
            litellm.RateLimitError,
            litellm.NotFoundError,
        ) as error:
            return read(error)

    async def sent_again(prompt):
        """LiteLLM tells the Worker neither a key nor a count of retries: its user gives a key."""
        options = {**server(base="lossyBase"), "extra_headers": {"Idempotency-Key": "a-letter-by-litellm"}}
        try:
            return await litellm.avideo_generation(prompt, model, **options)
        except litellm.InternalServerError:
            return await litellm.avideo_generation(prompt, model, **options)

    def read(error):
        """It has the body only in its message."""
        text = str(error)
        problem = json.loads(text[text.index("{") : text.rindex("}") + 1])
        return [problem["status"], problem["error"]["code"], problem["error"]["param"]]

    async def scenario():
        text = await litellm.avideo_generation(prompt, model, seconds="6", size="1920x1080", **server())
        with open(target["image"], "rb") as frame:
            from_file = f"{prompt}, from a file"
            file = await litellm.avideo_generation(from_file, model, input_reference=frame, **server())
        from_link = {"inputImageFirstUrl": target["link"]}
        link = await litellm.avideo_generation(f"{prompt}, from a link", model, extra_body=from_link, **server())
        made = [video.id for video in (text, file, link)]
        listed = await pages()
        lost = await sent_again(f"{prompt}, lost")
        return {
            "statuses": [await ended(video) for video in made],
            "sha256": hashlib.sha256(await litellm.avideo_content(text.id, **named())).hexdigest(),
            "part": (await litellm.avideo_content(text.id, extra_headers=RANGE, **named())).hex(),
            "listed": listed,
            "made": [extract_original_video_id(video) for video in made],
            "errors": {
                "field": await refused(seconds="7"),
                "token": await refused(token="nobody-s-token"),
                "budget": await refused(token=target["tokenWithoutBudget"]),
                "model": await refused(model="openai/sora-2"),
            },
            "recoveredLostAnswer": lost.object == "video",
        }

    return asyncio.run(scenario())


if __name__ == "__main__":
    library, target = sys.argv[1:]
    print(json.dumps({"openai": with_openai, "litellm": with_litellm}[library](json.loads(target))))
