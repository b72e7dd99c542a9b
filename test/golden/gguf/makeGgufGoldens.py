"""Makes the golden values of this folder with the Python packages gguf, transformers, tokenizers and safetensors.

blocks.safetensors    random blocks of each GGUF type (U8) and their values as the package gguf dequantizes them (F32)
tiny-*.gguf           small random models, written as llama.cpp's converter does (q and k of Llama permuted)
tiny.json             sha256 of model.safetensors with the weights as transformers' own GGUF loader reads them: of the
                      quantized models rounded to bfloat16, of the other its matrices in float16 as they are stored
logits.safetensors    transformers' logits of these weights, computed in float32, at the last two positions of `ids`
tokenizers.json       a small vocabulary, and texts as ids by the pre-tokenizers that transformers defines
tinymodel-*.whl       a wheel with tiny-llama.gguf in it

Usage: python makeGgufGoldens.py   (writes beside itself)
"""
import hashlib
import json
import os
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import torch
from gguf import GGML_QUANT_SIZES
from gguf import GGMLQuantizationType as Type
from gguf import GGUFWriter, TokenType, quants
from safetensors.torch import save_file
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import AutoModelForCausalLM, GPT2Tokenizer, Qwen2Tokenizer

here = Path(__file__).parent
rng = np.random.default_rng(20250101)


# The byte ranges that hold half-precision scales and minima in a block of each type.
HALVES = {
    Type.Q4_0: [0], Type.Q4_1: [0, 2], Type.Q5_0: [0], Type.Q5_1: [0, 2], Type.Q8_0: [0],
    Type.Q2_K: [80, 82], Type.Q3_K: [108], Type.Q4_K: [0, 2], Type.Q5_K: [0, 2], Type.Q6_K: [208],
}  # fmt: skip


def random_blocks(kind, scales):
    """One random block for each scale; the minimum is the scale of another block."""
    data = rng.integers(0, 256, (len(scales), GGML_QUANT_SIZES[kind][1]), dtype=np.uint8)
    for turn, at in enumerate(HALVES[kind]):
        data[:, at : at + 2] = np.roll(scales, 5 * turn).astype(np.float16).reshape(-1, 1).view(np.uint8)
    return data


def make_blocks():
    tensors = {}
    # Finite scales: of both signs, normal, subnormal and zero.
    scales = np.array([1, -1, 0.0123, -0.0456, 6e-8, -3e-7, 0.0, -0.0, 65504, -65504, 1e-3, 7, -7, 0.5, 2, 3])
    for kind in [*HALVES, Type.F16, Type.BF16]:
        if kind in HALVES:
            data = random_blocks(kind, scales)
        else:
            data = (rng.normal(size=64).astype(np.float16)).view(np.uint8)
        values = quants.dequantize(data, kind).astype(np.float32)
        tensors[f"{kind.name}.bytes"] = torch.from_numpy(data.reshape(-1).copy())
        tensors[f"{kind.name}.values"] = torch.from_numpy(values.reshape(-1).copy())
    save_file(tensors, here / "blocks.safetensors")


