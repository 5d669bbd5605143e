#!/usr/bin/env python3
"""A fault-injecting LLM HTTP server for client tests. Standard library only.

    python fault_server.py [--port 0] [--other-port 0] [--tls-port 0] [--tls-dir D]
                           [--ready-file F] [--seconds 600] [--stdin-guard]

Loopback only. Prints one JSON line when ready:
  {"url": ..., "other": ..., "tls": ..., "tls_expired": ..., "tls_wrong_host": ..., "ca": ..., "pid": ...}

Every dialect answers below /f/SPEC/ where SPEC is a list of switches, for
example  /f/status=429,retry_after=1,times=2,id=t7/v1/chat/completions
(so a client under test gets the base URL http://127.0.0.1:PORT/f/SPEC/v1).
/f/ok/... is the healthy server. README.md lists every switch and what a good
client does. /__stats (GET) and /__reset (POST) read and clear the counters.
"""
import argparse
import asyncio
import email.utils
import gzip
import json
import math
import os
import re
import resource
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time
import zlib

DEFAULT_TEXT = "Paris is the capital of France. A naïve café serves crêpes 🙂 and 東京 tea."
STATS = {}
GLOBAL = {"open_connections": 0, "max_open_connections": 0, "connections": 0}
URLS = {}


def stat(key):
    return STATS.setdefault(key, {
        "requests": 0, "completed": 0, "billed_requests": 0, "tokens_generated": 0,
        "client_aborts": 0, "closed": 0, "in_flight": 0, "max_in_flight": 0, "rejected": 0,
        "arrivals": [], "seen": []})


class Abort(Exception):
    """Stop writing; how says how the connection ends: 'rst', 'fin'."""

    def __init__(self, how):
        self.how = how


class Conn:
    def __init__(self, reader, writer, side):
        self.r, self.w, self.side = reader, writer, side
        self.keep = True
        self.id = None

    async def line(self, limit=65536):
        b = await self.r.readuntil(b"\n")
        if len(b) > limit:
            raise ValueError("line")
        return b.rstrip(b"\r\n")

    async def send(self, data, drain=True):
        self.w.write(data)
        if drain:
            await self.w.drain()

    def rst(self):
        s = self.w.get_extra_info("socket")
        if s is not None:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.w.transport.abort()


def parse_spec(text):
    d = {}
    for part in text.split(","):
        k, eq, v = part.partition("=")
        if k:
            d[k] = v if eq else "1"
    return d


def num(d, k, default=0.0):
    try:
        return float(d[k])
    except (KeyError, ValueError):
        return default


def error_body(kind, status, message="injected failure"):
    typ = {401: "authentication_error", 403: "permission_error", 404: "not_found_error",
           408: "timeout", 413: "request_too_large", 429: "rate_limit_error", 529: "overloaded_error"}.get(
               status, "invalid_request_error" if status < 500 else "server_error")
    if kind == "anthropic":
        return {"type": "error", "error": {"type": typ, "message": message}, "request_id": "req_x"}
    if kind == "llamacpp":
        return {"error": {"code": status, "message": message, "type": typ}}
    if kind == "vllm":
        return {"error": {"message": message, "type": "BadRequestError", "param": None, "code": status}}
    if kind == "vllm_old":
        return {"object": "error", "message": message, "type": "BadRequestError", "param": None, "code": status}
    if kind == "string":
        return {"error": message}
    if kind == "detail":
        return {"detail": [{"loc": ["body"], "msg": message, "type": "value_error"}]}
    if kind == "quota":
        return {"error": {"message": "You exceeded your current quota.", "type": "insufficient_quota",
                          "param": None, "code": "insufficient_quota"}}
    if kind == "context":
        return {"error": {"message": "maximum context length is 8 tokens", "type": "invalid_request_error",
                          "param": "messages", "code": "context_length_exceeded"}}
    return {"error": {"message": message, "type": typ, "param": None, "code": typ}}


# ---------------------------------------------------------------- the "model"

def answer_tokens(spec, body):
    text = DEFAULT_TEXT
    msgs = body.get("messages") or []
    last = msgs[-1].get("content") if msgs and isinstance(msgs[-1], dict) else body.get("prompt") or body.get("input")
    if isinstance(last, list):
        last = "".join(p.get("text", "") for p in last if isinstance(p, dict))
    if isinstance(last, str) and last.startswith("SAY:"):
        text = last[4:]
    if "surrogate" in spec:
        text = "ab"
    toks = re.findall(r"\s*\S+|\s+$", text) or [text]
    if "quote" in spec:
        # In several tokens, as a model writes it.
        key = spec["quote"]
        toks[3:3] = [" your", " key", " is", " "] + [key[i:i + 5] for i in range(0, len(key), 5)]
    n = int(num(spec, "tokens", 0))
    if n:
        toks = [toks[i % len(toks)] for i in range(n)]
    limit = body.get("max_tokens") or body.get("max_completion_tokens") or body.get("max_output_tokens")
    if isinstance(limit, int) and limit > 0:
        return toks[:limit], "length" if limit < len(toks) else "stop"
    return toks, "stop"


def logprob_entry(tok, k, spec, as_ids=False):
    """The report of a token. Named by ids it is as vLLM's: the bytes of alternatives are those of their names."""
    if as_ids:
        entry = logprob_entry(tok, k, spec)
        for e in [entry, *entry["top_logprobs"]]:
            e["token"] = f"token_id:{e['bytes'][-1]}"
        for e in entry["top_logprobs"]:
            e["bytes"] = list(e["token"].encode())
        return entry
    lp = -0.25
    top = [{"token": tok, "logprob": lp, "bytes": list(tok.encode())}]
    for i in range(1, k):
        top.append({"token": f"<alt{i}>", "logprob": lp - i, "bytes": list(f"<alt{i}>".encode())})
    if "logprob_floor" in spec and len(top) > 1:
        top[-1]["logprob"] = -9999.0
    return {"token": tok, "logprob": lp, "bytes": list(tok.encode()), "top_logprobs": top}


