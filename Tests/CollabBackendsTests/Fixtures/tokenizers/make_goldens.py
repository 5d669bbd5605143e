"""Writes hard-strings.json: texts on which tokenizers differ when they are wrong, with the ids of the reference libraries.

    pip install tokenizers==0.23.3 sentencepiece protobuf
    python make_goldens.py SmolLM2-135M-Instruct.Q4_1.gguf gemma-3-270m-q4_k_m.gguf

SmolLM2's ids come from the tokenizers library, built from the file's tokens and merges; Gemma's from sentencepiece,
built from the file's tokens and scores. "words" are the lengths in bytes of the words that each pre-tokeniser cuts.
No special token is parsed, no beginning token added.
"""
import json
import mmap
import os
import random
import struct
import sys
import unicodedata

import sentencepiece
from sentencepiece import sentencepiece_model_pb2
from tokenizers import Regex, Tokenizer, models, pre_tokenizers

FORMATS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}


def metadata(path):
    data = mmap.mmap(os.open(path, os.O_RDONLY), 0, access=mmap.ACCESS_READ)
    position = 24
    count = struct.unpack_from("<Q", data, 16)[0]

    def text():
        nonlocal position
        length = struct.unpack_from("<Q", data, position)[0]
        position += 8 + length
        return data[position - length:position]

    def value(kind):
        nonlocal position
        if kind == 8:
            return text()
        if kind == 9:
            element, length = struct.unpack_from("<IQ", data, position)
            position += 12
            return [value(element) for _ in range(length)]
        result = struct.unpack_from("<" + FORMATS[kind], data, position)[0]
        position += struct.calcsize("<" + FORMATS[kind])
        return result

    entries = {}
    for _ in range(count):
        key = text().decode()
        position += 4
        entries[key] = value(struct.unpack_from("<I", data, position - 4)[0])
    return entries


def byte_level(entries):
    vocabulary = {token.decode(): i for i, token in enumerate(entries["tokenizer.ggml.tokens"])}
    merges = [tuple(merge.decode().split(" ", 1)) for merge in entries["tokenizer.ggml.merges"]]
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    tokenizer.pre_tokenizer = PRE_TOKENIZERS["smollm"]
    return tokenizer


def sentence_piece(entries):
    model = sentencepiece_model_pb2.ModelProto()
    rows = zip(*(entries["tokenizer.ggml." + key] for key in ["tokens", "token_type", "scores"]))
    for token, kind, score in rows:
        piece = model.pieces.add()
        piece.piece = token.decode().replace(" ", "\u2581") if kind == 4 else token.decode()
        # The name of an end token does not end a text, so it is no user-defined token here.
        piece.type = 3 if piece.piece == "</s>" else kind
        piece.score = score
    model.pieces[3].type = 2
    model.trainer_spec.model_type = 2
    model.trainer_spec.byte_fallback = True
    model.trainer_spec.vocab_size = len(model.pieces)
    model.trainer_spec.unk_id, model.trainer_spec.bos_id = 3, 2
    model.trainer_spec.eos_id, model.trainer_spec.pad_id = 1, 0
    model.normalizer_spec.name = "identity"
    model.normalizer_spec.add_dummy_prefix = False
    model.normalizer_spec.remove_extra_whitespaces = False
    model.normalizer_spec.escape_whitespaces = True
    return sentencepiece.SentencePieceProcessor(model_proto=model.SerializeToString())


def words(expression):
    return pre_tokenizers.Split(Regex(expression), "isolated")


GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|DIGITS| ?[^\s\p{L}\p{N}]+[\r\n]*"
          r"|\s*[\r\n]+|\s+(?!\S)|\s+")
PLAIN = {
    "gpt2": words(GPT2),
    "smollm": pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), words(GPT2)]),
    "llama3": words(LLAMA3.replace("DIGITS", r"\p{N}{1,3}")),
    "qwen2": words(LLAMA3.replace("DIGITS", r"\p{N}")),
}
PRE_TOKENIZERS = {
    name: pre_tokenizers.Sequence([cut, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    for name, cut in PLAIN.items()
}

TEXTS = [
    "'ſ", "it'ſ", "'S'T'RE'VE'M'LL'D", "'s't're've'm'll'd", "'K'İ", "\u2028'll", "a\u200bb", "1½²٣Ⅷ", "\u0301a",
    " \u0301", " \n", " \n x", "\n\n x", "\t x", "\r\r\n  \n y", "  '", "'  s", "don''t", "_'s", "\u00a0a",
    "\u00a0 a", " \u00a0a", "\u3000\u3000a", "x\u0085y", "\x1c\x1d a", "a\x1cb", "1234567", "12 345", " 12", "  12",
    "\n12", "!1", "!\n\n1", "!\r\na", "...\n", "... \n", " !\n !", "\n!", "ab\n\n\ncd", "𝟘𝟙𝟚", "𐒠", "Ⅻa",
    "a\u0300\u0301b", "👍🏽 ok", "<|im_end|>x", "> </div> </a>", "</s> <s></table>", "<0x0A>", "a\x04\x06b \x16\u2e02",
    " " * 70, "\n" * 64, "\t" * 33, "a" * 300, "é" * 60, "。" * 60, "aaab" * 40, "ab" * 200 + " " + "ab" * 200,
]


def random_texts(count, seed):
    generator = random.Random(seed)
    categories = {}
    for code in range(0x110000):
        category = unicodedata.category(chr(code))
        if category not in ("Cn", "Cs", "Co") and code != 0x2581:
            categories.setdefault(category, []).append(chr(code))
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    kinds = list(categories)

    def piece():
        kind = generator.random()
        if kind < 0.3:
            return "".join(generator.choice(letters) for _ in range(generator.randint(1, 8)))
        if kind < 0.5:
            return generator.choice([" ", "  ", "\n", "\t", "\r\n", "\u00a0", "\u3000", "'s", "n't", "2024", "//", "_"])
        return "".join(generator.choice(categories[generator.choice(kinds)]) for _ in range(generator.randint(1, 3)))

    return ["".join(piece() for _ in range(generator.randint(2, 9))) for _ in range(count)]


def main():
    small, gemma = byte_level(metadata(sys.argv[1])), sentence_piece(metadata(sys.argv[2]))
    rows = []
    for text in TEXTS + random_texts(120, 11):
        rows.append({
            "text": text,
            "smolLM2": small.encode(text, add_special_tokens=False).ids,
            "gemma3": gemma.encode(text),
            "words": {
                name: [len(word.encode()) for word, _ in cut.pre_tokenize_str(text)] for name, cut in PLAIN.items()
            },
        })
    here = os.path.dirname(os.path.abspath(__file__))
    with open(os.path.join(here, "hard-strings.json"), "w", encoding="utf-8") as file:
        json.dump(rows, file, ensure_ascii=True, separators=(",", ":"))
        file.write("\n")


main()
