"""The model that the experts are trained on: the fetched GGUF, its quantised weights taken as the numbers they stand for."""

import pathlib
import subprocess
import sys

import gguf
import numpy
import torch
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
NAME = "HuggingFaceTB/SmolLM2-135M-Instruct"
SCRIPTS = pathlib.Path(__file__).resolve().parent.parent

# What a layer's tensors are called in GGUF and in transformers.
LAYER = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
OUTER = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}


def find():
    """The path of the fetched file."""
    answer = subprocess.run(
        [sys.executable, str(SCRIPTS / "fetch_models.py"), "--path"], capture_output=True, text=True, check=True
    )
    path = pathlib.Path(answer.stdout.strip()) / FILE
    if not path.exists():
        raise SystemExit(f"{path} is missing: run Scripts/fetch-models first.")
    return path


def in_halves(rows, heads):
    """Rows in the order of transformers, which rotates (i, i + d / 2); GGUF has such pairs side by side."""
    dimension = rows.shape[0] // heads
    order = numpy.arange(rows.shape[0]).reshape(heads, dimension // 2, 2).transpose(0, 2, 1).reshape(-1)
    return rows[order]


def load(path):
    """The model in float32 and its tokenizer."""
    reader = gguf.GGUFReader(str(path))

    def setting(key):
        return reader.fields["llama." + key].contents()

    heads, pairs = setting("attention.head_count"), setting("attention.head_count_kv")
    weights = {}
    for tensor in reader.tensors:
        values = gguf.dequantize(tensor.data, tensor.tensor_type)
        values = values.reshape([int(extent) for extent in reversed(tensor.shape)])
        place = tensor.name.removesuffix(".weight").split(".")
        if place[0] == "blk":
            if place[2] in ("attn_q", "attn_k"):
                values = in_halves(values, heads if place[2] == "attn_q" else pairs)
            name = f"model.layers.{place[1]}.{LAYER[place[2]]}"
        else:
            name = OUTER[place[0]]
        weights[name + ".weight"] = torch.from_numpy(numpy.array(values, dtype=numpy.float32))
    tied = "lm_head.weight" not in weights
    configuration = LlamaConfig(
        vocab_size=weights["model.embed_tokens.weight"].shape[0],
        hidden_size=setting("embedding_length"),
        intermediate_size=setting("feed_forward_length"),
        num_hidden_layers=setting("block_count"),
        num_attention_heads=heads,
        num_key_value_heads=pairs,
        max_position_embeddings=setting("context_length"),
        rms_norm_eps=float(setting("attention.layer_norm_rms_epsilon")),
        rope_theta=float(setting("rope.freq_base")),
        tie_word_embeddings=tied,
    )
    model = LlamaForCausalLM(configuration)
    if tied:
        weights["lm_head.weight"] = weights["model.embed_tokens.weight"]
    model.load_state_dict(weights)
    return model.eval(), AutoTokenizer.from_pretrained(str(path.parent), gguf_file=path.name)
