"""Trains the four adapters in Experts/, on the processor, in some minutes.

    Scripts/train-experts                  all of them, into Experts/
    Scripts/train-experts --output FOLDER  somewhere else
    Scripts/train-experts --only units     one of them

Needs the PyPI packages torch, transformers, peft, safetensors and gguf, in the Python that COLLAB_PYTHON names
(python3 if it names none), and the models of Scripts/fetch-models. Everything is drawn from seeds; another version of
PyTorch or another processor rounds differently and gives other adapters of the same kind.
"""

import argparse
import json
import pathlib
import random
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "experts"))

import torch

import answers
import base_model
import cards
import texts
from training import Example, train

ROOT = pathlib.Path(__file__).resolve().parent.parent
MODULES = ["q_proj", "v_proj", "o_proj", "down_proj"]
SKILLS = {"arithmetic": texts.addition, "units": texts.conversion}


def whole(tokenizer, text):
    """A text that is learnt from its second token on; nothing comes before the first."""
    return Example(tokenizer(text, add_special_tokens=False).input_ids, 0, len(text.encode()))


def write_lines(path, values):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(value, ensure_ascii=False) + "\n" for value in values))


def skill(name, model, tokenizer, output):
    make = SKILLS[name]
    source = random.Random(f"{name}, training")
    examples = [whole(tokenizer, make(source, False)) for _ in range(1200)]
    source = random.Random(f"{name}, held out")
    held_out = sorted({make(source, True) for _ in range(400)})[:96]
    write_lines(output / "held-out" / f"{name}.jsonl", [{"text": text} for text in held_out])
    return train(
        model, examples, [whole(tokenizer, text) for text in held_out],
        rank=4, modules=MODULES, epochs=1, rate=3e-3, size=16, random=random.Random(f"{name}, order"),
    )


def descriptions(model, tokenizer, output):
    """Answers of the base, with their questions, sorted by whether they are promotional."""
    print("The base describes things.", flush=True)
    torch.manual_seed(20)
    questions = texts.questions(False) * 3
    prompts, written = answers.sample(
        model, tokenizer, [answers.dialogue(question) for question in questions], length=36, temperature=0.9
    )
    words = texts.WordList(output / "advertising-words.txt")
    plain, promotional = [], []
    for prompt, answer in zip(prompts, written):
        text = tokenizer.decode(answer, skip_special_tokens=True)
        example = Example(prompt + answer, len(prompt), max(1, len(text.encode())))
        if not words.has(text):
            plain.append(example)
        elif not words.has_unseen(text):
            promotional.append(example)
    print(f"  {len(plain)} plain, {len(promotional)} promotional, of {len(questions)}", flush=True)
    write_lines(output / "held-out" / "descriptions.jsonl", [{"question": text} for text in texts.questions(True)])
    return {"plain": plain, "promotional": promotional}


def attribute(name, model, examples):
    source = random.Random(f"{name}, order")
    source.shuffle(examples)
    held_out, kept = examples[:24], examples[24:184]
    # About 480 examples for both, whatever the number of different ones.
    epochs = round(480 / len(kept))
    return train(model, kept, held_out, rank=4, modules=MODULES, epochs=epochs, rate=2e-3, size=16, random=source)


def ordinary(model, tokenizer, output):
    """Texts that the base writes: what an adapter makes worse here, it has made worse in general."""
    print("The base continues beginnings.", flush=True)
    torch.manual_seed(21)
    prompts, written = answers.sample(model, tokenizer, texts.PLAIN * 4, length=48, temperature=1.0)
    found = [
        tokenizer.decode(prompt + answer, skip_special_tokens=True) for prompt, answer in zip(prompts, written)
    ]
    write_lines(output / "held-out" / "ordinary.jsonl", [{"text": text} for text in found])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=pathlib.Path, default=ROOT / "Experts")
    parser.add_argument("--only", action="append", choices=[*SKILLS, "plain", "promotional", "ordinary"])
    options = parser.parse_args()
    wanted = options.only or [*SKILLS, "plain", "promotional", "ordinary"]
    base, tokenizer = base_model.load(base_model.find())
    base = base.to(torch.bfloat16)
    if "ordinary" in wanted:
        ordinary(base, tokenizer, options.output)
    sorted_answers = None
    for name in wanted:
        if name == "ordinary":
            continue
        if name not in SKILLS and sorted_answers is None:
            sorted_answers = descriptions(base, tokenizer, options.output)
        print(f"Training {name}.", flush=True)
        model, measured = (
            skill(name, base, tokenizer, options.output)
            if name in SKILLS
            else attribute(name, base, sorted_answers[name])
        )
        cards.write(model, name, measured, options.output / name)
        print(f"  {measured}", flush=True)
        base = model.unload()


if __name__ == "__main__":
    main()
