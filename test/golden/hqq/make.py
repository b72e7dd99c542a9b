"""Makes the golden values of this folder with hqq 0.2.8 on the CPU (there its solver runs in float32).

    python make.py        # needs hqq, torch and safetensors

hqq_goldens.safetensors: matrices W and W2, and of each case in hqq_goldens.json the packed codes, scale, zero and the
dequantized matrix. W has groups that are constant or nearly so; in W2, groups do not end where rows do.
linear.safetensors: the state dict of an HQQLinear, and the weight it was made of.
"""

import json
from pathlib import Path

import torch
from hqq.core.quantize import BaseQuantizeConfig, HQQLinear, Quantizer
from safetensors.torch import save_file

GROUP_SIZE = 16
# Of groups around 0: their zero point in 4 bits is 7.5, or just below if 15 / range is computed as PyTorch does it.
ODD_WIDTHS = (0.017, 0.033, 0.047)
HERE = Path(__file__).parent


def matrix(rows, columns, seed):
    values = torch.randn(rows, columns, generator=torch.Generator().manual_seed(seed))
    return values * 0.05


def matrices():
    w = matrix(16, 48, seed=1)
    w[3, :16] = 0.0
    w[4, :16] = 0.25
    w[5, :16] = 0.125 + 1e-5 * torch.arange(16)  # narrower than 2e-4: its inverse scale is clamped
    w[6, 16:32] = torch.arange(16) / 64  # the codes of 4 bits, exactly
    w[7, 0] = 3.0
    w[8, :16] = 0.125 + 3e-6 * torch.arange(16)  # narrower than 1e-4: its scale is 1
    for group, width in enumerate(ODD_WIDTHS):
        w[9, 16 * group :][:16] = torch.linspace(-width, width, 16)
    return {"W": w, "W2": matrix(12, 40, seed=2)}


def cases():
    for bits in (8, 4, 3, 2, 1):
        for axis in (0, 1):
            for optimize in (True, False):
                yield "W", bits, axis, optimize, GROUP_SIZE
    for axis in (0, 1):
        yield "W2", 4, axis, True, GROUP_SIZE
    # BaseQuantizeConfig wants multiples of 8; the quantizer itself and all that reads its files do not.
    for bits, axis, group_size in ((8, 1, 5), (4, 0, 6), (4, 1, 15), (3, 0, 5), (3, 1, 60), (2, 0, 12), (1, 1, 12)):
        yield "W2", bits, axis, True, group_size


def main():
    tensors = matrices()
    listed = []
    for name, bits, axis, optimize, group_size in cases():
        prefix = "" if name == "W" else f"{name}_"
        size = "" if group_size == GROUP_SIZE else f"_group{group_size}"
        key = f"{prefix}b{bits}_axis{axis}{size}_{'opt' if optimize else 'rtn'}"
        packed, meta = Quantizer.quantize(
            tensors[name],
            nbits=bits,
            group_size=group_size,
            optimize=optimize,
            round_zero=bits == 4,
            axis=axis,
            compute_dtype=torch.float32,
            device="cpu",
        )
        meta["compute_dtype"] = torch.float32
        tensors[f"{key}.W_q_packed"] = packed
        tensors[f"{key}.scale"] = meta["scale"]
        tensors[f"{key}.zero"] = meta["zero"]
        tensors[f"{key}.W_deq"] = Quantizer.dequantize(packed, meta)
        listed.append(dict(key=key, nbits=bits, axis=axis, group_size=group_size, optimize=optimize))
    save_file(tensors, HERE / "hqq_goldens.safetensors")
    (HERE / "hqq_goldens.json").write_text(json.dumps({"hqq": "0.2.8", "cases": listed}, indent=1) + "\n")
    save_linear()


def save_linear():
    weight = matrix(24, 32, seed=3)
    config = BaseQuantizeConfig(nbits=4, group_size=GROUP_SIZE, axis=1)
    layer = HQQLinear.from_weights(
        weight.clone(), bias=None, quant_config=config, compute_dtype=torch.float16, device="cpu"
    )
    state = {f"proj.{key}": value.contiguous() for key, value in layer.state_dict().items()}
    save_file({"weight": weight, "dequantized": layer.dequantize(), **state}, HERE / "linear.safetensors")


main()
