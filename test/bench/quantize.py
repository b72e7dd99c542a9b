# Reference of the comparison `quantize` of `make bench`: hqq's own quantizer on the CPU, where it computes in float32, on
# a matrix of `batch` rows and `length` columns in bfloat16. Its rate is in weights, not tokens.
import hqq.core.optimize
import torch
from hqq.core.quantize import Quantizer

from measure import arguments, measure


def main():
    given = arguments()
    if given.compile:
        solver = "optimize_weights_proximal_legacy_step"
        setattr(hqq.core.optimize, solver, torch.compile(getattr(hqq.core.optimize, solver)))
    torch.manual_seed(0)
    weight = (torch.randn(given.batch, given.length) * 0.02).bfloat16()
    setting = dict(nbits=4, group_size=64, axis=1, optimize=True, round_zero=True, device="cpu")

    def step():
        Quantizer.quantize(weight, **setting)

    measure(step, repeats=given.repeats)


main()
