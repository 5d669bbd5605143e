"""Measures debates on llama.cpp's own server on request, one a line, so that another program can take turns with it.

    python llama_server_rates.py MODEL.gguf THREADS

Needs xllamacpp, which has the server inside; Scripts/real-server --install makes an environment with it. The wheel
is built for AVX2. The server runs five slots with continuous batching and its prompt cache.
Reads lines from standard input and answers each with tokens per second:

    debate R S Q P N   S requests at once, N tokens each, after one question of Q tokens and P tokens of their own;
                       R chooses the question

The first line of output names the build.
"""
import http.client
import json
import random
import sys
import threading
import time
import urllib.parse
import urllib.request

import xllamacpp

SLOTS = 5


class Server:
    def __init__(self, path, threads):
        values = xllamacpp.CommonParams()
        values.model.path = path
        if hasattr(values, "hostnames"):
            values.hostnames = ["127.0.0.1"]
        else:
            values.hostname = "127.0.0.1"
        values.port = 0
        values.n_parallel = SLOTS
        values.n_ctx = SLOTS * 1024
        values.cpuparams.n_threads = threads
        values.cpuparams_batch.n_threads = threads
        values.n_gpu_layers = 0
        values.verbosity = 0
        self.server = xllamacpp.Server(values)
        self.address = urllib.parse.urlparse(self.server.listening_address)
        while True:
            try:
                if urllib.request.urlopen(self.server.listening_address + "/health", timeout=5).status == 200:
                    break
            except OSError:
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
    server = Server(sys.argv[1], int(sys.argv[2]))
    print(f"llama.cpp's server in xllamacpp {xllamacpp.__version__} (AVX2 build), {SLOTS} slots", flush=True)
    for line in sys.stdin:
        command, *numbers = line.split()
        if command != "debate":
            print("unknown", flush=True)
            continue
        print(server.debate(*[int(number) for number in numbers]), flush=True)


if __name__ == "__main__":
    main()