def permute(weights, heads):
    """As in llama.cpp's convert_hf_to_gguf.py."""
    rows = weights.shape[0]
    return weights.reshape(heads, 2, rows // heads // 2, -1).swapaxes(1, 2).reshape(weights.shape)


def llama3_factors(factor=8.0, low=1.0, high=4.0, original=8192, theta=500000.0, head_dim=8):
    """As in llama.cpp's convert_hf_to_gguf.py (generate_extra_tensors)."""
    factors = []
    for freq in 1.0 / (theta ** (np.arange(0, head_dim, 2) / head_dim)):
        wavelength = 2 * np.pi / freq
        if wavelength < original / high:
            factors.append(1.0)
        elif wavelength > original / low:
            factors.append(factor)
        else:
            smooth = (original / wavelength - low) / (high - low)
            factors.append(1 / ((1 - smooth) / factor + smooth))
    return np.array(factors, dtype=np.float32)


# What the package cannot quantize to is drawn at random, with scales that give weights of about 0.05.
RANDOM_SCALES = {Type.Q2_K: 5e-3, Type.Q3_K: 1e-3, Type.Q4_K: 2e-4, Type.Q5_K: 1e-4, Type.Q6_K: 4e-5}


def stored(values, kind):
    if kind == Type.F32:
        return values
    if kind not in RANDOM_SCALES:
        return quants.quantize(values, kind)
    scales = RANDOM_SCALES[kind] * rng.uniform(0.8, 1.2, values.size // 256)
    return random_blocks(kind, scales).reshape(len(values), -1)


def make_model(name, arch, types, tied, vocabulary, pre, sizes=(32, 64, 4, 2, 8)):
    """`types`: that of the embedding, then of each layer: one for all its matrices, or one by name."""
    hidden, inter, heads, kv, head_dim = sizes
    layers = len(types) - 1
    pieces, merges, special = vocabulary
    path = here / f"{name}.gguf"
    writer = GGUFWriter(path, arch)
    writer.add_context_length(4096)
    writer.add_embedding_length(hidden)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(inter)
    writer.add_head_count(heads)
    writer.add_head_count_kv(kv)
    writer.add_layer_norm_rms_eps(1e-5 if arch == "llama" else 1e-6)
    writer.add_rope_freq_base(500000.0 if arch == "llama" else 1000000.0)
    if arch == "llama":
        writer.add_rope_dimension_count(head_dim)
        writer.add_vocab_size(len(pieces))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(pre)
    writer.add_token_list(pieces)
    writer.add_token_types([TokenType.CONTROL if p in special else TokenType.NORMAL for p in pieces])
    writer.add_token_merges(merges)
    writer.add_bos_token_id(pieces.index(special[0]))
    writer.add_eos_token_id(pieces.index(special[1]))
    writer.add_chat_template("{{ bos_token }}{% for m in messages %}{{ m['content'] }}{% endfor %}")

    def add(tensor, shape, kind=Type.F32):
        values = (0.05 * rng.normal(size=shape)).astype(np.float32)
        if tensor.endswith("_norm.weight"):
            values += 1
        if arch == "llama" and "attn_q" in tensor:
            values = permute(values, heads)
        if arch == "llama" and "attn_k" in tensor:
            values = permute(values, kv)
        if isinstance(kind, dict):
            kind = kind[tensor.split(".")[2]]
        writer.add_tensor(tensor, stored(values, kind), raw_dtype=kind)

    if arch == "llama":
        writer.add_tensor("rope_freqs.weight", llama3_factors())
    add("token_embd.weight", (len(pieces), hidden), types[0])
    add("output_norm.weight", (hidden,))
    if not tied:
        add("output.weight", (len(pieces), hidden), types[0])
    for i in range(layers):
        kind = types[1 + i]
        add(f"blk.{i}.attn_norm.weight", (hidden,))
        add(f"blk.{i}.ffn_norm.weight", (hidden,))
        add(f"blk.{i}.attn_q.weight", (heads * head_dim, hidden), kind)
        add(f"blk.{i}.attn_k.weight", (kv * head_dim, hidden), kind)
        add(f"blk.{i}.attn_v.weight", (kv * head_dim, hidden), kind)
        add(f"blk.{i}.attn_output.weight", (hidden, heads * head_dim), kind)
        add(f"blk.{i}.ffn_gate.weight", (inter, hidden), kind)
        add(f"blk.{i}.ffn_up.weight", (inter, hidden), kind)
        add(f"blk.{i}.ffn_down.weight", (hidden, inter), kind)
        if arch == "qwen2":
            add(f"blk.{i}.attn_q.bias", (heads * head_dim,))
            add(f"blk.{i}.attn_k.bias", (kv * head_dim,))
            add(f"blk.{i}.attn_v.bias", (kv * head_dim,))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    model = AutoModelForCausalLM.from_pretrained(here, gguf_file=path.name, dtype=torch.float32)
    state = {k: v for k, v in model.state_dict().items() if not (tied and k == "lm_head.weight")}
    if types[0] != Type.F16:
        state = {k: v.to(torch.bfloat16) for k, v in state.items()}
    else:
        state = {k: v.to(torch.float16) if v.ndim > 1 else v for k, v in state.items()}
    file = Path(tempfile.mkdtemp()) / "model.safetensors"
    save_file({k: v.clone() for k, v in state.items()}, file, metadata={"format": "pt"})
    if arch == "llama":  # transformers' loader passes over rope_freqs
        model.config.rope_parameters = {
            "rope_type": "llama3", "rope_theta": 500000.0, "factor": 8.0, "low_freq_factor": 1.0,
            "high_freq_factor": 4.0, "original_max_position_embeddings": 8192,
        }  # fmt: skip
    rounded = AutoModelForCausalLM.from_config(model.config, dtype=torch.float32).eval()
    missing = rounded.load_state_dict({k: v.float() for k, v in state.items()}, strict=False).missing_keys
    assert missing == (["lm_head.weight"] if tied else [])
    with torch.no_grad():
        logits[name] = rounded(IDS).logits[0, -2:].contiguous()
    return hashlib.sha256(file.read_bytes()).hexdigest()


texts = [
    "Hello world, hello WORLD!",
    "In 2024 I'd pay $1,234.50; they'RE 99999 and we'll see.",
    "  two  spaces\n\n\nand\tlines \r\n end  ",
    "naïve café e\u0301 日本語のテキスト １２３ ½ Привет",
    "def f(x):\n    return x**2  # x's\n",
    "12345678901234567890 3.14159",
    "<|begin|>Hello<|end|> world",
    "don't DON'T it's IT'S",
    "",
]


SPECIAL = ["<|begin|>", "<|end|>", "<|endoftext|>"]  # the last one transformers adds by itself


def make_vocabulary():
    """Merges learned without cutting the text, so that they cross words and ids show where the text is cut."""
    trainer = trainers.BpeTrainer(
        vocab_size=420, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), special_tokens=SPECIAL
    )
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    bpe.train_from_iterator(texts * 3, trainer)
    model = json.loads(bpe.to_str())["model"]
    pieces = [piece for piece, _ in sorted(model["vocab"].items(), key=lambda item: item[1])]
    merges = [" ".join(pair) for pair in model["merges"]]
    pieces.append("Ġquokka")  # reached by no merge: only a tokenizer that ignores merges finds it whole
    return pieces, merges, SPECIAL


def reference(pre, pieces, merges):
    """The pre-tokenizers as transformers defines them, where it does."""
    vocab = {piece: i for i, piece in enumerate(pieces)}
    pairs = [tuple(merge.split(" ")) for merge in merges]
    if pre in ("qwen2", "deepseek-r1-qwen"):
        backend = Qwen2Tokenizer(vocab=vocab, merges=pairs)._tokenizer
    elif pre == "gpt-2":
        backend = GPT2Tokenizer(vocab=vocab, merges=pairs)._tokenizer
    elif pre == "smollm":
        backend = Tokenizer(models.BPE(vocab, pairs))
        backend.pre_tokenizer = pre_tokenizers.Sequence(
            [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
        )
        backend.decoder = decoders.ByteLevel()
    else:
        # The pattern of Llama 3's own reference code (llama3/tokenizer.py, pat_str).
        pattern = (
            r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
            r"|\s*[\r\n]+|\s+(?!\S)|\s+"
        )
        backend = Tokenizer(models.BPE(vocab, pairs, ignore_merges=True))
        backend.pre_tokenizer = pre_tokenizers.Sequence(
            [
                pre_tokenizers.Split(Regex(pattern), behavior="isolated"),
                pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
            ]
        )
        backend.decoder = decoders.ByteLevel()
    backend.add_special_tokens(SPECIAL)
    return backend


def make_tokenizers(vocabulary):
    pieces, merges, special = vocabulary
    cases = {}
    for pre in ["gpt-2", "smollm", "qwen2", "deepseek-r1-qwen", "llama-bpe"]:
        backend = reference(pre, pieces, merges)
        cases[pre] = []
        for text in [*texts, "a quokka's quokkas"]:
            ids = backend.encode(text, add_special_tokens=False).ids
            cases[pre].append({"text": text, "ids": ids, "decoded": backend.decode(ids, skip_special_tokens=False)})
    types = [3 if piece in special else 1 for piece in pieces]
    content = {"tokens": pieces, "token_type": types, "merges": merges, "cases": cases}
    (here / "tokenizers.json").write_text(json.dumps(content, ensure_ascii=False) + "\n")


def make_wheel():
    path = here / "tinymodel-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        def add(name, data):
            wheel.writestr(zipfile.ZipInfo(name, (2025, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)

        add("tinymodel/__init__.py", "")
        add("tinymodel/tiny-llama.gguf", (here / "tiny-llama.gguf").read_bytes())
        add("tinymodel-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tinymodel\nVersion: 1.0\n")
        add("tinymodel-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        add("tinymodel-1.0.dist-info/RECORD", "")


make_blocks()
logits = {}
IDS = torch.tensor([[0, 41, 77, 300, 12, 12, 419, 5, 260, 133]])
vocabulary = make_vocabulary()
make_tokenizers(vocabulary)
MIXED = {
    "attn_q": Type.Q2_K, "attn_k": Type.Q4_K, "attn_v": Type.Q5_1, "attn_output": Type.Q3_K,
    "ffn_gate": Type.Q5_K, "ffn_up": Type.Q6_K, "ffn_down": Type.Q5_0,
}  # fmt: skip
sums = {
    "tiny-llama": make_model("tiny-llama", "llama", [Type.Q8_0, Type.Q4_1, Type.Q4_0], True, vocabulary, "llama-bpe"),
    "tiny-mixed": make_model(
        "tiny-mixed", "qwen2", [Type.Q4_K, MIXED], True, vocabulary, "deepseek-r1-qwen", (256, 64, 4, 1, 64)
    ),
    "tiny-qwen2": make_model("tiny-qwen2", "qwen2", [Type.F16, Type.F16], False, vocabulary, "qwen2"),
}
(here / "tiny.json").write_text(json.dumps(sums, indent=2) + "\n")
save_file({"ids": IDS[0].to(torch.int32), **logits}, here / "logits.safetensors")
make_wheel()
for file in here.iterdir():
    os.chmod(file, 0o644)
