#!/usr/bin/env python3
"""Makes python.safetensors: what the format's own library writes, for the test of our reader."""

import pathlib

import torch
from safetensors.torch import save_file

TENSORS = {
    "F64": torch.tensor([[0.5, -1.25], [1e300, -0.0]], dtype=torch.float64),
    "F32": torch.tensor([1.5, -2.75, 3e-38], dtype=torch.float32),
    "BF16": torch.tensor([1.0, -2.5], dtype=torch.bfloat16),
    "I64": torch.tensor([-(2**62), 7], dtype=torch.int64),
    "I32": torch.tensor([[-5], [2**31 - 1], [-(2**31)]], dtype=torch.int32),
    "U8": torch.tensor([0, 127, 255], dtype=torch.uint8),
    "scalar": torch.tensor(2.5),
    "empty": torch.zeros(0, 3),
    'quoted "name" ü': torch.tensor([1.0]),
}

path = pathlib.Path(__file__).resolve().parent / "python.safetensors"
save_file(TENSORS, path, metadata={"format": "pt", "note": "line one\nline two"})
print(f"{path.name}: {path.stat().st_size} bytes")
