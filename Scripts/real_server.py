"""Runs llama.cpp's own HTTP server, with a real model, on loopback.

    Scripts/real-server --install    make it ready, once (34 MB), with what some tests need besides, and stop
    Scripts/real-server              make it ready if need be, start it, and serve until Ctrl-C
    Scripts/real-server --port 8080 --api-key K --embedding --model FILE.gguf

The server is inside the Python package xllamacpp. It is installed with pip into an environment of its own in the
user's cache (COLLAB_VENV names another place), so nothing of the system's changes.

When the server answers, one line of JSON is printed: {"url": …, "model": …, "pid": …}. With --stdin-guard it stops
when its standard input ends, that is, together with the program that started it.
"""

import argparse
import contextlib
import fcntl
import json
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time
import urllib.request

PACKAGE = "xllamacpp==2026.10.11549"
# Speaks HTTP/2, for the tests of the transport. No server needs it.
FURTHER = "hypercorn==0.18.0"
MODEL = "SmolLM2-135M-Instruct.Q4_1.gguf"
SCRIPTS = pathlib.Path(__file__).resolve().parent


class Failure(Exception):
    """What went wrong and what to do, in words for the user."""


def models_folder():
    answer = subprocess.run(
        [sys.executable, str(SCRIPTS / "fetch_models.py"), "--path"], capture_output=True, text=True, check=True
    )
    return pathlib.Path(answer.stdout.strip())


# Installing


def environment_folder():
    if os.environ.get("COLLAB_VENV"):
        return pathlib.Path(os.environ["COLLAB_VENV"]).expanduser().absolute()
    if os.environ.get("XDG_CACHE_HOME"):
        caches = pathlib.Path(os.environ["XDG_CACHE_HOME"])
    elif sys.platform == "darwin":
        caches = pathlib.Path.home() / "Library" / "Caches"
    else:
        caches = pathlib.Path.home() / ".cache"
    return caches / "collab" / "venv"


def run(*command):
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return result.returncode == 0, result.stdout


def make_environment(folder):
    made, output = run(sys.executable, "-m", "venv", "--clear", str(folder))
    if not made and sys.platform != "darwin":
        # Debian keeps what venv needs in a package of its own.
        subprocess.run(
            [str(SCRIPTS / "install-packages"), "--apt", "python3-venv", "--brew", "python3",
             "--why", "the tests talk to a real server"],
            check=True,
        )
        made, output = run(sys.executable, "-m", "venv", "--clear", str(folder))
    if not made:
        raise Failure(f"python3 could not make an environment in {folder}:\n{output}")


def install_further(python):
    """Adds what some tests need and no server does; without it they are skipped."""
    mark = environment_folder() / "further"
    if mark.exists() and mark.read_text() == FURTHER:
        return
    print(f"Installing {FURTHER} into {environment_folder()}", file=sys.stderr, flush=True)
    done, output = run(str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", FURTHER)
    if done:
        mark.write_text(FURTHER)
    else:
        print(f"pip could not install {FURTHER}; the tests that need it are skipped:\n{output}", file=sys.stderr)


def install():
    """Makes the environment if it is not there, and returns its python3."""
    folder = environment_folder()
    python = folder / "bin" / "python3"
    mark = folder / "installed"
    if python.exists() and mark.exists() and mark.read_text() == PACKAGE:
        return python
    folder.parent.mkdir(parents=True, exist_ok=True)
    with open(folder.parent / "venv.lock", "w") as lock:
        # A second run waits here and then finds everything done.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if python.exists() and mark.exists() and mark.read_text() == PACKAGE:
            return python
        print(f"Installing {PACKAGE} into {folder}", file=sys.stderr, flush=True)
        make_environment(folder)
        done, output = run(
            str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary=:all:", PACKAGE
        )
        if not done:
            raise Failure(f"pip could not install {PACKAGE}:\n{output}")
        mark.write_text(PACKAGE)
    return python


# Serving


def parameters(options):
    import xllamacpp

    values = xllamacpp.CommonParams()
    values.model.path = str(options.model)
    if hasattr(values, "hostnames"):
        values.hostnames = ["127.0.0.1"]
    else:
        values.hostname = "127.0.0.1"
    values.port = options.port
    values.n_parallel = options.slots
    values.n_ctx = options.slots * options.context
    values.cpuparams.n_threads = options.threads
    values.cpuparams_batch.n_threads = options.threads
    values.n_gpu_layers = 0
    values.api_keys = options.api_key
    values.embedding = options.embedding
    if options.embedding:
        values.pooling_type = getattr(xllamacpp.llama_pooling_type, "LLAMA_POOLING_TYPE_" + options.pooling.upper())
    values.sse_ping_interval = options.ping
    values.warmup = False
    values.verbosity = 0
    with contextlib.suppress(TypeError):
        values.model_alias = {options.alias}
    return values


def wait_until_healthy(url):
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            with urllib.request.urlopen(url + "/health", timeout=5) as answer:
                if answer.status == 200:
                    return
        time.sleep(0.05)
    raise Failure("The server did not become ready within two minutes.")


def serve(options):
    import xllamacpp

    server = xllamacpp.Server(parameters(options))
    wait_until_healthy(server.listening_address)
    facts = {"url": server.listening_address, "model": options.alias, "pid": os.getpid()}
    print(json.dumps(facts), flush=True)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    if options.stdin_guard:
        threading.Thread(target=lambda: (sys.stdin.read(), stop.set()), daemon=True).start()
    stop.wait(options.seconds)
    # The server's threads may be in the middle of a token; there is nothing to save.
    os._exit(0)


def main():
    parser = argparse.ArgumentParser(prog="Scripts/real-server", description=__doc__.splitlines()[0])
    parser.add_argument("--install", action="store_true", help="make it ready and stop")
    parser.add_argument("--model", type=pathlib.Path, help=f"a GGUF file (default: {MODEL} of the models folder)")
    parser.add_argument("--alias", default="smollm2", help="the name under which the model is offered")
    parser.add_argument("--port", type=int, default=0, help="0 takes any free one")
    parser.add_argument("--api-key", action="append", default=[])
    parser.add_argument("--slots", type=int, default=4, help="how many requests are served at once")
    parser.add_argument("--context", type=int, default=2048, help="tokens a slot")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--embedding", action="store_true", help="offer embeddings too")
    parser.add_argument("--pooling", choices=["mean", "cls", "last"], default="mean", help="how they are pooled")
    parser.add_argument("--ping", type=int, default=30, help="seconds between comments that keep a stream open")
    parser.add_argument("--seconds", type=float, default=86_400, help="stop after so long")
    parser.add_argument("--stdin-guard", action="store_true", help="stop when standard input ends")
    options = parser.parse_args()

    python = install()
    if options.install:
        install_further(python)
        return 0
    if pathlib.Path(sys.prefix).resolve() != environment_folder().resolve():
        os.execv(python, [str(python), *sys.argv])
    if options.model is None:
        options.model = models_folder() / MODEL
    options.model = options.model.expanduser().absolute()
    if not options.model.is_file():
        raise Failure(f"There is no {options.model}. Scripts/fetch-models fetches the models.")
    serve(options)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failure as failure:
        print(f"error: {failure}", file=sys.stderr)
        sys.exit(1)
