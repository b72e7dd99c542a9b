# Reference of `make bench`: teacher prefill and the exact top-64 of every position with transformers and PyTorch;
# --hqq: with linear layers quantized by Python's hqq.
# The fastest plain way that was found on a CPU: bf16 weights, SDPA attention, no key/value cache, and the head on
# blocks of 128 positions, 1.4 times as fast as all logits at once (blocks of 64 to 512 and smaller batches: no faster).
import torch
from hqq.core.quantize import BaseQuantizeConfig, HQQBackend, HQQLinear
from transformers import AutoModelForCausalLM

from measure import arguments, measure

TOP_K = 64
HEAD_ROWS = 128


def prefill(model, token_ids):  # [B, T] -> log-probabilities and ids [B * T, K], log-sum-exp [B * T]
    hidden = model.model(input_ids=token_ids, use_cache=False).last_hidden_state.flatten(0, 1)
    blocks = []
    for rows in hidden.split(HEAD_ROWS):
        logits = model.lm_head(rows).float()
        log_sum_exp = logits.logsumexp(-1)
        values, ids = logits.topk(TOP_K)
        blocks.append((values - log_sum_exp[:, None], ids, log_sum_exp))
    return [torch.cat(parts) for parts in zip(*blocks)]


def quantize(model):  # the linear layers by hqq in 4 bits, the head left as it is; the fastest backend a CPU has
    for layer in model.model.layers:
        for block in (layer.self_attn, layer.mlp):
            for name, linear in block.named_children():
                if isinstance(linear, torch.nn.Linear):
                    config = BaseQuantizeConfig(nbits=4, group_size=64, axis=1)
                    packed = HQQLinear(linear, config, compute_dtype=torch.bfloat16, device="cpu")
                    setattr(block, name, packed)
    HQQLinear.set_backend(HQQBackend.PYTORCH)


def main():
    given = arguments()
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_pretrained(
        given.model, dtype=torch.bfloat16, attn_implementation="sdpa"
    ).eval()
    if given.hqq:
        quantize(model)
    if given.compile:
        model.model.compile()
    token_ids = torch.randint(model.config.vocab_size, (given.batch, given.length))

    def step():
        prefill(model, token_ids)

    with torch.inference_mode():
        measure(step, repeats=given.repeats)


main()
