"""Measures Hugging Face's tokenizers on request, so that another program can take turns with it.

    python hf_tokenizers_rates.py tokenizer.json 1

Needs the PyPI package tokenizers. Reads lines from standard input and answers each with a number:

    encode TEXTS.json    encoding every text of a JSON list, megabytes of UTF-8 a second
    decode TEXTS.json    decoding their tokens, megabytes of text a second

The first line of output names the build.
"""
import json
import sys
import time

import tokenizers

tokenizer = tokenizers.Tokenizer.from_file(sys.argv[1])
tokenizer.no_truncation()
tokenizer.no_padding()
print("tokenizers", tokenizers.__version__, flush=True)
for line in sys.stdin:
    command, path = line.split(maxsplit=1)
    with open(path.strip(), encoding="utf-8") as file:
        texts = json.load(file)
    size = sum(len(text.encode()) for text in texts)
    tokens = [tokenizer.encode(text).ids for text in texts] if command == "decode" else None
    start = time.perf_counter()
    if command == "encode":
        for text in texts:
            tokenizer.encode(text)
    else:
        for ids in tokens:
            tokenizer.decode(ids)
    print(size / 1e6 / (time.perf_counter() - start), flush=True)
