/**
 * Correctors and solvers of diffusions. Times: what a corrector costs beside its scores in two dimensions (goal: 60 ns a particle and
 * step, one thread), the score of forty modes, and a corrected run of 1e5 particles over 400 steps with it (goal: 15 s on two
 * processors). Below them what has no time: spread of log Z, masses of modes, a hard tilt, evaluations until a mean is
 * right, by solvers without noise and, where the bias is known without draws, with it.
 */
import { ok, strictEqual } from 'node:assert';
import {
  type Backend,
  type CorrectorOptions,
  corrector,
  hostBackend,
  mixtureParameters,
  type NormalMixture,
  rngFromSeed,
  run,
} from 'ensample';
import type { Benchmark, Case, Remarks, Size, Timing } from './benchmark.ts';
import {
  cellMasses,
  evaluations,
  hardTilts,
  logNormalizers,
  noisyEvaluations,
  type Row,
} from './diffusion-accuracy.ts';
import { type DiffusionCase, fortyModes, plainCorrector, plane } from './diffusion-cases.ts';

const SEED = 7;
const CORRECTORS = 'corrector, d = 2';

let table: readonly Row[] = [];

async function logZ(options: CorrectorOptions, backend: Backend): Promise<number> {
  return (await run(corrector(options), { seed: SEED, backend })).logNormalizer.value;
}

/** A score of all particles by kernels at one time, again and again. */
function scores(mixture: NormalMixture, d: number, n: number, repeat: number, backend: Backend): Case {
  const arena = backend.arena();
  const copy = (values: Float64Array): Float64Array => {
    const own = arena.f64(values.length);
    own.set(values);
    return own;
  };
  const { means, whiten, logConstant, components } = mixtureParameters(mixture);
  const laws = [copy(means), copy(whiten), copy(logConstant), components] as const;
  const stream = rngFromSeed(3).stream({ purpose: 32 });
  const x = copy(Float64Array.from({ length: n * d }, () => stream.normal()));
  const [logDensity, out] = [arena.f64(n), arena.f64(n * d)];
  const once = async (): Promise<void> => {
    for (let k = 0; k < repeat; k++)
      await backend.dispatch('mixtureScore', [x, d, ...laws, logDensity, out], n);
  };
  return { name: 'scores alone', run: once };
}

/** A plain loop, the scores, and correctors without and with a control, all on one thread. */
function inThePlane(problem: DiffusionCase, n: number, steps: number, one: Backend): Benchmark {
  const { target, denoiser, exact } = problem;
  const settings = { target, particles: n, steps };
  const controls = ['none', 'affine'] as const;
  return {
    ...{ name: CORRECTORS, unit: 'particle-step', items: n * steps, samples: 16 },
    cases: [
      { name: 'plain loop', run: () => void plainCorrector(problem, n, steps) },
      scores(denoiser.mixture!, 2, n, steps, one),
      ...controls.map((control) => ({
        name: `FKC ${control}`,
        run: async () => void (await logZ({ ...settings, control }, one)),
      })),
    ],
    check: async () => {
      // Six deviations of a run of 4000 particles without control, 0.04, and the bias of the left point.
      const allowed = 6 * 0.04 * Math.sqrt(4000 / n) + 2 / steps;
      const found = [
        plainCorrector(problem, n, steps),
        ...(await Promise.all(controls.map((control) => logZ({ ...settings, control }, one)))),
      ];
      for (const value of found)
        ok(Math.abs(value - exact.logNormalizer) < allowed, `log Z is ${value}, not ${exact.logNormalizer}`);
    },
  };
}

function fortyScores(n: number, one: Backend): Benchmark {
  const { denoiser } = fortyModes();
  const stream = rngFromSeed(3).stream({ purpose: 32 });
  const x = Float64Array.from({ length: 2 * n }, () => stream.normal());
  const out = new Float64Array(2 * n);
  const kernel = scores(denoiser.mixture!, 2, n, 1, one);
  return {
    ...{ name: 'score of forty modes', unit: 'particle', items: n, samples: 10 },
    cases: [
      { name: 'JavaScript', run: () => void denoiser.predict(x, 0, out) },
      { ...kernel, name: 'WASM SIMD' },
    ],
    check: async () => {
      await denoiser.predict(x, 0, out);
      await kernel.run();
      ok(out.every(Number.isFinite));
    },
  };
}

function forty(n: number, steps: number, backends: readonly Backend[]): Benchmark {
  const { target, exact } = fortyModes();
  const settings = { target, particles: n, steps };
  return {
    ...{ name: `FKC of forty modes, K = ${n}`, unit: 'particle-step', items: n * steps, samples: 1 },
    cases: backends.map((backend) => ({
      name: `${backend.threads} thread${backend.threads === 1 ? '' : 's'}`,
      run: async () => void (await logZ(settings, backend)),
    })),
    check: async () => {
      const [first, ...others] = await Promise.all(backends.map((backend) => logZ(settings, backend)));
      for (const other of others) strictEqual(other, first);
      const off = Math.abs(first! - exact.logNormalizer);
      ok(off < 12 / Math.sqrt(n) + 60 / steps, `log Z is ${first}, not ${exact.logNormalizer}`);
    },
  };
}

export async function benchmarks(size: Size): Promise<readonly Benchmark[]> {
  const toy = size === 'toy';
  const [one, two] = [await hostBackend({ threads: 1 }), await hostBackend({ threads: 2 })];
  const parts = [logNormalizers, cellMasses, hardTilts, evaluations, noisyEvaluations];
  const rows: Row[] = [];
  for (const part of parts) rows.push(...(await part(toy, two)));
  table = rows;
  return [
    inThePlane(plane(), toy ? 500 : 25_000, toy ? 20 : 200, one),
    fortyScores(toy ? 500 : 100_000, one),
    forty(toy ? 500 : 100_000, toy ? 100 : 400, [one, two]),
  ];
}

export function remarks(timings: readonly Timing[], size: Size): Remarks {
  const best = (name: string): number =>
    timings.find((timing) => timing.benchmark === CORRECTORS && timing.name === name)!.minimum;
  const beside = ['none', 'affine'].map((control) => {
    return `${(best(`FKC ${control}`) - best('scores alone')).toFixed(0)} with control ${control}`;
  });
  const whole = timings.filter(({ benchmark }) => benchmark.startsWith('FKC of forty')).at(-1)!;
  const seconds = (whole.minimum * 4e7) / 1e9;
  const timed =
    size === 'toy'
      ? []
      : [
          '',
          `a corrector beside its scores, ns a particle and step, goal 60: ${beside.join(', ')}`,
          `1e5 particles of forty modes over 400 steps, ${whole.name}: ${seconds.toFixed(1)} s, goal 15`,
        ];
  const lines = [
    ...table.map(({ what, found, goal }) => `${what.padEnd(44)} ${found.padEnd(44)} ${goal}`.trimEnd()),
    ...timed,
  ];
  return { facts: { table, beside, seconds }, lines };
}
