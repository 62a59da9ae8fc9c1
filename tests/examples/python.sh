#!/usr/bin/env bash
# python.sh PYTHON SCRIPT WEIGHTS
set -euo pipefail
"$1" -c 'import safetensors, numpy' 2>/dev/null ||
  { echo "skipped: this Python has no safetensors (pip install safetensors numpy)"; exit 77; }
found=$("$@")
echo "$found"
grep -q '^fc1.weight: float32 \[128, 784\], mean ' <<<"$found"
