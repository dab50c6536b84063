"""The tasks of bench/peers on SALib, OpenTURNS and scipy: seconds for sampling plus analysis, the model left out.

Usage: python tasks.py REPEATS, prints one JSON document. A package that is not installed is reported as missing.
"""
import json
import sys
import time

import numpy as np

REPEATS = int(sys.argv[1]) if len(sys.argv) > 1 else 3
TASKS = [
    {"task": "ishigami n=65536", "d": 3, "n": 65536},
    {"task": "g-function d=20 n=16384", "d": 20, "n": 16384},
]


def model(name, x):
    if name.startswith("ishigami"):
        return np.sin(x[:, 0]) + 7 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0])
    a = np.arange(x.shape[1])
    return np.prod((np.abs(4 * x - 2) + a) / (1 + a), axis=1)


def bounds(name, d):
    return [[-np.pi, np.pi]] * d if name.startswith("ishigami") else [[0.0, 1.0]] * d


def best(run, repeats=REPEATS):
    """(minimum, median) of the seconds that run() reports over the repeats."""
    seconds = sorted(run() for _ in range(repeats))
    return {"min": seconds[0], "median": seconds[len(seconds) // 2]}


def salib(task):
    from SALib.analyze import sobol as analyze
    from SALib.sample import sobol as sample

    problem = {"num_vars": task["d"], "names": [f"x{i}" for i in range(task["d"])], "bounds": bounds(task["task"], task["d"])}

    def run():
        start = time.perf_counter()
        x = sample.sample(problem, task["n"], calc_second_order=True, seed=7)
        sampled = time.perf_counter()
        y = model(task["task"], x)
        evaluated = time.perf_counter()
        analyze.analyze(problem, y, calc_second_order=True, num_resamples=100, seed=7)
        return sampled - start + time.perf_counter() - evaluated

    return best(run)


def openturns(task):
    import openturns as ot

    laws = ot.JointDistribution([ot.Uniform(*b) for b in bounds(task["task"], task["d"])])

    def run():
        start = time.perf_counter()
        x = ot.SobolIndicesExperiment(laws, task["n"], True).generate()
        sampled = time.perf_counter()
        y = ot.Sample(model(task["task"], np.asarray(x)).reshape(-1, 1))
        evaluated = time.perf_counter()
        algorithm = ot.SaltelliSensitivityAlgorithm(x, y, task["n"])
        algorithm.setUseAsymptoticDistribution(False)
        algorithm.setBootstrapSize(100)
        algorithm.getFirstOrderIndicesInterval()
        algorithm.getSecondOrderIndices()
        return sampled - start + time.perf_counter() - evaluated

    return best(run, 1)


def scipy(task):
    from scipy.stats import qmc, sobol_indices, uniform

    laws = [uniform(low, high - low) for low, high in bounds(task["task"], task["d"])]
    spent = [0.0]

    def evaluate(x):
        start = time.perf_counter()
        y = model(task["task"], x.T).reshape(1, -1)
        spent[0] += time.perf_counter() - start
        return y

    def run():
        spent[0] = 0.0
        start = time.perf_counter()
        sobol_indices(func=evaluate, n=task["n"], dists=laws, rng=np.random.default_rng(7))
        return time.perf_counter() - start - spent[0]

    del qmc
    return best(run)


def attempt(peer, task):
    try:
        return peer(task)
    except ImportError as error:
        return {"missing": f"{error.name} is not installed"}
    except Exception as error:  # a peer that cannot do the task is a finding, not a crash
        return {"missing": f"{type(error).__name__}: {str(error)[:100]}"}


def versions():
    from importlib.metadata import PackageNotFoundError, version

    found = {}
    for name in ["SALib", "openturns", "scipy", "numpy"]:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = None
    return found


print(
    json.dumps(
        {
            "python": sys.version.split()[0],
            "versions": versions(),
            "results": [
                {"task": task["task"], "salib": attempt(salib, task), "openturns": attempt(openturns, task), "scipy": attempt(scipy, task)}
                for task in TASKS
            ],
        }
    )
)
