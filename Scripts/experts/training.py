"""Trains a low-rank adapter, and measures what it has learnt."""

import math

import torch
from peft import LoraConfig, get_peft_model


class Example:
    """Tokens, of which those before `start` are read but not learnt."""

    def __init__(self, tokens, start, byte_count):
        self.tokens, self.start, self.byte_count = tokens, start, byte_count


def batches(examples, size, random):
    """Batches of similar lengths, in a random order."""
    order = sorted(range(len(examples)), key=lambda place: (len(examples[place].tokens), random.random()))
    groups = [[examples[place] for place in order[start : start + size]] for start in range(0, len(order), size)]
    random.shuffle(groups)
    return groups


def loss_sum(model, group):
    """The summed −ln p of what is learnt of some examples, and of how many tokens."""
    width = max(len(example.tokens) for example in group)
    tokens = torch.zeros(len(group), width, dtype=torch.long)
    counts = torch.zeros(len(group), width, dtype=torch.bool)
    for row, example in enumerate(group):
        tokens[row, : len(example.tokens)] = torch.tensor(example.tokens)
        counts[row, max(1, example.start) : len(example.tokens)] = True
    # Padding is behind the text, where causal attention does not look.
    hidden = model.base_model.model.model(input_ids=tokens).last_hidden_state[:, :-1][counts[:, 1:]]
    logits = model.base_model.model.lm_head(hidden).float()
    losses = torch.nn.functional.cross_entropy(logits, tokens[:, 1:][counts[:, 1:]], reduction="sum")
    return losses, int(counts.sum())


@torch.no_grad()
def bits_per_byte(model, examples, size=16):
    total = 0.0
    for start in range(0, len(examples), size):
        total += float(loss_sum(model, examples[start : start + size])[0])
    return total / math.log(2) / sum(example.byte_count for example in examples)


def train(base, examples, held_out, *, rank, modules, epochs, rate, size, random):
    """A PEFT model, and what was measured before, during and after."""
    torch.manual_seed(random.randrange(2**31))
    model = get_peft_model(
        base, LoraConfig(task_type="CAUSAL_LM", r=rank, lora_alpha=2 * rank, lora_dropout=0.0, target_modules=modules)
    )
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimiser = torch.optim.AdamW(parameters, lr=rate, weight_decay=0.0)
    before = bits_per_byte(model, held_out)
    groups = [group for _ in range(epochs) for group in batches(examples, size, random)]
    losses = []
    for step, group in enumerate(groups):
        share = step / len(groups)
        for setting in optimiser.param_groups:
            setting["lr"] = rate * min(1, (step + 1) / 8) * (0.1 + 0.45 * (1 + math.cos(math.pi * share)))
        loss, count = loss_sum(model, group)
        (loss / count).backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        optimiser.zero_grad()
        losses.append(float(loss.detach()) / count)
        if (step + 1) % 10 == 0:
            print(f"  step {step + 1} of {len(groups)}: loss {sum(losses[-10:]) / 10:.3f}", flush=True)
    # Of few steps, the first and the last third, so that a step counts for the beginning or for the end.
    span = min(10, max(1, len(losses) // 3))
    return model, {
        "steps": len(groups),
        "span": span,
        "first": sum(losses[:span]) / span,
        "last": sum(losses[-span:]) / span,
        "before": before,
        "after": bits_per_byte(model, held_out),
    }