def prompt_count(body):
    return max(1, len(json.dumps(body.get("messages") or body.get("prompt") or body.get("input") or "")) // 4)


def rendered(messages):
    return "".join(f"<{m['role']}>{m['content']}" for m in messages) + "<assistant>"


def tokens_answer(path, body, spec):
    """The tokens of vLLM's and llama.cpp's servers: every byte is one, and 256 begins a text that is not continued."""
    if "oddtokens" in spec:
        return {"tokens": [1, "two", -1.5]}
    if path == "/apply-template":
        return {"prompt": rendered(body["messages"])}
    if path == "/detokenize":
        text = bytes(t for t in body["tokens"] if t < 256).decode(errors="replace")
        return {"content": text, "prompt": text}
    if "messages" in body:
        return {"tokens": [256, *rendered(body["messages"]).encode()]}
    begins = body.get("add_special", body.get("add_special_tokens", True))
    # With "spaced" a space is put in front of every text, as Llama 2's vocabulary does.
    text = body.get("content", body.get("prompt"))
    if text and "spaced" in spec:
        text = " " + text
    return {"tokens": [256] * bool(begins) + list(text.encode())}


def echo_answer(body, spec):
    """Scores of a prompt of ids that anybody can work out: −(31 × the token before + the token) mod 97, ÷ 50."""
    ids = body["prompt"]
    scores = [None] + [-((31 * a + b) % 97) / 50 for a, b in zip(ids, ids[1:])]
    if "noecho" in spec:
        scores = []
    if "badscore" in spec:
        scores[-1] = 3.5
    return {"id": "cmpl-1", "object": "text_completion", "choices": [{"index": 0, "text": "", "finish_reason": "length",
            "logprobs": {"tokens": [f"token_id:{t}" for t in ids], "token_logprobs": scores, "top_logprobs": None}}],
            "usage": {"prompt_tokens": len(ids), "completion_tokens": 0, "total_tokens": len(ids)}}


def echoed_text(body, spec):
    """The same for a text: tokens are words with the space before them, their scores −(31 × place + length) mod 97, ÷ 50.
    As some servers do, it puts an empty token before the text, and a written one (` so`) behind it."""
    text = body["prompt"]
    toks = [""] + re.findall(r"\s*\S+|\s+$", text) + [" so"]
    places = [len("".join(toks[:i])) for i in range(len(toks))]
    scores = [None] + [-((31 * p + len(t)) % 97) / 50 for p, t in zip(places[1:], toks[1:])]
    if "badscore" in spec:
        scores[-2] = 3.5
    if "badplace" in spec:
        places = [len("".join(toks[:i]).encode()) for i in range(len(toks))]
    if "noecho" in spec:
        text, toks, scores, places = "", toks[-1:], scores[-1:], [0]
    return {"id": "cmpl-1", "object": "text_completion", "choices": [{"index": 0, "text": text + " so", "finish_reason": "length",
            "logprobs": {"tokens": toks, "token_logprobs": scores, "top_logprobs": None, "text_offset": places}}],
            "usage": {"prompt_tokens": len(toks) - 1, "completion_tokens": 1, "total_tokens": len(toks)}}


def forced_answer(body, spec):
    """The same scores for one token that a bias makes the only one, as llama.cpp's server reports it."""
    token = int(next(iter(body["logit_bias"])))
    score = 3.5 if "badscore" in spec else -((31 * body["prompt"][-1] + token) % 97) / 50
    entry = {"id": token + ("noecho" in spec), "token": "", "bytes": [], "logprob": score, "top_logprobs": []}
    return {"id": "cmpl-1", "object": "text_completion", "choices": [{"index": 0, "text": "", "finish_reason": "length",
            "logprobs": {"content": [entry]}}], "usage": {"prompt_tokens": len(body["prompt"]), "completion_tokens": 1}}


def listed(before, k):
    """The k most probable tokens: a to h have 1 + (31 × the token before + the token) mod 7 parts, all others 8 together."""
    parts = {b: 1 + (31 * before + b) % 7 for b in range(97, 105)}
    whole = sum(parts.values()) + 8
    order = sorted(parts, key=lambda b: (-parts[b], b))[:k]
    return [(b, math.log(parts[b] / whole)) for b in order]


def listed_answer(body, spec):
    """The most probable tokens after a prompt of ids, as vLLM (also at every place of the prompt) and llama.cpp list them."""
    ids, k = body["prompt"], body["logprobs"]
    found = listed(ids[-1], k)
    if "noecho" in spec:
        found = []
    if "badscore" in spec:
        found = [(b, 3.5) for b, _ in found]
    if "cache_prompt" in body:
        tops = [{"id": b, "token": chr(b), "bytes": [b], "logprob": p} for b, p in found]
        logprobs = {"content": [{**tops[0], "top_logprobs": tops}] if tops else []}
    else:
        logprobs = {"top_logprobs": [{f"token_id:{b}": p for b, p in found}]}
    choice = {"index": 0, "text": chr(found[0][0]) if found else "", "finish_reason": "length", "logprobs": logprobs}
    if "prompt_logprobs" in body:
        places = [dict(listed(a, body["prompt_logprobs"])) for a in ids]
        for place, token in zip(places, ids[1:]):   # the token itself is always listed
            place.setdefault(token, -9.0)
        choice["prompt_logprobs"] = [None] + [
            {str(b): {"logprob": p, "rank": 1, "decoded_token": "?"} for b, p in place.items()} for place in places[:-1]]
    return {"id": "cmpl-1", "object": "text_completion", "choices": [choice],
            "usage": {"prompt_tokens": len(ids), "completion_tokens": 1, "total_tokens": len(ids) + 1}}


def listed_texts_answer(route, body, spec):
    """The most probable tokens after a text, in the older form of completions or in that of chats; `tops=h`: the end, which
    is not listed, comes after h; with `nameless` it is the most probable token and has no text. A chat goes on with its last message if that is marked, and answers with "A" before it."""
    if route == "chat":
        k, last = body["top_logprobs"], body["messages"][-1]
        goes_on = last["role"] == "assistant" and (last.get("prefix") or body.get("continue_final_message"))
        text = last["content"] if goes_on else "A"
    else:
        k, text = body["logprobs"], body["prompt"]
    ends = text[-1] == spec["tops"]
    found = [] if "noecho" in spec or ends and "nameless" not in spec else listed(ord(text[-1]), k)
    if "badscore" in spec:
        found = [(b, 3.5) for b, _ in found]
    finish = "stop" if ends else "length"
    names = {b: "<|im_end|>" if spec.get("end") == chr(b) else chr(b) for b, _ in found}
    if ends and found:
        names[found[0][0]] = ""
    word = names[found[0][0]] if found else ""
    if route == "chat":
        tops = [{"token": names[b], "logprob": p, "bytes": list(names[b].encode())} for b, p in found]
        choice = {"index": 0, "message": {"role": "assistant", "content": word}, "finish_reason": finish,
                  "logprobs": {"content": [{**tops[0], "top_logprobs": tops}] if tops else []}}
    else:
        choice = {"index": 0, "text": word, "finish_reason": finish, "logprobs": {
            "tokens": [word] if found else [], "token_logprobs": [found[0][1]] if found else [],
            "top_logprobs": [{names[b]: p for b, p in found}] if found else [], "text_offset": [0] if found else []}}
    return {"id": "cmpl-1", "choices": [choice],
            "usage": {"prompt_tokens": len(text), "completion_tokens": 1, "total_tokens": len(text) + 1}}


class Dialect:
    """Turns tokens into one JSON answer, or into a list of (event, data) pairs."""

    def __init__(self, route, body, spec):
        self.route, self.body, self.spec = route, body, spec
        self.toks, self.finish = answer_tokens(spec, body)
        if "finish" in spec:
            self.finish = spec["finish"]
        self.p = prompt_count(body)
        self.id = f"chatcmpl-{stat(spec.get('id', ''))['requests']}"
        self.model = body.get("model", "fault-model")
        self.n = int(num(spec, "choices", body.get("n") or 1) or 1)
        so = body.get("stream_options") or {}
        self.want_usage = bool(so.get("include_usage")) or "usage_force" in spec
        self.k = body.get("top_logprobs") or (body.get("logprobs") if isinstance(body.get("logprobs"), int) and body.get("logprobs") is not True else 0) or 0
        self.lp = bool(body.get("logprobs"))
        self.ids = bool(body.get("return_tokens_as_token_ids"))

    def usage(self, done=None):
        c = len(self.toks) * self.n if done is None else done
        return {"prompt_tokens": self.p, "completion_tokens": c, "total_tokens": self.p + c,
                "prompt_tokens_details": {"cached_tokens": 0}}

    def whole(self):
        text = "".join(self.toks)
        if self.route == "messages":
            return {"id": "msg_1", "type": "message", "role": "assistant", "model": self.model,
                    "content": [{"type": "text", "text": text}],
                    "stop_reason": {"stop": "end_turn", "length": "max_tokens"}.get(self.finish, self.finish),
                    "stop_sequence": None, "usage": {"input_tokens": self.p, "output_tokens": len(self.toks)}}
        if self.route == "responses":
            return {"id": "resp_1", "object": "response", "status": "completed", "model": self.model,
                    "output": [{"type": "message", "id": "m1", "role": "assistant", "status": "completed",
                                "content": [{"type": "output_text", "text": text, "annotations": []}]}],
                    "usage": {"input_tokens": self.p, "output_tokens": len(self.toks), "total_tokens": self.p + len(self.toks)}}
        if self.route == "ollama":
            return {"model": self.model, "created_at": "2026-01-01T00:00:00Z", "done": True, "done_reason": self.finish,
                    "message": {"role": "assistant", "content": text},
                    "prompt_eval_count": self.p, "eval_count": len(self.toks)}
        if self.route == "completions":
            ch = [{"index": i, "text": text, "finish_reason": self.finish, "logprobs": {
                "tokens": self.toks, "token_logprobs": [-0.25] * len(self.toks),
                "top_logprobs": [{t["token"]: t["logprob"] for t in logprob_entry(x, max(1, self.k), self.spec)["top_logprobs"]} for x in self.toks],
                "text_offset": [0] * len(self.toks)} if self.lp else None} for i in range(self.n)]
            return {"id": self.id, "object": "text_completion", "created": 1, "model": self.model,
                    "choices": ch, "usage": self.usage()}
        if self.route in ("embeddings", "embed"):
            inp = self.body.get("input")
            inp = inp if isinstance(inp, list) else [inp]
            if self.route == "embed":
                return {"model": self.model, "embeddings": [[0.6, 0.8, float(i)] for i, _ in enumerate(inp)],
                        "total_duration": 1, "load_duration": 1, "prompt_eval_count": self.p}
            return {"object": "list", "model": self.model, "usage": {"prompt_tokens": self.p, "total_tokens": self.p},
                    "data": [{"object": "embedding", "index": i, "embedding": [0.6, 0.8, float(i)]} for i, _ in enumerate(inp)]}
        ch = [{"index": i, "finish_reason": self.finish,
               "message": {"role": "assistant", "content": text},
               "logprobs": {"content": [logprob_entry(t, self.k, self.spec) for t in self.toks]} if self.lp else None}
              for i in range(self.n)]
        return {"id": self.id, "object": "chat.completion", "created": 1, "model": self.model,
                "system_fingerprint": "fault", "choices": ch, "usage": self.usage()}

    def events(self):
        """[(event name or None, data object or str, token increments)]"""
        out = []
        if self.route == "messages":
            out.append(("message_start", {"type": "message_start", "message": {
                "id": "msg_1", "type": "message", "role": "assistant", "content": [], "model": self.model,
                "stop_reason": None, "stop_sequence": None, "usage": {"input_tokens": self.p, "output_tokens": 1}}}, 0))
            out.append(("content_block_start", {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}, 0))
            out.append(("ping", {"type": "ping"}, 0))
            for t in self.toks:
                out.append(("content_block_delta", {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": t}}, 1))
            out.append(("content_block_stop", {"type": "content_block_stop", "index": 0}, 0))
            out.append(("message_delta", {"type": "message_delta", "delta": {
                "stop_reason": {"stop": "end_turn", "length": "max_tokens"}.get(self.finish, self.finish), "stop_sequence": None},
                "usage": {"output_tokens": len(self.toks)}}, 0))
            out.append(("message_stop", {"type": "message_stop"}, 0))
            return out
        if self.route == "responses":
            seq = iter(range(10 ** 9))
            e = lambda typ, n=0, **kw: out.append((typ, {"type": typ, "sequence_number": next(seq), **kw}, n))
            e("response.created", response={"id": "resp_1", "status": "in_progress"})
            e("response.output_item.added", output_index=0, item={"type": "message", "id": "m1", "content": []})
            for t in self.toks:
                e("response.output_text.delta", 1, item_id="m1", output_index=0, content_index=0, delta=t)
            e("response.output_text.done", item_id="m1", output_index=0, content_index=0, text="".join(self.toks))
            e("response.completed", response=self.whole())
            return out
        if self.route == "ollama":
            for t in self.toks:
                out.append((None, {"model": self.model, "message": {"role": "assistant", "content": t}, "done": False}, 1))
            w = self.whole()
            w["message"] = {"role": "assistant", "content": ""}
            out.append((None, w, 0))
            return out
        chat = self.route == "chat"
        obj = "chat.completion.chunk" if chat else "text_completion"

        def chunk(choices, usage=None):
            d = {"id": self.id, "object": obj, "created": 1, "model": self.model, "system_fingerprint": "fault", "choices": choices}
            if usage is not None:
                d["usage"] = usage
            elif self.want_usage:
                d["usage"] = None
            return d

        if chat:
            for i in range(self.n):
                out.append((None, chunk([{"index": i, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}]), 0))
        done = 0
        for t in self.toks:
            for i in range(self.n):
                done += 1
                c = {"index": i, "finish_reason": None, **({"delta": {"content": t}} if chat else {"text": t})}
                if self.lp:
                    c["logprobs"] = {"content": [logprob_entry(t, self.k, self.spec, self.ids)]}
                u = self.usage(done) if self.spec.get("usage") == "every" else None
                out.append((None, chunk([c], u), 1))
        if "toolfrag" in self.spec and chat:
            args = '{"city": "Paris", "unit": "c"}'
            out.append((None, chunk([{"index": 0, "delta": {"tool_calls": [{"index": 0, "id": "call_1", "type": "function", "function": {"name": "weather", "arguments": ""}}]}, "finish_reason": None}]), 0))
            for i in range(0, len(args), 5):
                out.append((None, chunk([{"index": 0, "delta": {"tool_calls": [{"index": 0, "function": {"arguments": args[i:i + 5]}}]}, "finish_reason": None}]), 0))
            self.finish = "tool_calls"
        for i in range(self.n):
            out.append((None, chunk([{"index": i, "finish_reason": self.finish, **({"delta": {}} if chat else {"text": ""})}]), 0))
        if self.want_usage and self.spec.get("usage") != "none":
            out.append((None, chunk([], self.usage()), 0))
        out.append((None, "[DONE]", 0))
        return out


# ---------------------------------------------------------------- adapters that are loaded while the server runs

ADAPTERS = {}


def change_adapters(path, body, spec):
    """vLLM's two paths: a status, and an error or a text that is no JSON."""
    known, name = ADAPTERS.setdefault(spec.get("id", ""), {}), body["lora_name"]
    if path == "/v1/load_lora_adapter":
        if not body["lora_path"].startswith("/"):
            return 404, error_body("vllm", 404, f"No adapter found for {name}")
        known[name] = body["lora_path"]
        return 200, f"Success: LoRA adapter '{name}' added successfully."
    if known.pop(name, None) is None:
        return 404, error_body("vllm", 404, f"The lora adapter '{name}' cannot be found.")
    return 200, f"Success: LoRA adapter '{name}' removed successfully."


# ---------------------------------------------------------------- what servers tell about their models

def about_models(path, kind, spec):
    """The answer at one of the paths by which servers describe themselves; None if this is none of the kind's."""
    entry = {"id": "fault-model", "object": "model", "created": 1, "owned_by": "fault"}
    if kind == "llamacpp":
        entry.update(owned_by="llamacpp", meta={"n_vocab": 49152, "n_ctx": 8192, "n_ctx_train": 131072})
        if path == "/props" and "noprops" not in spec:
            return {"default_generation_settings": {"n_ctx": 2048}, "total_slots": 4, "build_info": "b6543-abc",
                    "modalities": {"vision": True, "audio": False}, "chat_template_caps": {"supports_tools": False}}
    elif kind == "vllm":
        entry.update(owned_by="vllm", max_model_len=32768)
        if path == "/version":
            return {"version": "0.32.0"}
    elif kind == "ollama":
        entry.update(id="fault-model:latest", owned_by="library")
        if path == "/api/tags":
            return {"models": [{"name": "fault-model:latest", "model": "fault-model:latest", "size": 1}]}
        if path == "/api/show":
            return {"capabilities": ["completion", "vision"], "parameters": "stop  \"<end>\"\nnum_ctx  4096",
                    "model_info": {"general.architecture": "gemma3", "gemma3.context_length": 32768}}
        if path == "/api/version":
            return {"version": "0.12.11"}
    elif kind == "anthropic":
        entry = {"type": "model", "id": "fault-model", "display_name": "Fault", "created_at": "2026-01-01T00:00:00Z",
                 "max_input_tokens": 200000, "max_tokens": 64000,
                 "capabilities": {"image_input": {"supported": True}, "pdf_input": {"supported": False},
                                  "thinking": {"supported": True, "types": {}}}}
        if path == "/v1/models/fault-model":
            return entry
    if path == "/v1/models":
        loaded = [{**entry, "id": name, "root": root, "parent": "fault-model"}
                  for name, root in ADAPTERS.get(spec.get("id", ""), {}).items()]
        return {"object": "list", "data": [entry, *loaded], "has_more": False}
    return None


# ---------------------------------------------------------------- the handler

ROUTES = {"/v1/chat/completions": "chat", "/v1/completions": "completions", "/v1/embeddings": "embeddings",
          "/v1/responses": "responses", "/v1/messages": "messages", "/api/chat": "ollama", "/api/embed": "embed"}


def head(status, headers, reason=None):
    reason = reason or {200: "OK", 301: "Moved Permanently", 302: "Found", 307: "Temporary Redirect", 308: "Permanent Redirect",
                        400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 408: "Request Timeout", 413: "Payload Too Large",
                        429: "Too Many Requests", 500: "Internal Server Error", 502: "Bad Gateway", 503: "Service Unavailable",
                        504: "Gateway Timeout", 529: "Overloaded"}.get(status, "Status")
    lines = [f"HTTP/1.1 {status} {reason}"] + [f"{k}: {v}" for k, v in headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


RATE = [("x-request-id", "req_fault"), ("x-ratelimit-limit-requests", "60"), ("x-ratelimit-remaining-requests", "59"),
        ("x-ratelimit-reset-requests", "1s"), ("x-ratelimit-limit-tokens", "150000"),
        ("x-ratelimit-remaining-tokens", "149984"), ("x-ratelimit-reset-tokens", "6m0s")]


def rate_headers(spec):
    """The limits that the answer tells: what `rate_limit`, `rate_remaining`, `rate_reset` say of requests, and the same with `tokens_`."""
    told = dict(RATE)
    for kind, prefix in (("requests", "rate_"), ("tokens", "tokens_")):
        for part in ("limit", "remaining", "reset"):
            if prefix + part in spec:
                told[f"x-ratelimit-{part}-{kind}"] = spec[prefix + part]
    return list(told.items())


async def send_json(c, status, obj, extra=(), raw=None, ctype="application/json"):
    data = raw if raw is not None else json.dumps(obj, ensure_ascii=False).encode()
    h = ([("Content-Type", ctype)] if ctype else []) + [("Content-Length", str(len(data)))] + getattr(c, "rate", RATE) + list(extra)
    if not c.keep:
        h.append(("Connection", "close"))
    await c.send(head(status, h) + data)


def retry_after_headers(spec):
    v = spec.get("retry_after")
    out = []
    if v == "date":
        out.append(("Retry-After", email.utils.formatdate(time.time() + num(spec, "date_s", 2), usegmt=True)))
    elif v == "pastdate":
        out.append(("Retry-After", "Wed, 21 Oct 2015 07:28:00 GMT"))
    elif v is not None:
        out.append(("Retry-After", v))
    if "retry_after_ms" in spec:
        out.append(("retry-after-ms", spec["retry_after_ms"]))
    if "should_retry" in spec:
        out.append(("x-should-retry", spec["should_retry"]))
    return out


class SSE:
    """Writes events with the framing the switches ask for, inside HTTP chunks."""

    def __init__(self, c, spec, ndjson):
        self.c, self.spec, self.ndjson = c, spec, ndjson
        self.nl = {"crlf": "\r\n", "cr": "\r"}.get(spec.get("frame"), "\n")
        self.plain = "http10" in spec

    async def bytes(self, b):
        if not b:
            return
        if "drip" in self.spec:
            for i in range(len(b)):
                await self.c.send(self.wrap(b[i:i + 1]))
                await asyncio.sleep(num(self.spec, "drip") / 1000)
        elif "split" in self.spec:  # split=N: writes of N bytes, each its own TCP segment if the kernel agrees
            n = max(1, int(num(self.spec, "split")))
            for i in range(0, len(b), n):
                await self.c.send(self.wrap(b[i:i + n]))
                await asyncio.sleep(0.0005)
        else:
            await self.c.send(self.wrap(b))

    def wrap(self, b):
        return b if self.plain else b"%x\r\n%s\r\n" % (len(b), b)

    def frame(self, event, data):
        f = self.spec.get("frame")
        text = data if isinstance(data, str) else json.dumps(data, ensure_ascii="ascii" in self.spec)
        if self.ndjson:
            return (text + "\n").encode()
        nl, sp = self.nl, "" if f == "nospace" else " "
        out = ""
        if f == "comments":
            out += f": keep-alive{nl}{nl}:{nl}id: 7{nl}retry: 3000{nl}unknown: x{nl}loneword{nl}"
        if event:
            out += f"event:{sp}{event}{nl}"
        if f == "multiline" and not isinstance(data, str):
            for part in json.dumps(data, ensure_ascii=False, indent=1).split("\n"):
                out += f"data:{sp}{part}{nl}"
        else:
            out += f"data:{sp}{text}{nl}"
        return (out + nl).encode()

    async def event(self, event, data):
        await self.bytes(self.frame(event, data))

    async def end(self):
        if not self.plain:
            await self.c.send(b"0\r\n\r\n")


async def stream(c, d, spec, st):
    nd = d.route == "ollama"
    ctype = spec.get("ctype", "application/x-ndjson" if nd else "text/event-stream; charset=utf-8").replace("%2F", "/")
    h = ([] if ctype == "none" else [("Content-Type", ctype)]) + [("Cache-Control", "no-cache")] + getattr(c, "rate", RATE)
    if "http10" in spec:
        await c.send(head(200, h + [("Connection", "close")]).replace(b"HTTP/1.1", b"HTTP/1.0"))
        c.keep = False
    else:
        await c.send(head(200, h + [("Transfer-Encoding", "chunked")] + ([] if c.keep else [("Connection", "close")])))
    s = SSE(c, spec, nd)
    if spec.get("reset") == "after_headers":
        raise Abort("rst")
    evs = d.events()
    if spec.get("frame") == "bom":
        await s.bytes(b"\xef\xbb\xbf")
    at = int(num(spec, "at", 3))            # after how many token events the mid-stream fault strikes
    delay = num(spec, "token_ms", 0) / 1000
    last = len(evs) - 1
    fin = max((i for i, (_, x, _) in enumerate(evs) if x != "[DONE]"), default=0)
    n = 0
    i = -1
    for i, (event, data, inc) in enumerate(evs):
        if inc and n == at:
            await midfault(c, s, d, spec)
        if "nodone" in spec and data == "[DONE]":
            continue
        if "nofinish" in spec and isinstance(data, dict):
            if any(ch.get("finish_reason") for ch in data.get("choices", [])) or event in ("message_delta", "message_stop", "response.completed"):
                continue
        if spec.get("truncate") == "nofinal_newline" and i == last:
            await s.bytes(s.frame(event, data).rstrip(b"\r\n"))
            continue
        if "hangdone" in spec and data == "[DONE]":
            await s.event(event, data)
            st["completed"] += 1
            await asyncio.sleep(num(spec, "hangdone"))
            continue
        await s.event(event, data)
        if spec.get("dup") == "all" or (spec.get("dup") == "content" and inc) or (spec.get("dup") == "final" and not inc and i > 2):
            await s.event(event, data)
        if inc:
            n += 1
            st["tokens_generated"] += 1
            if delay:
                await asyncio.sleep(delay)
        if "pings" in spec and not nd:
            await s.bytes(b": ping\n\n")
    if spec.get("after_done") == "garbage":
        await s.bytes(b"data: {\"oops\n\n")
    await s.end()
    st["completed"] += 1


async def midfault(c, s, d, spec):
    m = spec.get("mid")
    if spec.get("reset") == "mid":
        raise Abort("rst")
    if spec.get("truncate") == "fin":       # TCP FIN inside the chunked body
        raise Abort("fin")
    if spec.get("truncate") == "halfevent":  # FIN in the middle of one event
        await s.bytes(b'data: {"id":"x","choices":[{"index":0,"del')
        raise Abort("fin")
    if spec.get("truncate") == "eof":       # a well-formed HTTP end, but no finish and no [DONE]
        await s.end()
        c.keep = False
        raise Abort("fin")
    if "stall" in spec:
        await asyncio.sleep(num(spec, "stall"))
    if "stall_pings" in spec:
        end = time.monotonic() + num(spec, "stall_pings")
        while time.monotonic() < end:
            await s.bytes(b": ping\n\n")
            await asyncio.sleep(0.1)
    if m == "garbage":
        await s.bytes(b"data: {not json}\n\n")
    elif m == "nan":
        await s.bytes(b'data: {"id":"x","choices":[{"index":0,"delta":{"content":"!"},"logprobs":{"content":[{"token":"!","logprob":NaN,"bytes":[33],"top_logprobs":[]}]},"finish_reason":null}]}\n\n')
    elif m == "html":
        await s.bytes(b"<html><body>502 Bad Gateway</body></html>\n\n")
    elif m == "error":
        if d.route == "messages":
            await s.event("error", error_body("anthropic", 529, "Overloaded"))
        elif d.route == "responses":
            await s.event("response.failed", {"type": "response.failed", "sequence_number": 99, "response": {"id": "resp_1", "status": "failed", "error": {"code": "server_error", "message": "injected failure"}}})
        else:
            await s.event(None, error_body(spec.get("body", "openai"), 503))
        if spec.get("then") != "continue":
            if spec.get("then") == "done":
                await s.event(None, "[DONE]")
            await s.end()
            c.keep = False
            raise Abort("fin")
    elif m == "badutf8":
        await s.bytes(b'data: {"id":"x","choices":[{"index":0,"delta":{"content":"\xff\xfe\x80"},"finish_reason":null}]}\n\n')
    elif m == "surrogate":
        await s.bytes(b'data: {"id":"x","choices":[{"index":0,"delta":{"content":"\\ud83d"},"finish_reason":null}]}\n\n')
        await s.bytes(b'data: {"id":"x","choices":[{"index":0,"delta":{"content":"\\ude42"},"finish_reason":null}]}\n\n')
    elif m == "emptychoices":
        await s.event(None, {"id": "x", "object": "chat.completion.chunk", "choices": []})
        await s.event(None, {"id": "x", "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": None, "finish_reason": None}]})
        await s.event(None, {"id": "x", "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": None, "role": None}}]})
        await s.event(None, {"id": "x"})
        await s.event(None, {})
    elif m == "unknown":
        await s.event("something.new", {"type": "something.new", "payload": {"x": 1}, "choices": []})
    elif m == "bigline":
        size = int(num(spec, "bytes", 64 << 20))
        await c.send(b"%x\r\n" % size, drain=False)
        pre = b"data: "
        await c.send(pre)
        left = size - len(pre)
        block = b"A" * 65536
        while left > 0:
            await c.send(block[:min(left, 65536)])
            left -= 65536
        await c.send(b"\r\n")
    elif m == "endless":
        end = time.monotonic() + num(spec, "endless_s", 30)
        while time.monotonic() < end:
            for _ in range(50):
                await s.event(None, {"id": "x", "choices": [{"index": 0, "delta": {"content": "la "}, "finish_reason": None}]})
            await asyncio.sleep(0)


