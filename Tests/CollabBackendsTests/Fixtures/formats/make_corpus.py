#!/usr/bin/env python3
"""Writes a corpus of malformed (and some valid) model files. Standard library only, deterministic.

    python make_corpus.py OUT_DIR

OUT_DIR gets gguf/, safetensors/, index/, tokenizer/, template/ and manifest.json: a list of
  {"file", "kind": gguf|gguf-model|safetensors|index|tokenizer|template,
   "expect": reject|accept|bounded, "why": what is wrong, "code": the oracle's reason code}
reject: opening must throw an error. accept: opening must succeed. bounded: either, but within the limits.
For every file: no crash, no hang (2 s), no allocation beyond the file's size plus 64 MiB.
kind gguf is about the container alone; gguf-model files are good containers whose model must not load.
"""
import json
import os
import struct
import sys

from corpuslib import *

FILES = []


def put(kind, name, data, expect, why, oracle=None):
    """oracle: the checker to agree with (None: none for this kind)."""
    code = ""
    if oracle:
        ok, code = oracle(data)
        if expect != "bounded" and ok != (expect == "accept"):
            raise SystemExit(f"{kind}/{name}: expected {expect}, the oracle says {code}")
    FILES.append((kind, name, data, expect, why, code))


def G(name, g, why, expect="reject"):
    put("gguf", name + ".gguf", g.build() if isinstance(g, Gguf) else g, expect, why, check_gguf)


def S(name, data, why, expect="reject"):
    put("safetensors", name + ".safetensors", data, expect, why, check_safetensors)


def patched(data, at, fmt, v):
    b = bytearray(data)
    struct.pack_into(fmt, b, at, v)
    return bytes(b)


