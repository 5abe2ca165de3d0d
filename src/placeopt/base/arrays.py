"""The types of arrays, as annotations name them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
ShortInts = NDArray[np.int32]  # positions in long lists, in half the memory
Signs = NDArray[np.int8]  # -1, 0 or 1
Bools = NDArray[np.bool_]
