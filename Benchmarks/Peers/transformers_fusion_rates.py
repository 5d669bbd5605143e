"""Writes with several prompts of one model and transformers on request, so that another program can take turns.

    python transformers_fusion_rates.py MODEL.gguf THREADS

Needs the PyPI packages torch, transformers and gguf. The model's weights are expanded to 32-bit floats, the fastest
that PyTorch offers on processors without bfloat16. Reads lines from standard input and answers each with tokens per
second:

    fuse N A B …     writing N tokens, the most probable each time, from the mean of the log-probabilities after several
                     prompts; each prompt is a list of token ids joined by commas. The prompts are one batch with a
                     cache of keys and values, padded in front. Reading them does not count.
    apart N A B …    the same with one forward pass a prompt, as for models of their own.

The first line of output names the build.
"""
import os
import sys
import time

import torch
import transformers

path = os.path.abspath(sys.argv[1])
torch.set_num_threads(int(sys.argv[2]))
torch.set_grad_enabled(False)
transformers.logging.set_verbosity_error()
model = transformers.AutoModelForCausalLM.from_pretrained(
    os.path.dirname(path), gguf_file=os.path.basename(path), dtype=torch.float32
).eval()
print("transformers", transformers.__version__, "torch", torch.__version__, flush=True)


def fused(rows):
    return torch.log_softmax(rows, dim=-1).mean(dim=0).argmax()


def together(count, prompts):
    longest = max(map(len, prompts))
    ids = torch.tensor([[0] * (longest - len(prompt)) + prompt for prompt in prompts])
    mask = torch.tensor([[0] * (longest - len(prompt)) + [1] * len(prompt) for prompt in prompts])
    positions = (mask.cumsum(-1) - 1).clamp(min=0)
    out = model(input_ids=ids, attention_mask=mask, position_ids=positions, use_cache=True, logits_to_keep=1)
    token, position = fused(out.logits[:, -1]), positions[:, -1:]
    start = time.perf_counter()
    for _ in range(count):
        mask = torch.cat([mask, torch.ones(len(prompts), 1, dtype=mask.dtype)], dim=1)
        position = position + 1
        out = model(
            input_ids=token.expand(len(prompts), 1),
            attention_mask=mask,
            position_ids=position,
            past_key_values=out.past_key_values,
            use_cache=True,
        )
        token = fused(out.logits[:, -1])
    return count / (time.perf_counter() - start)


def apart(count, prompts):
    outs = [model(input_ids=torch.tensor([prompt]), use_cache=True, logits_to_keep=1) for prompt in prompts]
    token = fused(torch.cat([out.logits[:, -1] for out in outs]))
    start = time.perf_counter()
    for _ in range(count):
        outs = [
            model(input_ids=token.expand(1, 1), past_key_values=out.past_key_values, use_cache=True) for out in outs
        ]
        token = fused(torch.cat([out.logits[:, -1] for out in outs]))
    return count / (time.perf_counter() - start)


for line in sys.stdin:
    command, count, *prompts = line.split()
    prompts = [[int(token) for token in prompt.split(",")] for prompt in prompts]
    print({"fuse": together, "apart": apart}[command](int(count), prompts), flush=True)
