"""What the official Python client (PyPI: openai) makes of faults. Arguments: server address, then faults; prints JSON."""
import json
import sys
import time
import urllib.request
import warnings

import openai

warnings.filterwarnings("ignore")
server, faults = sys.argv[1], sys.argv[2:]


def run(index, fault, patience):
    name = f"peer{index}"
    whole = "nonstream" in fault or fault.startswith("whole,")
    client = openai.OpenAI(base_url=f"{server}/f/{fault},id={name}/v1", api_key="sk-canary-key", timeout=patience)
    text, start = "", time.monotonic()
    try:
        options = {} if whole else {"stream": True, "stream_options": {"include_usage": True}}
        answer = client.chat.completions.create(model="m", messages=[{"role": "user", "content": "hi"}], **options)
        if whole:
            text = answer.choices[0].message.content if getattr(answer, "choices", None) else repr(answer)[:40]
        else:
            for chunk in answer:
                if chunk.choices and chunk.choices[0].delta:
                    text += chunk.choices[0].delta.content or ""
        outcome = "answer"
    except openai.OpenAIError as error:
        outcome = "error " + type(error).__name__
        text = "the key is shown" if "canary" in str(error) else text
    except Exception as error:
        outcome = "raw " + type(error).__name__
    seconds = time.monotonic() - start
    with urllib.request.urlopen(server + "/__stats") as stats:
        counts = json.load(stats)["ids"].get(name, {})
    return {"text": text or "", "outcome": outcome, "seconds": seconds,
            "requests": counts.get("requests", 0), "billed": counts.get("billed_requests", 0)}


for index, fault in enumerate(faults):
    print(json.dumps(run(index, fault, 3)), flush=True)
