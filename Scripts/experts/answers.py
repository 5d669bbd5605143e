"""Texts that the base writes itself."""

import torch

SYSTEM = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"


def dialogue(question):
    """A question in the model's chat format, up to where the answer begins."""
    return (
        f"<|im_start|>system\n{SYSTEM}<|im_end|>\n<|im_start|>user\n{question}<|im_end|>\n<|im_start|>assistant\n"
    )


@torch.no_grad()
def sample(model, tokenizer, prompts, length, temperature, size=32):
    """One continuation of each prompt, as tokens, ended at the model's end of turn."""
    end = tokenizer.convert_tokens_to_ids("<|im_end|>")
    # Prompts of one length share a batch, so that nothing has to be padded.
    encoded = [tokenizer(prompt, add_special_tokens=False).input_ids for prompt in prompts]
    order = sorted(range(len(prompts)), key=lambda place: len(encoded[place]))
    groups, results = [], [None] * len(prompts)
    for place in order:
        full = not groups or len(groups[-1]) == size
        if full or len(encoded[groups[-1][0]]) != len(encoded[place]):
            groups.append([])
        groups[-1].append(place)
    done = 0
    for group in groups:
        tokens = torch.tensor([encoded[place] for place in group])
        output = model.generate(
            input_ids=tokens,
            attention_mask=torch.ones_like(tokens),
            max_new_tokens=length,
            do_sample=True,
            temperature=temperature,
            top_p=0.95,
            top_k=0,
            eos_token_id=end,
            pad_token_id=end,
        )
        for place, row in zip(group, output[:, tokens.shape[1] :].tolist()):
            results[place] = row[: row.index(end) + 1] if end in row else row
        done += len(group)
        print(f"  {done} of {len(prompts)} texts", flush=True)
    return encoded, results
