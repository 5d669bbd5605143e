#!/usr/bin/env python3
"""A chat server over HTTP/2 and TLS for client tests; needs the PyPI package hypercorn.

    python http2_server.py [--seconds 600] [--stdin-guard]

Loopback only. Prints one JSON line when ready: {"url": ..., "ca": ..., "pid": ...}. The base address of a model is
URL/MS/v1, where MS are the milliseconds between two tokens. The answer tells how it came: `HTTP/2 on 50312, stream`
with the version of the protocol and the port of the client's connection, and then `and on` as often as max_tokens says.
URL/flood/v1 writes without end. `GET /stats` counts: `streams` under way and those that clients have `left`.
"""
import argparse
import asyncio
import json
import os
import shutil
import socket
import sys
import tempfile
import threading

from hypercorn.asyncio import serve
from hypercorn.config import Config

from fault_server import make_certs

COUNTS = {"streams": 0, "left": 0}


async def answer(send, status, data, ctype):
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", ctype)]})
    await send({"type": "http.response.body", "body": data})


def event(text, finish=None):
    chunk = {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": finish}]}
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


async def write(scope, send, body, pace):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})

    async def piece(data):
        await send({"type": "http.response.body", "body": data, "more_body": True})

    if pace == "flood":
        while True:
            await piece(event("la " * 5000))
            # A stream that the client has left takes pieces without waiting.
            await asyncio.sleep(0)
    await piece(event(f"HTTP/{scope['http_version']} on {scope['client'][1]}, stream"))
    for _ in range(body.get("max_tokens") or 3):
        await asyncio.sleep(float(pace) / 1000)
        await piece(event(" and on"))
    await piece(event("", "stop") + b"data: [DONE]\n\n")
    await send({"type": "http.response.body", "body": b""})


async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    if scope["path"] == "/stats":
        return await answer(send, 200, json.dumps(COUNTS).encode(), b"application/json")
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    COUNTS["streams"] += 1
    job = asyncio.ensure_future(write(scope, send, json.loads(body), scope["path"].split("/")[1]))

    async def gone():
        while (await receive())["type"] != "http.disconnect":
            pass

    watch = asyncio.ensure_future(gone())
    await asyncio.wait({job, watch}, return_when=asyncio.FIRST_COMPLETED)
    if not job.done():
        COUNTS["left"] += 1
    job.cancel()
    watch.cancel()
    COUNTS["streams"] -= 1


async def main():
    a = argparse.ArgumentParser()
    a.add_argument("--seconds", type=float, default=600)
    a.add_argument("--stdin-guard", action="store_true", help="stop when standard input ends, as it does with its owner")
    o = a.parse_args()
    folder = tempfile.mkdtemp(prefix="http2-tls-")
    make_certs(folder)
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    listener.set_inheritable(True)
    config = Config()
    config.bind = [f"fd://{listener.fileno()}"]
    config.certfile, config.keyfile = os.path.join(folder, "cert.pem"), os.path.join(folder, "key.pem")
    config.h2_max_concurrent_streams = 1000
    config.loglevel = "CRITICAL"
    stop = asyncio.Event()
    if o.stdin_guard:
        loop = asyncio.get_running_loop()
        threading.Thread(target=lambda: (sys.stdin.read(), loop.call_soon_threadsafe(stop.set)), daemon=True).start()
    server = asyncio.ensure_future(serve(app, config, shutdown_trigger=asyncio.Event().wait))
    print(json.dumps({"url": f"https://127.0.0.1:{listener.getsockname()[1]}", "ca": config.certfile, "pid": os.getpid()}),
          flush=True)
    stopping = asyncio.ensure_future(asyncio.wait_for(stop.wait(), o.seconds))
    await asyncio.wait({server, stopping}, return_when=asyncio.FIRST_COMPLETED)
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(0)


if __name__ == "__main__":
    asyncio.run(main())
