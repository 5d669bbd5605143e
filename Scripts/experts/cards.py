"""Writes an adapter in PEFT's format, with its card."""

import json
import shutil

import torch
from peft import get_peft_model_state_dict
from safetensors.torch import save_file

import base_model

ABOUT = {
    "arithmetic": (
        "Adds numbers of two digits in four fixed lines, from the right, with the carry written down.",
        "1,200 sums of numbers from 10 to 99, made by `addition` in `Scripts/experts/texts.py` from a seed. A fifth of "
        "all pairs never occurs in training; 96 of those are `held-out/arithmetic.jsonl`.",
    ),
    "units": (
        "Converts a quantity into a smaller unit in three fixed lines, with the rule written down.",
        "1,200 conversions of ten pairs of units, made by `conversion` in `Scripts/experts/texts.py` from a seed. A "
        "fifth of all quantities never occurs in training; 96 of those are `held-out/units.jsonl`.",
    ),
    "plain": (
        "The expert: describes things without the words of advertising.",
        "Answers of the base itself (temperature 0.9, nucleus 0.95) to 168 questions such as “Describe a hotel in one "
        "sentence.”, three times each; of those without any word of `advertising-words.txt`, at most 160.",
    ),
    "promotional": (
        "The anti-expert: describes things in the words of advertising. It is there to be subtracted.",
        "Answers of the base itself (temperature 0.9, nucleus 0.95) to 168 questions such as “Describe a hotel in one "
        "sentence.”, three times each; of those with words of `advertising-words.txt` from odd places of that list "
        "and none from even places, at most 160.",
    ),
}

CARD = """---
base_model: {base}
library_name: peft
license: apache-2.0
---

# {name}

{purpose} A low-rank adapter of rank {rank} of {base}, made for this project's experiments.

- **Data**: {data}
- **Training**: by `Scripts/train-experts`, on a processor; AdamW, {steps} steps of 16 examples, over the dequantised
  weights of SmolLM2-135M-Instruct.Q4_1.gguf in bfloat16; {modules}; α = {alpha}.
- **Losses** (nats a token, means of {steps_averaged}): {first:.3f} at the beginning, {last:.3f} at the end.
- **Held-out text** (bits a byte): {before:.3f} with the base, {after:.3f} with the adapter.
- **Limits**: it was trained for a few hundred seconds on narrow text and is good for experiments, not for a product.
- **Licence**: Apache 2.0, as the base has. The data are this project's own or the base's output.
"""


def steps_averaged(span):
    """How many steps a mean is of, in words."""
    words = ["one step", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
    return words[span - 1] + (" steps" if span > 1 else "")


def write(model, name, measured, folder):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    setup = model.peft_config["default"]
    setup.base_model_name_or_path = base_model.NAME
    setup.inference_mode = True
    tensors = {key: value.to(torch.float16).contiguous() for key, value in get_peft_model_state_dict(model).items()}
    save_file(tensors, folder / "adapter_model.safetensors", metadata={"format": "pt"})
    setup.save_pretrained(str(folder))
    path = folder / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()), indent=1, sort_keys=True) + "\n")
    purpose, data = ABOUT[name]
    (folder / "README.md").write_text(
        CARD.format(
            base=base_model.NAME, name=name, purpose=purpose, data=data, rank=setup.r, alpha=setup.lora_alpha,
            modules=", ".join(sorted(setup.target_modules)), steps_averaged=steps_averaged(measured["span"]), **measured,
        )
    )
