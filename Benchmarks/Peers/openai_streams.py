"""Many streams at once with the official Python client (PyPI: openai). Arguments: base address, streams, seconds."""
import asyncio
import json
import resource
import sys
import time

import openai


async def main(base, count, deadline):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    limits = {"max_connections": None, "max_keepalive_connections": 128}
    client_type = openai.DefaultAsyncHttpxClient
    try:
        import httpx2 as httpx
    except ImportError:
        import httpx
    http = client_type(limits=httpx.Limits(**limits), timeout=120, trust_env=False)
    client = openai.AsyncOpenAI(base_url=base, api_key="none", max_retries=0, timeout=120, http_client=http)

    async def one():
        text = ""
        try:
            stream = await client.chat.completions.create(
                model="m", messages=[{"role": "user", "content": "hi"}], stream=True,
                stream_options={"include_usage": True})
            async for chunk in stream:
                if chunk.choices and chunk.choices[0].delta:
                    text += chunk.choices[0].delta.content or ""
        except Exception as error:
            return type(error).__name__
        return "answered" if text.endswith("東京 tea.") else "wrong text"

    def resident(name):
        try:
            with open("/proc/self/status") as status:
                return int(next(line for line in status if line.startswith(name)).split()[1])
        except (OSError, StopIteration):
            return 0

    memory = resident("VmRSS")
    used = time.process_time()
    start = time.monotonic()
    tasks = [asyncio.create_task(one()) for _ in range(count)]
    done, pending = await asyncio.wait(tasks, timeout=deadline)
    seconds = time.monotonic() - start
    used = time.process_time() - used
    memory = resident("VmHWM") - memory
    outcomes = [task.result() for task in done]
    answered = sum(outcome == "answered" for outcome in outcomes)
    print(json.dumps({
        "answered": float(answered), "failed": float(count - answered), "s": seconds,
        "KiB a stream": memory / count, "ms of processor a request": used * 1000 / count,
        **{outcome: float(outcomes.count(outcome)) for outcome in set(outcomes) - {"answered"}}}), flush=True)
    for task in pending:
        task.cancel()


asyncio.run(main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))