async def handle(c, method, target, headers, body_bytes):
    # A proxy is given whole addresses, and hosts to connect to.
    path, _, query = re.sub(r"^http://[^/]*", "", target).partition("?")
    if method == "CONNECT":
        path = "/f/id=" + target.partition(".")[0] + "/connect"
    if path == "/__stats":
        ids = {query[3:]: STATS.get(query[3:])} if query.startswith("id=") else STATS
        return await send_json(c, 200, {"global": GLOBAL, "ids": ids})
    if path == "/__reset":
        STATS.clear()
        GLOBAL["max_open_connections"] = GLOBAL["open_connections"]
        return await send_json(c, 200, {})
    m = re.match(r"^/f/([^/]*)(/.*)$", path)
    spec, path = (parse_spec(m.group(1)), m.group(2)) if m else ({}, path)
    c.id = spec.get("id", "")
    st = stat(c.id)
    st["requests"] += 1
    st["in_flight"] += 1
    st["max_in_flight"] = max(st["max_in_flight"], st["in_flight"])
    st["arrivals"] = (st["arrivals"] + [round(time.monotonic(), 4)])[-200:]
    st["seen"] = (st["seen"] + [{"side": c.side, "method": method, "target": target, "headers": headers,
                                 "peer": (c.w.get_extra_info("peername") or (None, 0))[1],
                                 "body_bytes": len(body_bytes),
                                 **({"body": body_bytes.hex()} if "keep_body" in spec else {})}])[-50:]
    c.rate = rate_headers(spec)
    try:
        await respond(c, method, path, headers, body_bytes, spec, st)
    except Abort as a:
        if a.how == "rst":
            c.rst()
        c.keep = False
    except (ConnectionError, asyncio.CancelledError, BrokenPipeError):
        st["client_aborts"] += 1
        raise
    finally:
        st["in_flight"] -= 1


