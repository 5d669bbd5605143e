"""Measures sentence-transformers on request, so that another program can take turns with it.

    python sentence_rates.py FOLDER THREADS

Needs the PyPI packages sentence-transformers and torch. Reads lines from standard input and answers each with texts a
second:

    embed TEXTS.json    embedding every text of a JSON list, 32 at a time, sorted by length

The first line of output names the build.
"""
import json
import sys
import time

import sentence_transformers
import torch

torch.set_num_threads(int(sys.argv[2]))
model = sentence_transformers.SentenceTransformer(sys.argv[1], device="cpu")
print("sentence-transformers", sentence_transformers.__version__, "torch", torch.__version__, flush=True)
for line in sys.stdin:
    with open(line.split(maxsplit=1)[1].strip(), encoding="utf-8") as file:
        texts = json.load(file)
    rounds = max(1, 8 // len(texts))
    start = time.perf_counter()
    for _ in range(rounds):
        model.encode(texts, batch_size=32, normalize_embeddings=True)
    print(rounds * len(texts) / (time.perf_counter() - start), flush=True)
