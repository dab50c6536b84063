"""Filters, selection, weights and evidence with the package particles (pip), on one thread.

Usage: python smc_tasks.py < tasks.json, prints one JSON document. The tasks come from smc-main.ts.
"""
import json
import sys
import time
from importlib.metadata import version

import numpy as np
import particles
from particles import datasets, distributions, kalman, resampling, smc_samplers
from particles import state_space_models as ssm

TASKS = json.load(sys.stdin)
REPEATS = TASKS["repeats"]


def best(run, repeats=REPEATS):
    """Least and median seconds, after one run to warm up (numba compiles)."""
    run()
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    seconds.sort()
    return {"min": seconds[0], "median": seconds[len(seconds) // 2]}


def bootstrap(model, y):
    found = []

    def run():
        fk = ssm.Bootstrap(ssm=model, data=y)
        alg = particles.SMC(fk=fk, N=TASKS["particles"], resampling="systematic", ESSrmin=0.5)
        alg.run()
        found.append(alg.logLt)

    return {**best(run), "logZ": (run(), found[-1])[1]}


def selection():
    n = TASKS["million"]
    rng = np.random.default_rng(3)
    logs = -20 * rng.random(n)
    weights = resampling.Weights(lw=logs)
    x = rng.random((n, 4))
    return {
        "systematic and gather, d = 4": best(lambda: x[resampling.systematic(weights.W, n)]),
        "log-weights to weights and ESS": best(lambda: resampling.Weights(lw=logs).ESS),
    }


def logistic_data():
    """Rows y_i x_i [n, p] of Pima with an intercept, as the package prepares them."""
    try:
        return "Pima", np.asarray(datasets.Pima().data)
    except Exception:
        task = TASKS["logistic"]
        return "synthetic", np.array(task["data"]).reshape(task["rows"], task["columns"])


def logistic(data, mcmc, chains, length, runs):
    p = data.shape[1]
    scales = np.array([20.0] + [5.0] * (p - 1))

    class Logistic(smc_samplers.StaticModel):
        def loglik(self, theta, t=None):
            return -np.logaddexp(0.0, -(theta["beta"] @ self.data.T)).sum(axis=1)

    prior = distributions.StructDist({"beta": distributions.MvNormal(scale=scales, cov=np.eye(p))})
    found = []

    def run():
        move = smc_samplers.MCMCSequenceWF(mcmc=mcmc(), len_chain=length)
        fk = smc_samplers.AdaptiveTempering(
            model=Logistic(data=data, prior=prior), len_chain=length, move=move, ESSrmin=0.5
        )
        alg = particles.SMC(fk=fk, N=chains, ESSrmin=1.0)
        alg.run()
        found.append(float(alg.logLt))

    seconds = best(run, runs)
    return {**seconds, "logZ": found[1:]}


MOVES = {
    "random walk": smc_samplers.ArrayRandomWalk,
    "independent": smc_samplers.ArrayIndependentMetropolis,
}
linear = TASKS["linear"]
volatility = TASKS["volatility"]
name, rows = logistic_data()
print(
    json.dumps(
        {
            "python": sys.version.split()[0],
            "version": version("particles"),
            "linear Gaussian": bootstrap(
                kalman.LinearGauss(rho=linear["rho"], sigmaX=1.0, sigmaY=1.0, sigma0=linear["start"]),
                np.array(linear["y"]),
            ),
            "stochastic volatility": bootstrap(
                ssm.StochVol(mu=volatility["mu"], rho=volatility["rho"], sigma=volatility["sigma"]),
                np.array(volatility["y"]),
            ),
            "selection": selection(),
            "logistic": {
                size["moves"]: logistic(rows, MOVES[size["moves"]], size["chains"], size["length"], size["runs"])
                for size in TASKS["logistic"]["sizes"]
            },
            "data": {"name": name, "rows": rows.shape[0], "columns": rows.shape[1], "values": rows.ravel().tolist()},
        }
    )
)