async def respond(c, method, path, headers, body_bytes, spec, st):
    times = num(spec, "times", float("inf"))
    faulty = st["requests"] <= times + num(spec, "skip", 0) and st["requests"] > num(spec, "skip", 0)
    if "concurrency" in spec and st["in_flight"] > num(spec, "concurrency"):
        st["rejected"] += 1
        return await send_json(c, 429, error_body("openai", 429, "too many requests at once"), [("Retry-After", "1")])
    if "rps" in spec:
        now = time.monotonic()
        if sum(1 for t in st["arrivals"] if now - t < 1) > num(spec, "rps"):
            st["rejected"] += 1
            return await send_json(c, 429, error_body("openai", 429, "rate"), [("Retry-After", "1")])
    if not faulty:
        spec = {k: v for k, v in spec.items() if k in ("id", "tokens", "token_ms", "usage", "usage_force")}
    if "quote" in spec:
        spec = {**spec, "quote": headers.get("x-api-key") or headers.get("authorization", "").removeprefix("Bearer ")}
    key = spec.get("need_key")
    if key and headers.get("authorization") != f"Bearer {key}" and headers.get("x-api-key") != key:
        return await send_json(c, 401, error_body("openai", 401, "Incorrect API key provided"))
    if "ttfb" in spec:
        await asyncio.sleep(num(spec, "ttfb"))
    if spec.get("reset") == "before":
        raise Abort("rst")
    if spec.get("reset") == "fin":
        raise Abort("fin")
    if spec.get("reset") == "garbage":
        await c.send(b"SSH-2.0-OpenSSH_9.2\r\n")
        raise Abort("fin")
    if "redirect" in spec:
        code = int(num(spec, "code", 307))
        rest = path
        where = {"other": URLS["other"] + "/f/id=" + spec.get("id", "") + rest,
                 "same": URLS["url"] + "/f/id=" + spec.get("id", "") + rest,
                 "relative": "/f/id=" + spec.get("id", "") + rest,
                 "port": URLS["other_port"] + "/f/id=" + spec.get("id", "") + rest,
                 "loop": "/f/redirect=loop,id=" + spec.get("id", "") + rest,
                 "file": "file:///etc/passwd", "gopher": "gopher://127.0.0.1:1/_x",
                 "downgrade": URLS["url"] + "/f/id=" + spec.get("id", "") + rest}[spec["redirect"]]
        return await send_json(c, code, {}, [("Location", where)])
    if "status" in spec:
        status = int(num(spec, "status", 500))
        kind = spec.get("body", "openai")
        extra = retry_after_headers(spec)
        st["rejected"] += 1
        if kind == "html":
            return await send_json(c, status, None, extra, raw=b"<html><body><h1>%d</h1>nginx</body></html>" % status, ctype="text/html")
        if kind == "empty":
            return await send_json(c, status, None, extra, raw=b"", ctype=None)
        if kind == "badjson":
            return await send_json(c, status, None, extra, raw=b'{"error": {"mess')
        if kind == "echo":
            return await send_json(c, status, error_body("openai", status, "you sent " + json.dumps(headers)), extra)
        if kind == "big":
            return await send_json(c, status, error_body("openai", status, "x" * int(num(spec, "bytes", 32 << 20))), extra)
        if kind == "control":
            return await send_json(c, status, error_body("openai", status, "line1\r\nFAKE LOG \x1b[31mred\x00"), extra)
        return await send_json(c, status, error_body(kind, status), extra)
    told = about_models(path, spec.get("as"), spec)
    if told is not None:
        return await send_json(c, 200, told)
    if path in ("/tokenize", "/detokenize", "/apply-template"):
        return await send_json(c, 200, tokens_answer(path, json.loads(body_bytes), spec))
    if path in ("/v1/load_lora_adapter", "/v1/unload_lora_adapter") and spec.get("as") == "vllm":
        status, told = change_adapters(path, json.loads(body_bytes), spec)
        if isinstance(told, str):
            return await send_json(c, status, None, raw=told.encode(), ctype="text/plain")
        return await send_json(c, status, told)
    route = ROUTES.get(path)
    if route is None:
        return await send_json(c, 404, error_body("openai", 404, "no such path"))
    if spec.get("early") == "413":           # answered before the body is read; see read_request
        await send_json(c, 413, error_body("openai", 413))
        # A polite server reads on for a while: closed with bytes unread, a connection loses the answer too.
        try:
            await asyncio.wait_for(discard(c.r), 5)
        except asyncio.TimeoutError:
            pass
        return
    try:
        body = json.loads(body_bytes or b"{}")
        assert isinstance(body, dict)
    except (ValueError, AssertionError):
        return await send_json(c, 400, error_body("openai", 400, "the request body is not a JSON object"))
    if spec.get("as") == "vllm" and body.get("model") not in {"fault-model", *ADAPTERS.get(spec.get("id", ""), {})}:
        return await send_json(c, 404, error_body("vllm", 404, "The model does not exist."))
    if route == "completions" and body.get("echo") and isinstance(body.get("prompt"), list):
        return await send_json(c, 200, echo_answer(body, spec))
    if route == "completions" and body.get("echo"):
        return await send_json(c, 200, echoed_text(body, spec))
    if route == "completions" and body.get("logit_bias") and isinstance(body.get("prompt"), list):
        return await send_json(c, 200, forced_answer(body, spec))
    if route == "completions" and isinstance(body.get("logprobs"), int) and isinstance(body.get("prompt"), list):
        return await send_json(c, 200, listed_answer(body, spec))
    if "tops" in spec and route in ("chat", "completions"):
        return await send_json(c, 200, listed_texts_answer(route, body, spec))
    d = Dialect(route, body, spec)
    st["billed_requests"] += 1
    if spec.get("reset") == "billed":        # the work is done and charged, the answer is lost
        st["tokens_generated"] += len(d.toks)
        raise Abort("rst")
    want_stream = body.get("stream", route == "ollama") is True and route not in ("embeddings", "embed")
    if want_stream and spec.get("ignore_stream"):
        want_stream = False
    if "headerbomb" in spec:
        await c.send(b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-Fill-%d: %s\r\n" % (i, b"a" * 8000) for i in range(int(num(spec, "headerbomb", 1000)))))
        await c.send(b"Content-Length: 2\r\n\r\n{}")
        return
    if want_stream:
        return await stream(c, d, spec, st)
    if num(spec, "token_ms"):
        await asyncio.sleep(num(spec, "token_ms") / 1000 * len(d.toks))
    st["tokens_generated"] += len(d.toks)
    data = json.dumps(d.whole(), ensure_ascii=False).encode()
    n = spec.get("nonstream")
    if n == "garbage":
        return await send_json(c, 200, None, raw=b"{not json")
    if n == "empty":
        return await send_json(c, 200, None, raw=b"")
    if n == "html":
        return await send_json(c, 200, None, raw=b"<html>captive portal</html>", ctype="text/html")
    if n == "nochoices":
        return await send_json(c, 200, {"id": "x", "object": "chat.completion", "choices": []})
    if n == "nullcontent":
        return await send_json(c, 200, {"id": "x", "object": "chat.completion", "choices": [{"index": 0, "message": {"role": "assistant", "content": None}, "finish_reason": "stop"}]})
    if n == "error200":
        return await send_json(c, 200, error_body("openai", 500))
    if n == "deep":
        return await send_json(c, 200, None, raw=b'{"a":' * 20000 + b"1" + b"}" * 20000)
    if n == "clen_short":                     # says more bytes than it sends, then closes
        await c.send(head(200, [("Content-Type", "application/json"), ("Content-Length", str(len(data) + 50))]) + data)
        raise Abort("fin")
    if n == "clen_cut":                       # the right length, half of the bytes
        await c.send(head(200, [("Content-Type", "application/json"), ("Content-Length", str(len(data)))]) + data[:len(data) // 2])
        raise Abort("fin")
    if n == "big":
        size = int(num(spec, "bytes", 256 << 20))
        await c.send(head(200, [("Content-Type", "application/json"), ("Content-Length", str(size))]))
        block = b" " * 65536
        while size > 0:
            await c.send(block[:min(size, 65536)])
            size -= 65536
        return
    if n == "gzipbomb":
        comp = zlib.compressobj(9, zlib.DEFLATED, 31)
        out = b"".join(comp.compress(b" " * (1 << 20)) for _ in range(int(num(spec, "mib", 512)))) + comp.flush()
        return await send_json(c, 200, None, [("Content-Encoding", "gzip")], raw=out)
    if n == "gzip":
        return await send_json(c, 200, None, [("Content-Encoding", "gzip")], raw=gzip.compress(data))
    if "cookie" in spec:
        await send_json(c, 200, None, [("Set-Cookie", "sid=abc; Path=/")], raw=data)
    else:
        await send_json(c, 200, None, raw=data)
    st["completed"] += 1
    if "stale" in spec:                       # closes the kept-alive connection without saying so
        c.keep = False


async def read_request(c):
    try:
        first = await c.line()
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    if not first:
        return None
    method, target, version = first.decode("latin-1").split(" ", 2)
    headers = {}
    while True:
        ln = await c.line()
        if not ln:
            break
        k, _, v = ln.decode("latin-1").partition(":")
        headers[k.strip().lower()] = v.strip()
    if headers.get("connection", "").lower() == "close" or version == "HTTP/1.0":
        c.keep = False
    if "early=413" in target:
        c.keep = False
        return method, target, headers, b""
    if headers.get("expect", "").lower() == "100-continue" and "noexpect" not in target:
        await c.send(b"HTTP/1.1 100 Continue\r\n\r\n")
    if headers.get("transfer-encoding", "").lower() == "chunked":
        body = b""
        while True:
            size = int((await c.line()).split(b";")[0], 16)
            body += await c.r.readexactly(size)
            await c.line()
            if size == 0:
                break
    else:
        body = await c.r.readexactly(int(headers.get("content-length", "0")))
    return method, target, headers, body


async def connection(reader, writer, side):
    GLOBAL["connections"] += 1
    GLOBAL["open_connections"] += 1
    GLOBAL["max_open_connections"] = max(GLOBAL["max_open_connections"], GLOBAL["open_connections"])
    c = Conn(reader, writer, side)
    watch = None
    try:
        while c.keep:
            req = await read_request(c)
            if req is None:
                break
            # The handler is cancelled when the client goes away (so an abort is counted even
            # while the server sleeps): a task reads on; nothing may come before the answer ends.
            job = asyncio.ensure_future(handle(c, *req))
            watch = asyncio.ensure_future(gone(c))
            await asyncio.wait({job, watch}, return_when=asyncio.FIRST_COMPLETED)
            if not job.done():
                job.cancel()
            try:
                await job
            finally:
                watch.cancel()
    except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError, ValueError, asyncio.LimitOverrunError):
        pass
    finally:
        GLOBAL["open_connections"] -= 1
        if watch:
            watch.cancel()
        try:
            writer.close()
        except Exception:
            pass
        if c.id in STATS:
            STATS[c.id]["closed"] += 1


async def discard(reader):
    while await reader.read(65536):
        pass


async def gone(c):
    """Ends when the peer closed (EOF or reset); bytes of a pipelined request stay unread."""
    while not c.r.at_eof() and c.r.exception() is None:
        await asyncio.sleep(0.05 if GLOBAL["open_connections"] < 500 else 1.0)


def make_certs(folder):
    """Self-signed certificates with the openssl command: good, wrong host, expired."""
    def run(*a):
        return subprocess.run(["openssl", *a], capture_output=True, cwd=folder).returncode == 0
    ok = run("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "cert.pem", "-days", "30",
             "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1")
    run("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "wkey.pem", "-out", "wcert.pem", "-days", "30",
        "-subj", "/CN=example.invalid", "-addext", "subjectAltName=DNS:example.invalid")
    run("req", "-new", "-key", "key.pem", "-subj", "/CN=localhost", "-out", "exp.csr")
    run("x509", "-req", "-in", "exp.csr", "-signkey", "key.pem", "-days", "-1", "-out", "expired.pem")
    return ok


async def main():
    a = argparse.ArgumentParser()
    a.add_argument("--port", type=int, default=0)
    a.add_argument("--other-port", type=int, default=0)
    a.add_argument("--tls-port", type=int, default=0)
    a.add_argument("--tls-dir", default="", help="where certificates are made or found; empty: a temporary folder")
    a.add_argument("--no-tls", action="store_true")
    a.add_argument("--ready-file", default="")
    a.add_argument("--seconds", type=float, default=600)
    a.add_argument("--stdin-guard", action="store_true", help="stop when standard input ends, as it does with its owner")
    o = a.parse_args()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65536), hard))
    except (ValueError, OSError):
        pass

    async def listen(host, port, side, context=None):
        s = await asyncio.start_server(lambda r, w: connection(r, w, side), host, port, backlog=16384,
                                       limit=1 << 20, ssl=context)
        return s, s.sockets[0].getsockname()[1]

    servers = []
    s, p = await listen("127.0.0.1", o.port, "main")
    servers.append(s)
    URLS["url"] = f"http://127.0.0.1:{p}"
    try:
        s, p = await listen("127.0.0.2", o.other_port, "other")
        URLS["other"] = f"http://127.0.0.2:{p}"
    except OSError:                          # macOS has only one loopback address; another name will do
        s, p = await listen("127.0.0.1", o.other_port, "other")
        URLS["other"] = f"http://localhost:{p}"
    servers.append(s)
    s, p = await listen("127.0.0.1", 0, "otherport")
    servers.append(s)
    URLS["other_port"] = f"http://127.0.0.1:{p}"
    made_folder = ""
    if not o.no_tls:
        if not o.tls_dir:
            made_folder = tempfile.mkdtemp(prefix="fault-tls-")
        folder = o.tls_dir or made_folder
        os.makedirs(folder, exist_ok=True)
        if not os.path.exists(os.path.join(folder, "cert.pem")):
            make_certs(folder)
        for name, cert, key in (("tls", "cert.pem", "key.pem"), ("tls_wrong_host", "wcert.pem", "wkey.pem"), ("tls_expired", "expired.pem", "key.pem")):
            cp = os.path.join(folder, cert)
            if not os.path.exists(cp):
                continue
            ctx = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            ctx.load_cert_chain(cp, os.path.join(folder, key))
            s, p = await listen("127.0.0.1", o.tls_port if name == "tls" else 0, name, ctx)
            servers.append(s)
            URLS[name] = f"https://127.0.0.1:{p}"
            URLS[name + "_ca"] = cp
        URLS["ca"] = os.path.join(folder, "cert.pem")
    line = json.dumps({**URLS, "pid": os.getpid()})
    print(line, flush=True)
    if o.ready_file:
        with open(o.ready_file + ".tmp", "w") as f:
            f.write(line + "\n")
        os.replace(o.ready_file + ".tmp", o.ready_file)
    stop = asyncio.Event()
    for sig in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(sig, stop.set)
    if o.stdin_guard:
        loop = asyncio.get_running_loop()
        threading.Thread(target=lambda: (sys.stdin.read(), loop.call_soon_threadsafe(stop.set)), daemon=True).start()
    try:
        await asyncio.wait_for(stop.wait(), o.seconds)
    except asyncio.TimeoutError:
        pass
    if made_folder:
        shutil.rmtree(made_folder, ignore_errors=True)
    os._exit(0)


if __name__ == "__main__":
    asyncio.run(main())
