"""Measures debates on llama.cpp's own server on request, one a line, so that another program can take turns with it.

    python llama_server_rates.py MODEL.gguf THREADS [LLAMA-SERVER]

With the path of llama.cpp's own program `llama-server`, built for this machine (-DGGML_NATIVE=ON), it needs nothing else.
Without, it needs xllamacpp, which has the server inside; Scripts/real-server --install makes an environment with it, but
that wheel is built for AVX2. The server runs five slots with continuous batching and its prompt cache.
Reads lines from standard input and answers each with tokens per second:

    debate R S Q P N   S requests at once, N tokens each, after one question of Q tokens and P tokens of their own;
                       R chooses the question

The first line of output names the build.
"""
import http.client
import json
import random
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request

SLOTS = 5
CONTEXT = SLOTS * 1024


class Program:
    """llama.cpp's program, in a process of its own that ends with this one."""

    def __init__(self, program, path, threads):
        version = subprocess.run([program, "--version"], capture_output=True, text=True)
        lines = (version.stdout + version.stderr).splitlines()
        self.build = next((line for line in lines if line.startswith("version")), "of unknown version")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.process = subprocess.Popen(
            [program, "-m", path, "--host", "127.0.0.1", "--port", str(port), "-t", str(threads), "-tb", str(threads),
             "-np", str(SLOTS), "-c", str(CONTEXT), "-ngl", "0", "--no-webui"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        self.address = f"http://127.0.0.1:{port}"

    def close(self):
        self.process.kill()
        self.process.wait()


class Library:
    """The server that is inside xllamacpp."""

    def __init__(self, path, threads):
        import xllamacpp

        values = xllamacpp.CommonParams()
        values.model.path = path
        if hasattr(values, "hostnames"):
            values.hostnames = ["127.0.0.1"]
        else:
            values.hostname = "127.0.0.1"
        values.port = 0
        values.n_parallel = SLOTS
        values.n_ctx = CONTEXT
        values.cpuparams.n_threads = threads
        values.cpuparams_batch.n_threads = threads
        values.n_gpu_layers = 0
        values.verbosity = 0
        self.server = xllamacpp.Server(values)
        self.address = self.server.listening_address
        self.build = f"in xllamacpp {xllamacpp.__version__} (built for AVX2)"

    def close(self):
        pass


class Server:
    def __init__(self, server):
        self.address = urllib.parse.urlparse(server.address)
        deadline = time.monotonic() + 60
        while True:
            try:
                if urllib.request.urlopen(server.address + "/health", timeout=5).status == 200:
                    break
            except OSError:
                if time.monotonic() > deadline:
                    raise SystemExit("The server does not answer.")
                time.sleep(0.05)
        generator = random.Random(1)
        self.tokens = [generator.randrange(300, 40000) for _ in range(8192)]

    def ask(self, prompt, count):
        connection = http.client.HTTPConnection(self.address.hostname, self.address.port, timeout=300)
        request = {
            "prompt": prompt,
            "n_predict": count,
            "temperature": 0,
            "ignore_eos": True,
            "cache_prompt": True,
        }
        connection.request("POST", "/completion", json.dumps(request), {"Content-Type": "application/json"})
        answer = json.loads(connection.getresponse().read())
        connection.close()
        return answer["tokens_predicted"]

    def debate(self, turn, sequences, question, own, count):
        text = self.tokens[37 * turn : 37 * turn + question]
        prompts = [text + self.tokens[4096 + 11 * s : 4096 + 11 * s + own] for s in range(sequences)]
        written = [0] * sequences

        def speak(speaker):
            written[speaker] = self.ask(prompts[speaker], count)

        start = time.perf_counter()
        threads = [threading.Thread(target=speak, args=(speaker,)) for speaker in range(sequences)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sum(written) / (time.perf_counter() - start)


def main():
    path, threads, *program = sys.argv[1:]
    # So that the server ends with this process, however it ends.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    running = Program(program[0], path, int(threads)) if program else Library(path, int(threads))
    try:
        server = Server(running)
        print(f"llama.cpp's server {running.build}, {SLOTS} slots", flush=True)
        for line in sys.stdin:
            command, *numbers = line.split()
            if command != "debate":
                print("unknown", flush=True)
                continue
            print(server.debate(*[int(number) for number in numbers]), flush=True)
    finally:
        running.close()


if __name__ == "__main__":
    main()
