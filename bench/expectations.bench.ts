/**
 * Many expectations from one sample: losses at 20 000 points beside the stored figures of the paper and of plain Monte
 * Carlo, how often intervals cover, and the time of a run of 100 laws. Times are nanoseconds a run; the model is
 * measured alone and taken off in the last line. Goal: 0.5 s on one thread.
 */
import { ok, strictEqual } from 'node:assert';
import { type Backend, type ExpectationsOptions, expectations, hostBackend, jsBackend, run } from 'ensample';
import type { Benchmark, Remarks, Size, Timing } from './benchmark.ts';
import { beamLaws, beamSobol, type ExpectationCase, modelSeconds, moments } from './expectations-cases.ts';

const SEED = 568;
const POINTS = 20_000;
const TIMED = 'WASM, 1 thread';

const VARIANTS: Readonly<Record<string, Partial<ExpectationsOptions>>> = {
  'published preset': { preset: 'published', space: 'normals' },
  'ours, R = 8': {},
  'ours, R = 1': { replicates: 1 },
  'ours, 8 parts': { scrambles: 'shared' },
};

/** Rows of the table, and where the time of a run goes; made before anything is timed. */
let table: readonly string[] = [];
let split: Readonly<Record<string, number>> = {};

export async function benchmarks(size: Size): Promise<readonly Benchmark[]> {
  const toy = size === 'toy';
  const points = toy ? 1000 : POINTS;
  const backends = [jsBackend(), await hostBackend({ threads: 1 })];
  const laws = await beamLaws(toy ? 10 : 100);
  table = await losses([moments(), laws, beamSobol()], backends[1]!, toy);
  const once = (backend: Backend) => run(expectations({ ...laws.options, points }), { seed: SEED, backend });
  return [
    {
      name: `${laws.truth.length} laws, N = ${points}`,
      unit: 'run',
      items: 1,
      samples: 3,
      cases: backends.map((backend, k) => ({
        name: ['JavaScript', TIMED][k]!,
        run: async () => void (await once(backend)),
      })),
      check: async () => {
        const [first, other] = [await once(backends[0]!), await once(backends[1]!)];
        first.estimate.value.forEach((value, j) => {
          strictEqual(other.estimate.value[j], value, `law ${j}: the bits of both backends`);
          ok(Math.abs(value / laws.truth[j]! - 1) < (toy ? 0.2 : 0.02), `law ${j}: ${value}`);
        });
        const kernels: Record<string, number> = {};
        await once(timedBackend(backends[1]!, kernels));
        split = { model: modelSeconds(first.diagnostics.evaluations), ...kernels };
      },
      dispose: async () => {
        for (const backend of backends) await backend.dispose();
      },
    },
  ];
}

/** A backend that adds up the seconds of its kernels by name. */
function timedBackend(backend: Backend, seconds: Record<string, number>): Backend {
  return {
    ...backend,
    dispatch: async (kernel, args, count, grain) => {
      const start = performance.now();
      await backend.dispatch(kernel, args, count, grain);
      seconds[kernel] = (seconds[kernel] ?? 0) + (performance.now() - start) / 1000;
    },
  };
}

async function losses(
  cases: readonly ExpectationCase[],
  backend: Backend,
  toy: boolean,
): Promise<readonly string[]> {
  const head = [
    'loss',
    'naive',
    'mixture',
    'paper',
    ...Object.keys(VARIANTS),
    'goals',
    'covered, R = 8',
    '8 parts',
  ];
  const rows = [head];
  for (const one of cases) {
    const found: string[] = [];
    const covered: string[] = [];
    for (const variant of Object.values(VARIANTS)) {
      const { loss, hits, intervals } = await measure(one, variant, toy, backend);
      found.push(loss.toExponential(1));
      if (variant.preset === undefined && intervals > 0) covered.push(`${hits} of ${intervals}`);
    }
    const stored = [one.naive, one.mixture ?? Number.NaN, one.paper].map((x) =>
      x > 0 ? x.toExponential(2) : '',
    );
    const goals = one.goals.map((goal) => goal.toExponential(1)).join(', ');
    rows.push([one.name, ...stored, ...found, goals, ...covered]);
  }
  return rows.map((row) =>
    row
      .map((cell) => cell.padEnd(17))
      .join('')
      .trimEnd(),
  );
}

interface Measured {
  /** Mean over runs of sum_j w_j (I^_j - I_j)^2. */
  readonly loss: number;
  /** Intervals that hold the exact value, and how many there are. */
  readonly hits: number;
  readonly intervals: number;
}

async function measure(
  { options, answer, truth, relative, runs }: ExpectationCase,
  variant: Partial<ExpectationsOptions>,
  toy: boolean,
  backend: Backend,
): Promise<Measured> {
  const count = toy ? 1 : runs;
  let [loss, hits, intervals] = [0, 0, 0];
  for (let r = 0; r < count; r++) {
    const points = toy ? 1000 : POINTS;
    const method = expectations({ weights: 'relative', ...options, ...variant, points });
    const { value, low, high } = (await run(method, { seed: SEED + r, backend }))[answer];
    truth.forEach((exact, j) => {
      loss += ((value[j]! - exact) / (relative ? exact : 1)) ** 2 / count;
      if (Number.isNaN(low[j]!)) return;
      intervals++;
      if (low[j]! <= exact && exact <= high[j]!) hits++;
    });
  }
  return { loss, hits, intervals };
}

export function remarks(timings: readonly Timing[], _size: Size): Remarks {
  const whole = timings.find(({ name }) => name === TIMED)!.minimum / 1e9;
  const { model = 0, ...kernels } = split;
  const parts = Object.entries(kernels).map(([name, seconds]) => `${name} ${seconds.toFixed(3)}`);
  const time = `${(whole - model).toFixed(3)} s a run without the model (${model.toFixed(3)} s), one thread, goal 0.5; of it ${parts.join(', ')}`;
  return { facts: { losses: table, split }, lines: [...table, '', time] };
}
