"""What the official Python client (PyPI: openai) makes of faults. Arguments: server address, then faults; prints JSON."""
import json
import sys
import time
import warnings

import openai

warnings.filterwarnings("ignore")
server, faults = sys.argv[1], sys.argv[2:]


def run(index, fault, patience):
    whole = "nonstream" in fault or fault.startswith("whole,")
    client = openai.OpenAI(base_url=f"{server}/f/{fault},id=peer{index}/v1", api_key="sk-canary-key", timeout=patience)
    text, ending, calls, start = "", None, {}, time.monotonic()
    try:
        options = {} if whole else {"stream": True, "stream_options": {"include_usage": True}}
        answer = client.chat.completions.create(model="m", messages=[{"role": "user", "content": "hi"}], **options)
        if whole:
            text = answer.choices[0].message.content if getattr(answer, "choices", None) else repr(answer)[:40]
            ending = "stop"
        else:
            for chunk in answer:
                for choice in (chunk.choices or [])[:1]:
                    ending = choice.finish_reason or ending
                    if choice.delta:
                        text += choice.delta.content or ""
                        for call in choice.delta.tool_calls or []:
                            calls[call.index] = calls.get(call.index, "") + (call.function.arguments or "")
        # An answer that cannot be written down is none.
        (text or "").encode()
        outcome = "answer"
    except openai.OpenAIError as error:
        outcome = "error " + type(error).__name__
        text = "the key is shown" if "canary" in str(error) else text
    except Exception as error:
        outcome = "raw " + type(error).__name__
    return {"text": text or "", "outcome": outcome, "ending": ending or "none", "arguments": " ".join(calls.values()),
            "seconds": time.monotonic() - start}


for index, fault in enumerate(faults):
    print(json.dumps(run(index, fault, 3)), flush=True)
