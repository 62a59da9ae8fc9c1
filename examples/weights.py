#!/usr/bin/env python3
"""weights.py FILE: what is in a file of weights, with Python's safetensors and NumPy."""

import sys

from safetensors import safe_open

with safe_open(sys.argv[1], framework="numpy") as file:
    print(file.metadata())
    for name in file.keys():
        tensor = file.get_tensor(name)
        print(f"{name}: {tensor.dtype} {list(tensor.shape)}, mean {tensor.mean():.4f}, "
              f"deviation {tensor.std():.4f}")