def gguf_container():
    base = small().build()
    # must load
    G("ok-base", small(), "the base", "accept")
    G("ok-align64", small(64), "general.alignment 64", "accept")
    G("ok-align8", small(8), "general.alignment 8", "accept")
    g = small(); g.version = 2; G("ok-version2", g, "version 2", "accept")
    g = Gguf(); G("ok-empty", g, "no keys, no tensors", "accept")
    g = small(); g.infos, g.blobs = [], []; G("ok-no-tensors", g, "keys only", "accept")
    g = Gguf().add_tensor("x", [32], 8); G("ok-no-keys", g, "tensors only", "accept")
    b = small().build(); G("ok-unpadded-end", b[:len(b) - pad(nbytes([64], 3), 32)], "the last tensor is not padded (llama.cpp: yes as a model, no when it reads the data itself)", "bounded")
    g = small().add_kv("t.utf8", STR, "日本語🙂"); G("ok-utf8", g, "non-ASCII text", "accept")
    g = small().add_kv("t.empty", ARR, (STR, [])).add_kv("t.emptystr", STR, ""); G("ok-empty-values", g, "empty array and string", "accept")
    g = Gguf()
    for i in range(300):
        g.add_kv(f"k.{i}", U32, i)
    G("ok-300-keys", g, "many keys", "accept")
    g = Gguf()
    for i, t in enumerate(sorted(GGML)):
        g.add_tensor(f"t{i}", [GGML[t][1], 2], t)
    G("ok-every-type", g, "one tensor of every type", "accept")
    g = Gguf().add_tensor("d4", [4, 3, 2, 2], 0).add_tensor("d1", [5], 0); G("ok-four-dims", g, "four dimensions", "accept")
    # cut short
    for at in (0, 3, 4, 7, 8, 15, 16, 23, 24, 31, 33, 60, 100, 200, 300):
        G(f"cut-{at:03d}", base[:at], f"the file ends after {at} bytes")
    end = len(base) - pad(nbytes([64], 3), 32)
    G("cut-last-byte", base[:end - 1], "the last byte of tensor data is missing")
    # header
    for name, m in (("magic-ggml", b"GGML"), ("magic-ggjt", b"tjgg"), ("magic-zip", b"PK\3\4"), ("magic-zero", b"\0\0\0\0"), ("magic-lower", b"gguf"), ("magic-pickle", b"\x80\x02}q")):
        g = small(); g.magic = m; G(name, g, f"magic {m!r}")
    for v in (0, 1, 4, 0xFFFFFFFF, 0x03000000):
        g = small(); g.version = v; G(f"version-{v:x}", g, f"version {v:#x}" + (" (big-endian file)" if v == 0x03000000 else ""))
    for name, v in (("one-more", 4), ("huge", 2 ** 40), ("max", 2 ** 64 - 1), ("sign", 2 ** 63), ("wrap", 2 ** 64 // 24 + 1), ("max-signed", 2 ** 63 - 1)):
        g = small(); g.n_tensors = v; G(f"tensor-count-{name}", g, f"tensor count {v}")
        g = small(); g.n_kv = v + 6; G(f"key-count-{name}", g, f"key count {v + 6}")
    # keys and values
    for name, n in (("too-long", 10 ** 6), ("max", 2 ** 64 - 1), ("sign", 2 ** 63), ("wrap", 2 ** 64 - 8), ("zero", 0)):
        G(f"key-length-{name}", patched(base, 24, "<Q", n), f"first key's length {n}")
    at = base.index(b"general.architecture") + len("general.architecture") + 4
    for name, n in (("too-long", 10 ** 6), ("max", 2 ** 64 - 1), ("sign", 2 ** 63), ("to-end-plus-1", len(base) - at - 8 + 1), ("one-gib", (1 << 30) + 1)):
        G(f"string-length-{name}", patched(base, at, "<Q", n), f"a string's length {n}")
    g = small().add_kv("general.name", STR, "again"); G("key-duplicate", g, "the same key twice")
    g = small().add_kv("general.name", U32, 1); G("key-duplicate-type", g, "the same key twice, other type")
    g = small().add_kv(b"\xff\xfe", U32, 1); G("key-bad-utf8", g, "a key that is no UTF-8")
    g = small().add_kv("k" * 65536, U32, 1); G("key-65536", g, "a key of 65,536 bytes (the limit is 65,535)")
    for t in (13, 255, 0xFFFFFFFF):
        g = small(); g.kvs.append(s("bad") + struct.pack("<IQ", t, 1)); G(f"value-type-{t:x}", g, f"value type {t}")
    for v in (2, 255):
        g = small().add_kv("flag", BOOL, v); G(f"bool-{v}", g, f"a bool of {v} (llama.cpp takes it; the specification says invalid)")
    for name, et, n in (("count-huge", U8, 2 ** 40), ("count-max", U32, 2 ** 64 - 1), ("count-wrap", U64, 2 ** 61 + 1), ("count-half-wrap", U64, 2 ** 61), ("strings-huge", STR, 2 ** 32), ("count-plus-1", I32, 10 ** 4), ("element-type", 99, 1)):
        g = small(); g.kvs.append(s("arr") + struct.pack("<IIQ", ARR, et, n) + b"\0" * 16); G(f"array-{name}", g, f"array of {n} elements of type {et}")
    g = small(); g.kvs.append(s("n") + struct.pack("<I", ARR) + struct.pack("<IQ", ARR, 1) * 2000 + struct.pack("<IQ", U8, 0)); G("array-nested-2000", g, "arrays nested 2,000 deep (recursion)")
    g = small(); g.kvs.append(s("n") + struct.pack("<I", ARR) + struct.pack("<IQ", ARR, 1) + struct.pack("<IQ", U8, 1) + b"\1"); G("array-nested-2", g, "an array in an array (legal by the specification; llama.cpp rejects it)", "bounded")
    g = small(); g.kvs.append(s("n") + struct.pack("<IIQ", ARR, STR, 3) + s("a") + struct.pack("<Q", 2 ** 50)); G("array-string-length", g, "a string in an array with a huge length")
    g = small().add_kv("t.bytes", STR, b"\xff\xfe\x00"); G("string-bad-utf8", g, "a string value that is no UTF-8", "bounded")
    for name, t, v in (("zero", U32, 0), ("three", U32, 3), ("not-power", U32, 33), ("huge", U32, 1 << 31), ("i32", I32, 32), ("u64", U64, 32), ("text", STR, "32"), ("float", F32, 32.0), ("array", ARR, (U32, [32]))):
        g = small().add_kv("general.alignment", t, v); G(f"align-{name}", g, f"general.alignment {v!r} of type {t}")
    # tensors
    def one(dims, t=0, off=0, name="x", data=b"\0" * 64):
        g = small(); g.infos, g.blobs = [], []
        return g.add_tensor(name, dims, t, data, off)
    G("dims-5", one([1, 1, 1, 1, 1]), "five dimensions")
    g = one([4]); raw = g.build(); G("dims-max", patched(raw, raw.index(s("x") + struct.pack("<I", 1)) + 9, "<I", 0xFFFFFFFF), "2^32-1 dimensions")
    G("dims-0", one([], data=b"\0" * 4), "no dimensions: one element", "bounded")
    G("dim-zero", one([0, 4]), "a zero dimension (llama.cpp takes it)", "bounded")
    for name, dims, t in (("negative", [2 ** 64 - 32], 0), ("product-wrap", [2 ** 32, 2 ** 32], 0), ("product-wrap-small", [2 ** 63 + 2 ** 32, 2], 0), ("bytes-wrap", [2 ** 62], 0), ("bytes-wrap-8", [2 ** 61], 28), ("three-way", [2 ** 21, 2 ** 21, 2 ** 22], 0), ("q8-wrap", [2 ** 62, 2], 8), ("max", [2 ** 63 - 1], 24), ("pad-wrap", [2 ** 62 - 1], 0), ("cve-2026-33298", [1152, 2 ** 42 + 1], 0), ("i8-max-times-2", [2 ** 63 - 1, 2], 24), ("exabytes", [2 ** 40, 2 ** 20], 24)):
        G(f"shape-{name}", one(dims, t), f"shape {dims} of {GGML[t][0]}")
    for t in (4, 5, 31, 33, 36, 38, 200, 0x7FFFFFFF, 0xFFFFFFFF):
        g = one([32]); g.infos[0][2] = t; G(f"type-{t:x}", g, f"tensor type {t}" + (" (removed)" if t in REMOVED else ""))
    for name, dims, t in (("q8-31", [31], 8), ("q4-1", [1, 32], 2), ("q4k-32", [32], 12), ("q6k-255", [255, 2], 14), ("q8-33", [33], 8)):
        G(f"block-{name}", one(dims, t), f"row of {dims[0]} elements of {GGML[t][0]}")
    g = small(); g.infos[1][0] = "a.weight"; G("name-duplicate", g, "two tensors of one name")
    G("name-65", one([4], name="n" * 65), "a tensor name of 65 bytes (the limit is 64)")
    G("name-empty", one([4], name=""), "an empty tensor name")
    G("name-nul", one([4], name="a\0b"), "NUL in a tensor name")
    G("name-bad-utf8", one([4], name=b"\xff"), "a tensor name that is no UTF-8")
    raw = one([4]).build(); p = raw.index(s("x") + struct.pack("<I", 1)); G("name-length-max", patched(raw, p, "<Q", 2 ** 64 - 1), "tensor name length 2^64-1")
    for name, off in (("odd", 1), ("not-aligned", 16), ("beyond", 1 << 20), ("max", 2 ** 64 - 32), ("sign", 2 ** 63), ("one-step", 64)):
        G(f"offset-{name}", one([16], off=off), f"offset {off}")
    g = small(); g.infos[1][3] = 0; G("overlap-same", g, "two tensors at one offset")
    g = small(); g.infos[2][3] = 32; G("overlap-part", g, "the third tensor starts inside the first")
    g = small(); g.infos[1][3], g.infos[2][3] = 256, 96; G("overlap-swapped", g, "offsets out of order, overlapping or out of bounds")
    g = small(); g.infos[1][1] = [8, 300]; G("data-short", g, "the second tensor is larger than its data")
    g = small(); g.tail = b"PK\5\6" + b"\0" * 18; G("trailing-zip", g, "a ZIP end record after the tensors (polyglot)", "bounded")
    g = small(); g.infos[0][3], g.infos[1][3], g.infos[2][3] = 0, 96, 224; g.blobs[0] += b"\0" * 0; G("hole", g, "an unused gap between tensors (legal; llama.cpp rejects it)", "bounded")


def gguf_models():
    def M(name, g, why, expect="reject"):
        data = g.build()
        ok, code = check_gguf(data)
        assert ok, (name, code)
        put("gguf-model", name + ".gguf", data, expect, why)
    M("m-ok-base", model(), "the base model", "accept")
    M("m-arch-unknown", model(general__architecture=(STR, "no-such-arch")), "unknown architecture")
    M("m-arch-missing", model(general__architecture=None), "no architecture")
    M("m-arch-type", model(general__architecture=(U32, 1)), "architecture of the wrong type")
    M("m-heads-0", model(llama__attention__head_count=None, **{"llama__attention__head_count_kv": (U32, 0)}), "no head count, no KV heads")
    for k, why in (("llama.attention.head_count", "head count"), ("llama.embedding_length", "embedding length"), ("llama.block_count", "block count"), ("llama.context_length", "context length")):
        M("m-zero-" + k.split(".")[-1], override(k, (U32, 0)), f"{why} 0 (division by zero)", "bounded" if "context" in k else "reject")
        M("m-huge-" + k.split(".")[-1], override(k, (U32, 0xFFFFFFFF)), f"{why} 2^32-1", "bounded" if "context" in k else "reject")
    M("m-heads-not-dividing", override("llama.attention.head_count", (U32, 5)), "5 heads over 32 columns")
    M("m-kv-heads-more", override("llama.attention.head_count_kv", (U32, 8)), "more KV heads than heads")
    M("m-kv-heads-3", override("llama.attention.head_count_kv", (U32, 3)), "3 KV heads for 4 heads")
    M("m-rope-odd", override("llama.rope.dimension_count", (U32, 7)), "odd rope dimension count")
    M("m-rope-wide", override("llama.rope.dimension_count", (U32, 4096)), "rope wider than a head")
    M("m-blocks-2", override("llama.block_count", (U32, 2)), "two layers promised, one present")
    M("m-eps-nan", override("llama.attention.layer_norm_rms_epsilon", (F32, float("nan"))), "epsilon NaN")
    M("m-freq-inf", override("llama.rope.freq_base", (F32, float("inf"))), "rope base infinite")
    M("m-freq-zero", override("llama.rope.freq_base", (F32, 0.0)), "rope base 0")
    M("m-ff-mismatch", override("llama.feed_forward_length", (U32, 96)), "feed-forward length against the tensors")
    M("m-missing-tensor", without("blk.0.attn_k.weight"), "a tensor is missing")
    M("m-vocab-short", override("tokenizer.ggml.tokens", (ARR, (STR, byte_tokens()[:100]))), "fewer tokens than embedding rows", "reject")
    M("m-token-types-short", override("tokenizer.ggml.token_type", (ARR, (I32, [1, 1]))), "token types shorter than tokens (heap over-read in older llama.cpp)")
    M("m-scores-short", override("tokenizer.ggml.scores", (ARR, (F32, [0.0]))), "scores shorter than tokens")
    M("m-bos-out", override("tokenizer.ggml.bos_token_id", (U32, 10 ** 6)), "BOS beyond the vocabulary", "bounded")
    M("m-eos-max", override("tokenizer.ggml.eos_token_id", (U32, 0xFFFFFFFF)), "EOS 2^32-1", "bounded")
    M("m-tokens-type", override("tokenizer.ggml.tokens", (ARR, (U32, [1, 2, 3]))), "tokens that are numbers")
    M("m-tokens-duplicate", override("tokenizer.ggml.tokens", (ARR, (STR, ["a"] * 259))), "all tokens alike", "bounded")
    M("m-merges-garbage", override("tokenizer.ggml.merges", (ARR, (STR, ["nospace", " ", "", "a b c", "x y"]))), "merges without, with several spaces", "bounded")
    M("m-no-tokenizer", override("tokenizer.ggml.model", None), "no tokenizer")
    M("m-tokenizer-unknown", override("tokenizer.ggml.model", (STR, "no-such")), "unknown tokenizer")
    g = model(); g.blobs[0] = f16(float("nan")) + g.blobs[0][2:]; M("m-scale-nan", g, "NaN as a Q8_0 scale", "bounded")
    g = model(); g.blobs[3] = f16(float("inf")) + g.blobs[3][2:]; M("m-scale-inf", g, "infinite Q8_0 scale", "bounded")
    g = model(); g.blobs[1] = struct.pack("<32f", *[float("nan")] * 32); M("m-norm-nan", g, "NaN in a norm weight", "bounded")


def override(key, tv):
    g = model()
    keep = [b for b in g.kvs if not b.startswith(s(key))]
    g.kvs = keep
    if tv is not None:
        g.add_kv(key, *tv)
    return g


def without(name):
    g = model()
    i = [x[0] for x in g.infos].index(name)
    del g.infos[i], g.blobs[i]
    return g


def safetensors_files():
    T = lambda dtype, shape, lo, hi, **kw: {"dtype": dtype, "shape": shape, "data_offsets": [lo, hi], **kw}
    a, b = T("F32", [2, 2], 0, 16), T("F16", [4], 16, 24)
    base = {"__metadata__": {"format": "pt"}, "a": a, "b": b}
    d = bytes(range(24))
    S("ok-base", st(base, d), "the base", "accept")
    S("ok-no-metadata", st({"a": a, "b": b}, d), "no metadata", "accept")
    S("ok-empty", st({}), "no tensors", "accept")
    S("ok-empty-metadata", st({"__metadata__": {}}), "metadata only", "accept")
    S("ok-padded", st(json.dumps(base) + " " * 13, d), "spaces after the header", "accept")
    S("ok-order", st({"b": b, "a": a}, d), "header order differs from data order", "accept")
    S("ok-scalar", st({"x": T("F32", [], 0, 4)}, d[:4]), "shape []", "accept")
    S("ok-zero-size", st({"x": T("F32", [0, 5], 0, 0), "a": a}, d[:16]), "a zero-size tensor", "accept")
    S("ok-unicode", st({"重み🙂": T("U8", [3], 0, 3)}, d[:3]), "a non-ASCII name", "accept")
    S("ok-escaped-name", st('{"a\\u0062c":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}', b"x"), "an escaped name", "accept")
    h, at = {}, 0
    for i, (t, bits) in enumerate(sorted(BITS.items())):
        n = 8 * bits // 8
        h[f"t{i}"] = T(t, [8], at, at + n)
        at += n
    S("ok-every-dtype", st(h, b"\0" * at), "one tensor of every dtype", "accept")
    S("ok-500", st({f"t{i}": T("U8", [1], i, i + 1) for i in range(500)}, b"\1" * 500), "500 tensors", "accept")
    S("ok-misaligned", st({"u": T("U8", [1], 0, 1), "f": T("F32", [1], 1, 5)}, d[:5]), "a float at an odd offset", "accept")
    S("ok-whitespace", st('{ "a" :\n{ "shape":[2 , 2],"dtype":\t"F32", "data_offsets":[0,16]} }', d[:16]), "white space and field order", "accept")
    whole = st(base, d)
    for n in (0, 1, 7):
        S(f"cut-{n}", whole[:n], f"only {n} bytes")
    S("cut-header", whole[:40], "cut in the header")
    S("cut-data", whole[:-1], "the last byte is missing")
    S("cut-all-data", whole[:-24], "no data")
    for name, n in (("zero", 0), ("one-more-than-file", len(whole) - 7), ("max", 2 ** 64 - 1), ("sign", 2 ** 63), ("wrap", 2 ** 64 - 8), ("over-cap", 100_000_001), ("into-data", len(whole) - 8), ("one-less", len(json.dumps(base)) - 1), ("one-more", len(json.dumps(base)) + 1)):
        S(f"header-length-{name}", st(base, d, n=n), f"header length {n}")
    J = json.dumps(base)
    for name, text, why in (
            ("not-json", "{not json}", "not JSON"), ("array", "[1,2]", "an array"), ("string", '"x"', "a string"), ("null", "null", "null"), ("number", "12", "a number"),
            ("bom", "\ufeff" + J, "a byte order mark"), ("leading-space", " " + J, "a space before { (the format says the first byte is {; the Rust library takes it)"),
            ("trailing-comma", J[:-1] + ",}", "a trailing comma"), ("comment", "/*x*/" + J, "a comment"), ("comment-inside", "{/*x*/" + J[1:], "a comment inside"),
            ("single-quotes", J.replace('"', "'"), "single quotes"), ("nul-padding", J + "\0\0\0", "NUL after the header"), ("two-objects", J + J, "two objects"),
            ("unclosed", J[:-1], "the last brace is missing"), ("deep", '{"a":' + "[" * 50000 + "]" * 50000 + "}", "50,000 nested arrays (recursion)"), ("deep-objects", '{"a":' * 20000 + "1" + "}" * 20000, "20,000 nested objects"),
            ("deep-metadata", '{"__metadata__":{"x":' + "[" * 5000 + "]" * 5000 + "}}", "nesting inside the metadata"), ("bad-escape", '{"a\\x":' + json.dumps(a) + "}", "an invalid escape"), ("raw-control", '{"a\nb":' + json.dumps(a) + "}", "a raw line feed in a name"),
            ("lone-surrogate", '{"\\ud800":' + json.dumps(a) + "}", "a lone surrogate as the name")):
        S("json-" + name, st(text, d if "a" in text and name in ("bom", "leading-space", "trailing-comma", "comment", "comment-inside", "nul-padding", "two-objects", "unclosed") else d[:16]), why)
    S("json-bad-utf8", st(None, d[:16], raw=b'{"\xff\xfe":' + json.dumps(a).encode() + b"}"), "a name that is no UTF-8")
    A, B = json.dumps(a), json.dumps(b)
    S("dup-tensor", st(f'{{"a":{A},"a":{A},"b":{B}}}', d), "one name twice, the same (the Rust library takes it)")
    S("dup-tensor-other", st(f'{{"a":{{"dtype":"I32","shape":[4],"data_offsets":[0,16]}},"a":{A},"b":{B}}}', d), "one name twice, different")
    S("dup-escaped", st(f'{{"a":{A},"\\u0061":{A},"b":{B}}}', d), "one name twice, once escaped")
    S("dup-metadata", st(f'{{"__metadata__":{{"a":"1"}},"__metadata__":{{"a":"2"}},"a":{A},"b":{B}}}', d), "two metadata objects")
    S("dup-field", st('{"a":{"dtype":"F32","dtype":"I32","shape":[2,2],"data_offsets":[0,16]}}', d[:16]), "a field twice")
    for name, m in (("number", {"x": 1}), ("nested", {"x": {"y": "z"}}), ("null", {"x": None}), ("list", ["x"]), ("text", "x")):
        S(f"metadata-{name}", st({"__metadata__": m, "a": a, "b": b}, d), f"metadata {m!r}")
    for name, e in (("missing-dtype", {"shape": [4], "data_offsets": [0, 16]}), ("missing-shape", {"dtype": "F32", "data_offsets": [0, 16]}), ("missing-offsets", {"dtype": "F32", "shape": [4]}), ("not-object", 5), ("entry-null", None), ("entry-list", [1])):
        S(name, st({"a": e}, d[:16]), f"tensor entry {e!r}")
    for t in ("f32", "FLOAT", "Q4_0", "", "F128", "F3 2"):
        S("dtype-" + (t or "empty").replace(" ", "_"), st({"a": T(t, [4], 0, 16)}, d[:16]), f"dtype {t!r}")
    S("dtype-number", st({"a": T(1, [4], 0, 16)}, d[:16]), "dtype that is a number")
    for name, sh in (("negative", [-4]), ("float", [4.0]), ("float-e", None), ("bool", [True, 4]), ("text", ["4"]), ("null", None), ("nested", [[4]]), ("object", {"0": 4}), ("too-big", [2 ** 64]), ("product-wrap", [2 ** 32, 2 ** 32]), ("bytes-wrap", [2 ** 62]), ("bytes-wrap-zero", [2 ** 63, 2]), ("bits-wrap", [2 ** 59 * 2]), ("long-number", None)):
        if name == "float-e":
            data = st('{"a":{"dtype":"F32","shape":[4e0],"data_offsets":[0,16]}}', d[:16])
        elif name == "long-number":
            data = st('{"a":{"dtype":"F32","shape":[%s],"data_offsets":[0,16]}}' % ("9" * 4000), d[:16])
        else:
            data = st({"a": T("F32", sh, 0, 16)}, d[:16])
        S("shape-" + name, data, f"shape {name}")
    for name, off in (("reversed", [16, 0]), ("one", [0]), ("three", [0, 8, 16]), ("negative", [-16, 0]), ("text", ["0", "16"]), ("float", [0.0, 16.0]), ("beyond", [8, 24]), ("far", [2 ** 62, 2 ** 62 + 16]), ("max", [2 ** 64 - 17, 2 ** 64 - 1]), ("not-from-0", [4, 20]), ("null", None), ("short", [0, 12]), ("long", [0, 17])):
        S("offsets-" + name, st({"a": {"dtype": "F32", "shape": [4], "data_offsets": off}}, d[:20] if name == "not-from-0" else d[:16]), f"offsets {off}")
    S("overlap", st({"a": a, "b": T("F16", [4], 12, 20)}, d[:20]), "two tensors overlap")
    S("overlap-same", st({"a": a, "b": T("I32", [4], 0, 16)}, d[:16]), "two tensors share their bytes")
    S("hole", st({"a": a, "b": T("F16", [4], 20, 28)}, d + b"\0" * 4), "a gap between tensors")
    S("trailing", st(base, d + b"x"), "a byte after the last tensor")
    S("trailing-zip", st(base, d + b"PK\5\6" + b"\0" * 18), "a ZIP end record after the tensors (polyglot)")
    S("data-without-tensors", st({}, d), "data, but no tensors")
    S("f4-odd", st({"a": T("F4", [3], 0, 2)}, d[:2]), "three 4-bit elements do not fill bytes")
    S("f6-odd", st({"a": T("F6_E2M3", [2], 0, 2)}, d[:2]), "two 6-bit elements do not fill bytes")
    S("zero-times-huge", st({"a": T("F32", [0, 2 ** 62, 2 ** 62], 0, 0)}), "0 elements, huge dimensions", "bounded")
    S("rank-5000", st({"a": T("U8", [1] * 5000, 0, 1)}, b"x"), "5,000 dimensions of 1", "bounded")
    S("extra-field", st({"a": T("F32", [4], 0, 16, extra=1)}, d[:16]), "an unknown field", "bounded")
    S("name-nul", st({"a\0b": T("F32", [4], 0, 16)}, d[:16]), "NUL in a name", "bounded")
    S("name-empty", st({"": T("F32", [4], 0, 16)}, d[:16]), "an empty name", "bounded")
    S("name-path", st({"../../etc/passwd": T("F32", [4], 0, 16)}, d[:16]), "a path as the name: loads; never used as a path", "accept")
    S("name-long", st({"n" * 200000: T("F32", [4], 0, 16)}, d[:16]), "a name of 200,000 bytes", "bounded")


def index_files():
    """model.safetensors.index.json cases. Each is a folder; two good shards are beside it."""
    one = st({"a": {"dtype": "U8", "shape": [2], "data_offsets": [0, 2]}}, b"\1\2")
    two = st({"b": {"dtype": "U8", "shape": [2], "data_offsets": [0, 2]}}, b"\3\4")
    s1, s2 = "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"

    def I(name, idx, expect, why, extra=None):
        data = idx if isinstance(idx, bytes) else json.dumps(idx).encode()
        put("index", name, {"model.safetensors.index.json": data, s1: one, s2: two, **(extra or {})}, expect, why)
    good = {"metadata": {"total_size": 4}, "weight_map": {"a": s1, "b": s2}}
    wm = lambda **m: {"metadata": {"total_size": 4}, "weight_map": {"a": s1, "b": s2, **m}}
    I("ok", good, "accept", "two shards")
    I("ok-no-metadata", {"weight_map": good["weight_map"]}, "accept", "no metadata")
    I("ok-total-wrong", {"metadata": {"total_size": 10 ** 15}, "weight_map": good["weight_map"]}, "bounded", "a false total size must not be allocated")
    I("dotdot", wm(b="../outside.safetensors"), "reject", "a shard above the folder")
    I("absolute", wm(b="/etc/passwd"), "reject", "an absolute path")
    I("dotdot-inside", wm(b="x/../../outside.safetensors"), "reject", "leaves the folder through a subfolder")
    I("backslash", wm(b="..\\outside.safetensors"), "reject", "backslashes")
    I("nul", wm(b=s2 + "\0.txt"), "reject", "NUL in the name")
    I("url", wm(b="http://127.0.0.1:9/x.safetensors"), "reject", "a URL: never fetched")
    I("file-url", wm(b="file:///etc/passwd"), "reject", "a file URL")
    I("missing-shard", wm(b="model-00003-of-00002.safetensors"), "reject", "no such shard")
    I("empty-name", wm(b=""), "reject", "an empty shard name")
    I("folder", wm(b="."), "reject", "the folder itself")
    I("number", wm(b=7), "reject", "a number as the shard name")
    I("not-in-shard", wm(c=s2), "reject", "a tensor that its shard lacks")
    I("wrong-shard", wm(b=s1), "reject", "a tensor mapped to the other shard")
    I("symlink-out", wm(b="link.safetensors"), "reject", "a symbolic link out of the folder (the caller may allow links: the Hugging Face cache is made of them)", {"link.safetensors": ("symlink", "../../../../../../etc/passwd")})
    I("symlink-loop", wm(b="loop.safetensors"), "reject", "a symbolic link to itself", {"loop.safetensors": ("symlink", "loop.safetensors")})
    I("fifo", wm(b="pipe.safetensors"), "reject", "a FIFO: must not block", {"pipe.safetensors": ("fifo", "")})
    I("no-map", {"metadata": {}}, "reject", "no weight map")
    I("map-list", {"weight_map": [["a", s1]]}, "reject", "the map is a list")
    I("not-json", b"{", "reject", "not JSON")
    I("dup-name", ('{"weight_map":{"a":"%s","a":"%s","b":"%s"}}' % (s1, s2, s2)).encode(), "reject", "one tensor twice")
    I("same-tensor-twice", wm(), "reject", "both shards hold the tensor a", {s2: one})


def text_files():
    def T(name, obj, expect, why):
        put("tokenizer", name + ".json", obj if isinstance(obj, bytes) else json.dumps(obj, ensure_ascii=False).encode(), expect, why)
    vocab = {c: i for i, c in enumerate(["<unk>", "a", "b", "ab", "c"])}
    base = {"version": "1.0", "added_tokens": [{"id": 0, "content": "<unk>", "special": True, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False}],
            "normalizer": None, "pre_tokenizer": None, "post_processor": None, "decoder": None,
            "model": {"type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": None, "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "vocab": vocab, "merges": [["a", "b"]]}}
    import copy

    def mod(f):
        d = copy.deepcopy(base)
        f(d)
        return d
    T("ok", base, "accept", "the base")
    T("ok-merges-text", mod(lambda d: d["model"].update(merges=["a b"])), "accept", "old spelling of the merges")
    T("merge-unknown", mod(lambda d: d["model"].update(merges=[["a", "zz"]])), "reject", "a merge of a token that is not in the vocabulary")
    T("merge-result-unknown", mod(lambda d: d["model"].update(merges=[["b", "c"]])), "reject", "a merge whose result is not in the vocabulary")
    T("merge-three", mod(lambda d: d["model"].update(merges=[["a", "b", "c"]])), "reject", "a merge of three parts")
    T("id-negative", mod(lambda d: d["model"]["vocab"].update(x=-1)), "reject", "a negative id")
    T("id-huge", mod(lambda d: d["model"]["vocab"].update(x=2 ** 62)), "reject", "an id of 2^62 (no table of that size)")
    T("id-sparse", mod(lambda d: d["model"]["vocab"].update(x=4_000_000_000)), "bounded", "an id of 4,000,000,000")
    T("id-duplicate", mod(lambda d: d["model"]["vocab"].update(x=1)), "bounded", "two tokens of one id")
    T("id-text", mod(lambda d: d["model"]["vocab"].update(x="1")), "reject", "an id that is text")
    T("added-out", mod(lambda d: d["added_tokens"][0].update(id=10 ** 12)), "bounded", "an added token with a huge id")
    T("added-empty", mod(lambda d: d["added_tokens"].append({"id": 9, "content": "", "special": True})), "bounded", "an empty added token: splitting on it must end")
    T("type-unknown", mod(lambda d: d["model"].update(type="NoSuch")), "reject", "an unknown model")
    T("pretok-unknown", mod(lambda d: d.update(pre_tokenizer={"type": "NoSuch"})), "reject", "an unknown pre-tokenizer (ignoring it would give wrong tokens)")
    T("pretok-nested", mod(lambda d: d.update(pre_tokenizer=nest(3000))), "reject", "sequences nested 3,000 deep")
    T("regex-bad", mod(lambda d: d.update(pre_tokenizer={"type": "Split", "pattern": {"Regex": "(unclosed"}, "behavior": "Isolated", "invert": False})), "reject", "an invalid regular expression")
    T("regex-slow", mod(lambda d: d.update(pre_tokenizer={"type": "Split", "pattern": {"Regex": "(a+)+$"}, "behavior": "Isolated", "invert": False})), "bounded", "a regular expression that backtracks; encode 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!' in 2 s")
    T("replace-empty", mod(lambda d: d.update(normalizer={"type": "Replace", "pattern": {"String": ""}, "content": "x"})), "bounded", "replacing the empty string")
    T("no-model", mod(lambda d: d.pop("model")), "reject", "no model")
    T("deep", b'{"model":' + b"[" * 100000, "reject", "100,000 open brackets")
    T("bad-utf8", b'{"model":{"type":"BPE","vocab":{"\xff":0},"merges":[]}}', "reject", "no UTF-8")

    def J(name, text, expect, why):
        put("template", name + ".jinja", text.encode(), expect, why)
    ok = "{% for m in messages %}{{ '<|' + m['role'] + '|>' + m['content'] }}{% endfor %}"
    J("ok", ok, "accept", "renders")
    J("unclosed", "{% for m in messages %}{{ m.content }}", "reject", "no endfor")
    J("unclosed-expression", "{{ messages", "reject", "no closing braces")
    J("unknown-tag", "{% include '/etc/passwd' %}", "reject", "include reads files")
    J("import", "{% import '/etc/passwd' as x %}{{ x }}", "reject", "import")
    J("extends", "{% extends '/etc/passwd' %}", "reject", "extends")
    J("range-bomb", "{% for i in range(10000000000) %}x{% endfor %}", "reject", "ten thousand million rounds")
    J("nested-loops", "{% for a in range(10000) %}{% for b in range(10000) %}{% for c in range(10000) %}x{% endfor %}{% endfor %}{% endfor %}", "reject", "10^12 rounds")
    J("string-bomb", "{% set x = 'a' %}" + "{% set x = x + x %}" * 60 + "{{ x }}", "reject", "2^60 characters")
    J("multiply-bomb", "{{ 'a' * 10000000000 }}", "reject", "a string times 10^10")
    J("list-bomb", "{{ [0] * 10000000000 }}", "reject", "a list times 10^10")
    J("recursion", "{% macro f(x) %}{{ f(x) }}{% endmacro %}{{ f(1) }}", "reject", "endless recursion")
    J("deep-expression", "{{ " + "(" * 50000 + "1" + ")" * 50000 + " }}", "reject", "50,000 parentheses")
    J("deep-unary", "{{ " + "not " * 50000 + "true }}", "reject", "50,000 nots")
    J("deep-blocks", "{% if true %}" * 20000 + "x" + "{% endif %}" * 20000, "reject", "20,000 nested blocks")
    J("attribute-escape", "{{ ''.__class__.__mro__[1].__subclasses__() }}", "reject", "Python attribute access (CVE-2024-34359, llama-cpp-python): no such thing exists here, an undefined value or an error")
    J("attribute-escape-cycler", "{{ cycler.__init__.__globals__.os.popen('id').read() }}", "reject", "the same by another way")
    J("raise", "{{ raise_exception('no') }}", "reject", "raise_exception is an error, with its message")
    J("divide-by-zero", "{{ 1 / 0 }}", "reject", "division by zero")
    J("modulo-zero", "{{ 1 % 0 }}", "reject", "modulo zero")
    J("index-out", "{{ messages[99999999999999999999]['content'] }}", "bounded", "an index beyond Int")
    J("int-overflow", "{{ 9223372036854775807 + 1 }}", "bounded", "Int overflow must not trap")
    J("negate-min", "{{ -(-9223372036854775807 - 1) }}", "bounded", "negating Int.min must not trap")
    J("divide-min", "{{ (-9223372036854775807 - 1) // -1 }}", "bounded", "Int.min // -1 must not trap")
    J("power", "{{ 10 ** 100000 }}", "bounded", "a huge power")
    J("slice", "{{ messages[5:1:0] }}", "reject", "slice step 0")
    J("indent-bomb", "{{ 'a\n' | indent(1000000000) }}", "reject", "indent filter with 10^9")
    J("format-bomb", "{{ '%1000000000d' | format(1) }}", "bounded", "width 10^9 in format")
    J("tojson-cycle", "{% set ns = namespace(a=1) %}{% set ns.a = ns %}{{ ns | tojson }}", "bounded", "a cycle")
    J("injection", ok + "{# messages whose text holds <|system|> are the caller's concern #}", "accept", "renders")


def nest(n):
    x = {"type": "Whitespace"}
    for _ in range(n):
        x = {"type": "Sequence", "pretokenizers": [x]}
    return x


def write(out):
    man = []
    for kind, name, data, expect, why, code in FILES:
        folder = os.path.join(out, {"gguf-model": "gguf"}.get(kind, kind))
        os.makedirs(folder, exist_ok=True)
        path = os.path.join(folder, name)
        if isinstance(data, dict):
            os.makedirs(path, exist_ok=True)
            for f, b in data.items():
                q = os.path.join(path, f)
                if os.path.lexists(q):
                    os.remove(q)
                if isinstance(b, tuple):
                    os.symlink(b[1], q) if b[0] == "symlink" else os.mkfifo(q)
                else:
                    with open(q, "wb") as h:
                        h.write(b)
        else:
            with open(path, "wb") as h:
                h.write(data)
        man.append({"file": os.path.relpath(path, out), "kind": kind, "expect": expect, "why": why, "code": code})
    names = [m["file"] for m in man]
    assert len(set(names)) == len(names), [n for n in names if names.count(n) > 1]
    with open(os.path.join(out, "manifest.json"), "w") as h:
        json.dump(man, h, indent=1, ensure_ascii=False)
    table = {}
    for m in man:
        table.setdefault(m["kind"], {}).setdefault(m["expect"], 0)
        table[m["kind"]][m["expect"]] += 1
    print(json.dumps(table))


if __name__ == "__main__":
    sys.setrecursionlimit(20000)
    gguf_container()
    gguf_models()
    safetensors_files()
    index_files()
    text_files()
    write(sys.argv[1])
