#!/usr/bin/env python3
"""Writes randomly damaged GGUF and safetensors files, labelled by the oracle. Standard library only, deterministic.

    python make_mutations.py OUT_DIR SEED COUNT

OUT_DIR gets the files and manifest.json, in the form of make_corpus.py's; the outcome is never "bounded".
"""
import json
import os
import random
import struct
import sys

from corpuslib import *

WORDS = [0, 1, 2, 7, 8, 12, 13, 31, 32, 33, 64, 255, 256, 65535, 65536, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 61,
         2 ** 62, 2 ** 63 - 1, 2 ** 63, 2 ** 64 - 32, 2 ** 64 - 8, 2 ** 64 - 1]
TEXTS = [b"{", b"}", b"[", b"]", b",", b":", b'"', b"\\", b"0", b"-1", b"1.0", b"1e3", b"null", b"true", b" ", b"\n", b"\0", b"\xff",
         b"\\u0061", b"\\ud83d\\ude42", b'"a"', b'"b":1,', b"18446744073709551616", b"[0,16]", b'"shape"', b'"F32"', b"F4"]


def bases():
    yield "gguf", small().build()
    yield "gguf", small(64).build()
    yield "gguf", Gguf().add_kv("n", ARR, (ARR, [(U8, [1, 2]), (STR, ["x", "yz"])])).add_tensor("q", [256, 2], 12).build()
    yield "gguf", model().build()[:6000]
    a = {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}
    b = {"dtype": "F16", "shape": [4], "data_offsets": [16, 24]}
    e = {"dtype": "BF16", "shape": [0, 5], "data_offsets": [24, 24]}
    yield "safetensors", st({"__metadata__": {"format": "pt"}, "a": a, "b": b}, bytes(range(24)))
    yield "safetensors", st({"b": b, "a": a, "e": e}, bytes(range(24)))
    yield "safetensors", st('{ "a\\u0062" :{"x":[{"y":1}],"dtype":"U8","shape":[],"data_offsets":[0,1]}}  ', b"z")


def damage(rng, kind, data):
    b = bytearray(data)
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        if not b:
            break
        at = rng.randrange(len(b))
        act = rng.randrange(7)
        if act == 0:
            b[at] ^= 1 << rng.randrange(8)
        elif act == 1:
            b[at] = rng.choice([0, 1, 2, 127, 128, 255])
        elif act == 2:
            word = struct.pack(*rng.choice([("<Q", rng.choice(WORDS)), ("<I", rng.choice(WORDS) & 0xFFFFFFFF)]))
            at = max(0, min(at, len(b) - len(word)))
            b[at:at + len(word)] = word
        elif act == 3:
            del b[at:at + rng.choice([1, 1, 2, 8, 40])]
        elif act == 4:
            part = bytes(b[at:at + rng.choice([1, 4, 8, 30, 100])])
            to = rng.randrange(len(b) + 1)
            b[to:to] = part
        elif act == 5:
            b = b[:at]
        else:
            b[at:at + rng.choice([0, 1, 3])] = rng.choice(TEXTS)
    if kind == "safetensors" and rng.random() < 0.7 and len(b) > 8:
        # Damage to the text moves the data: put the length right, so that the rest of the checks are reached.
        end = bytes(b).rfind(b"}") + 1
        if end > 8:
            b[:8] = struct.pack("<Q", end - 8)
    return bytes(b)


def write(out, seed, count):
    rng = random.Random(seed)
    kinds = list(bases())
    oracle = {"gguf": check_gguf, "safetensors": check_safetensors}
    man = []
    os.makedirs(out, exist_ok=True)
    for i in range(count):
        kind, base = rng.choice(kinds)
        data = damage(rng, kind, base)
        ok, code = oracle[kind](data)
        name = f"{i:05d}.{kind}"
        with open(os.path.join(out, name), "wb") as h:
            h.write(data)
        man.append({"file": name, "kind": kind, "expect": "accept" if ok else "reject", "why": f"seed {seed}", "code": code})
    with open(os.path.join(out, "manifest.json"), "w") as h:
        json.dump(man, h)


if __name__ == "__main__":
    write(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
