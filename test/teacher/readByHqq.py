"""Loads the quantized layers of a teacher with hqq, each as HQQLinear loads its state dict, for readByHqq.test.ts.

    python readByHqq.py MODEL_FOLDER TEACHER_FOLDER OUT.safetensors

Writes the matrices as hqq dequantizes them, and prints as JSON for each layer what hqq says of it, what it did not find
or did not know, and in how many bytes of codes its own quantization of the model's matrix differs.
"""

import json
import sys
from pathlib import Path

import torch
from hqq.core.quantize import HQQLinear, Quantizer
from safetensors import safe_open
from safetensors.torch import load_file, save_file

model, folder, out = load_file(Path(sys.argv[1]) / "model.safetensors"), Path(sys.argv[2]), sys.argv[3]
layers = {}
for path in sorted(folder.glob("*.safetensors")):
    with safe_open(path, "pt") as file:
        for name in file.keys():
            module, _, key = name.rpartition(".")
            layers.setdefault(module, {})[key] = file.get_tensor(name)

matrices, listed = {}, {}
for module, state in layers.items():
    if "W_q" not in state:
        continue
    layer = HQQLinear(None, None, compute_dtype=torch.float32, device="cpu", initialize=False)
    faults = sorted(set(state) ^ (layer.state_dict_keys() - {"bias"} | ({"bias"} & set(state))))
    layer.load_state_dict(state)
    matrices[module] = layer.dequantize()
    x = torch.eye(layer.in_features)
    assert torch.equal(layer(x).t() - (0 if layer.bias is None else layer.bias[:, None]), matrices[module])
    params = layer.quant_config["weight_quant_params"]
    own, _ = Quantizer.quantize(model[f"{module}.weight"], **params, device="cpu")
    listed[module] = dict(params, faults=faults, differing=int((own != layer.W_q).sum()))
save_file(matrices, out)
print(json.dumps(listed))
