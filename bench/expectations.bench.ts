/**
 * Many expectations from one sample: losses at 20 000 points against the paper's stored figures, and the time of a run
 * of 100 laws with a model that costs nothing. Goal: 0.5 s on one thread. Times are nanoseconds a run.
 */
import { ok, strictEqual } from 'node:assert';
import {
  type Backend,
  type ExpectationsOptions,
  expectations,
  hostBackend,
  jsBackend,
  run,
} from '../estimators/index.ts';
import type { Benchmark, Remarks, Size, Timing } from './benchmark.ts';
import { beamLaws, beamSobol, type ExpectationCase, moments } from './expectations-cases.ts';

const SEED = 568;
const POINTS = 20_000;

const VARIANTS: Readonly<Record<string, Partial<ExpectationsOptions>>> = {
  'published preset': { preset: 'published', space: 'normals' },
  'ours, R = 8': {},
  'ours, R = 1': { replicates: 1 },
};

/** Rows of the table, made before anything is timed. */
let table: readonly string[] = [];

export async function benchmarks(size: Size): Promise<readonly Benchmark[]> {
  const toy = size === 'toy';
  const backends = [jsBackend(), await hostBackend({ threads: 1 })];
  const laws = await beamLaws(toy ? 10 : 100);
  table = await losses([moments(), laws, beamSobol()], backends[1]!, toy);
  const once = (backend: Backend) =>
    run(expectations({ ...laws.options, points: toy ? 1000 : POINTS }), { seed: SEED, backend });
  return [
    {
      name: `${laws.truth.length} laws, N = ${toy ? 1000 : POINTS}`,
      unit: 'run',
      items: 1,
      samples: 5,
      cases: backends.map((backend, k) => ({
        name: ['JavaScript', 'WASM, 1 thread'][k]!,
        run: async () => void (await once(backend)),
      })),
      check: async () => {
        const [first, other] = [await once(backends[0]!), await once(backends[1]!)];
        first.estimate.value.forEach((value, j) => {
          strictEqual(other.estimate.value[j], value, `law ${j}: the bits of both backends`);
          ok(Math.abs(value / laws.truth[j]! - 1) < (toy ? 0.2 : 0.02), `law ${j}: ${value}`);
        });
      },
      dispose: async () => {
        for (const backend of backends) await backend.dispose();
      },
    },
  ];
}

async function losses(
  cases: readonly ExpectationCase[],
  backend: Backend,
  toy: boolean,
): Promise<readonly string[]> {
  const head = ['loss', 'naive', 'mixture', 'paper', ...Object.keys(VARIANTS), 'goals'];
  const rows = [head];
  for (const one of cases) {
    const found: string[] = [];
    for (const variant of Object.values(VARIANTS))
      found.push((await loss(one, variant, toy ? 1 : 8, toy ? 1000 : POINTS, backend)).toExponential(1));
    const stored = [one.naive, one.mixture ?? Number.NaN, one.paper].map((x) =>
      x > 0 ? x.toExponential(2) : '',
    );
    rows.push([one.name, ...stored, ...found, one.goals.map((goal) => goal.toExponential(1)).join(', ')]);
  }
  return rows.map((row) =>
    row
      .map((cell) => cell.padEnd(17))
      .join('')
      .trimEnd(),
  );
}

/** Mean over runs of sum_j w_j (I^_j - I_j)^2. */
async function loss(
  { options, answer, truth, relative }: ExpectationCase,
  variant: Partial<ExpectationsOptions>,
  runs: number,
  points: number,
  backend: Backend,
): Promise<number> {
  let total = 0;
  for (let r = 0; r < runs; r++) {
    const method = expectations({ weights: 'relative', ...options, ...variant, points });
    const { value } = (await run(method, { seed: SEED + r, backend }))[answer];
    value.forEach((own, j) => {
      total += ((own - truth[j]!) / (relative ? truth[j]! : 1)) ** 2 / runs;
    });
  }
  return total;
}

export function remarks(_timings: readonly Timing[], _size: Size): Remarks {
  return { facts: { losses: table }, lines: table };
}
