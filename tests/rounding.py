"""How far apart two right computations of the same may be: each CPU chooses the order of a sum, and its instructions.

Where two computations are to be equal, tests compare them in fp64, to SAME. Where the precision is the point, the bound
is `rounding`; where a picture is, it is grey levels.
"""

import torch

SAME = 1e-9  # in fp64: a million roundings of values around 1 are 1e-10
# Relative, of the losses of some steps of training in fp32. Adam divides each gradient by its size: a weight whose
# gradient is all rounding goes either way, by the learning rate, 2e-4, and so off by 1e-3 in a handful of steps. The
# losses, over all weights, are off by less: 2e-7 to 1e-5 was seen.
TRAINED = 1e-3
HALF = 2**-10  # relative, of what was rounded to fp16: twice its rounding, of 11 bits
BRAIN = 2**-7  # relative, of losses in bf16: four roundings of 8 bits, of which means over many values leave less
GREY_LEVEL = 1 / 127.5  # on [-1, 1]
ROOM = 4  # of `rounding`, for norms, which divide what is left over by a smaller number


def rounding(layers: int, terms: int, dtype: torch.dtype = torch.float32) -> float:
    """Of what a network makes, with activations around 1.

    Each value is a sum of so many `terms` (channels times taps, in the widest of the layers). Roundings have either
    sign, so that of n terms some sqrt(n) remain; what each layer adds goes through those after it.
    """
    return ROOM * layers * terms**0.5 * torch.finfo(dtype).eps / 2
