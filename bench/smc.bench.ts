/**
 * Bootstrap filters with models in plain functions and in kernels of the core, on one thread and on two; weighing and
 * selection of a million particles. Goals on an idle machine that makes a normal in 35 ns of plain JavaScript: kernels
 * 30 ns a particle and step, a user's functions 55 ns; weighing 4 ms, systematic ancestors and gather 6 ms.
 */
import { ok, strictEqual } from 'node:assert';
import {
  type Backend,
  type FeynmanKac,
  hostBackend,
  jsBackend,
  makePathTree,
  makeResampler,
  makeSmc,
  particleFilter,
  quantise,
  RESAMPLING_SCHEMES,
  resample,
  rngFromSeed,
  run,
  type StateSpaceModel,
} from 'ensample';
import type { Benchmark, Remarks, Size, Timing } from './benchmark.ts';
import { type FilterTask, linearTask, plainFilter, volatilityTask } from './smc-models.ts';
import { twoAtOnce } from './two-at-once.ts';

const SEED = 7;
/** What weighs and selects: the backends of `benchmarks`, in their order. */
const CORES = ['JavaScript', 'WASM SIMD', 'two threads'] as const;
const WEIGHING = 'log-weights to weights and effective size';
const SELECTION = 'scan, systematic ancestors and gather';

/** log Z of one filter. */
async function logZ(task: FilterTask, model: StateSpaceModel, n: number, backend: Backend): Promise<number> {
  const method = particleFilter({ model, observations: Array.from(task.y), particles: n });
  return (await run(method, { seed: SEED, backend })).logNormalizer.value;
}

/** Six standard deviations, and the bias of a logarithm. */
function expectRight(task: FilterTask, found: number, n: number): void {
  const sd = task.spread * Math.sqrt((1000 / n) * (task.y.length / 100));
  ok(Math.abs(found - task.exact) < 6 * sd + sd * sd, `${task.name}: log Z is ${found}, not ${task.exact}`);
}

function filters(task: FilterTask, n: number, one: Backend, two: Backend): readonly Benchmark[] {
  const { model, user, name } = task;
  const shared = { unit: 'particle-step', items: n * task.y.length, samples: 6 };
  const { kernels: _, ...functions } = model;
  const timed = (of: StateSpaceModel, backend: Backend) => async (): Promise<void> => {
    await logZ(task, of, n, backend);
  };
  const byKernels = timed(model, one);
  return [
    {
      ...shared,
      name: `bootstrap filter, ${name}`,
      cases: [
        { name: 'plain loop', run: () => void plainFilter(task, n) },
        { name: 'JS model', run: timed(user, one) },
        { name: 'kernels', run: byKernels },
      ],
      check: async () => {
        const found = await logZ(task, model, n, one);
        expectRight(task, found, n);
        strictEqual(await logZ(task, functions, n, one), found);
        expectRight(task, await logZ(task, user, n, one), n);
        expectRight(task, plainFilter(task, n), n);
      },
    },
    {
      ...shared,
      name: `bootstrap filter on threads, ${name}`,
      goal: 1.8,
      cases: [
        { name: '1 thread', run: byKernels },
        { name: '2 threads', run: timed(model, two) },
      ],
      check: async () => strictEqual(await logZ(task, model, n, two), await logZ(task, model, n, one)),
    },
  ];
}

function logWeights(n: number): Float64Array {
  const next = rngFromSeed(3).stream({ purpose: 32 });
  return Float64Array.from({ length: n }, () => -20 * next.uniform());
}

/** Max, exponentials, sum and effective size. */
function weighing(n: number, backends: readonly Backend[]): Benchmark {
  const source = logWeights(n);
  const tasks = backends.map((backend) => {
    const arena = backend.arena();
    const logWeight = arena.f64(n);
    logWeight.set(source);
    return { logWeight, resampler: makeResampler({ backend, arena, particles: n }) };
  });
  return {
    name: WEIGHING,
    unit: 'particle',
    items: n,
    goal: 3,
    cases: tasks.map(({ resampler, logWeight }, k) => ({
      name: CORES[k]!,
      run: async () => void (await resampler.weigh(logWeight)),
    })),
    check: async () => {
      const [twin, ...others] = await Promise.all(tasks.map((task) => task.resampler.weigh(task.logWeight)));
      for (const found of others) {
        strictEqual(found.sum, twin!.sum);
        strictEqual(found.squares, twin!.squares);
      }
    },
  };
}

/** Integer weights, their sums, systematic ancestors, and rows of d numbers copied by them. */
async function selection(n: number, d: number, backends: readonly Backend[]): Promise<Benchmark> {
  const source = logWeights(n).map(Math.exp);
  const heaviest = source.reduce((a, b) => Math.max(a, b));
  const sum = source.reduce((a, b) => a + b);
  const rng = rngFromSeed(SEED);
  const tasks = backends.map((backend) => {
    const arena = backend.arena();
    const [q, cumulative, partial] = [arena.f64(n), arena.f64(n), arena.f64(Math.ceil(n / 1024))];
    const [x, y] = [arena.f64(n * d).map((_, at) => at), arena.f64(n * d)];
    const rows = arena.f64(n * d);
    rows.set(x);
    const ancestor = arena.u32(n);
    const run = async (): Promise<void> => {
      q.set(source);
      const weights = await quantise(backend, { q, cumulative, partial }, n, sum, heaviest);
      const scratch = { uniforms: q, counts: ancestor, rest: q, cumulative: q, partial };
      const drawing = { weights, slots: n, ancestor, key: rng.key, step: 0, backend, scratch };
      await RESAMPLING_SCHEMES.systematic.ancestors(drawing);
      await backend.dispatch('gatherRows', [rows, y, ancestor, d], n);
    };
    return { run, ancestor, y };
  });
  const expected = await resample({ logWeight: source.map(Math.log), rng, backend: backends[0]! });
  return {
    name: `${SELECTION}, d = ${d}`,
    unit: 'particle',
    items: n,
    goal: 3,
    cases: tasks.map(({ run: once }, k) => ({ name: CORES[k]!, run: once })),
    check: async () => {
      for (const { run: once, ancestor, y } of tasks) {
        await once();
        let moved = 0;
        for (let i = 0; i < n; i++) {
          // Weights rounded through a logarithm may move an offspring to a neighbour.
          if (ancestor[i] !== expected.ancestor[i]) moved++;
          strictEqual(y[i * d + d - 1], ancestor[i]! * d + d - 1);
        }
        ok(moved <= 1e-6 * n + 2, `${moved} ancestors differ`);
      }
      for (const { ancestor } of tasks.slice(1))
        strictEqual(Buffer.compare(bytes(tasks[0]!.ancestor), bytes(ancestor)), 0);
    },
  };
}

function bytes(array: Uint32Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

/** (nodes - T) / (N log N) of the surviving paths of a filter that resamples at every step. */
async function pathConstant(n: number, steps: number, backend: Backend): Promise<number> {
  const { user, y } = linearTask(steps);
  const model: FeynmanKac<{ readonly x: { readonly components: 1 } }> = {
    fields: { x: { components: 1 } },
    steps,
    noise: 1,
    block: n,
    init: ({ normals, field }) => user.initial(normals, field('x')),
    mutate: (t, { normals, field, parent }) => user.transition(t, parent('x'), normals, field('x')),
    logPotential: (t, { field }, out) => user.logObservation(t, y.subarray(t, t + 1), field('x'), out),
  };
  const rngs = [rngFromSeed(SEED)];
  const smc = makeSmc({ where: 'bench', backend, model, rngs, particles: n, threshold: 1 });
  const tree = makePathTree(n, 1);
  while (!smc.finished) {
    await smc.advance();
    tree.insert(smc.step === 0 ? undefined : smc.particles.ancestor, smc.particles.field('x'));
  }
  smc.release();
  return (tree.nodes - steps) / (n * Math.log(n));
}

const constants: string[] = [];
/** What two filters in processes of their own reach here, by least and by middle time. */
let ceilings: readonly number[] = [];

export async function benchmarks(size: Size): Promise<readonly Benchmark[]> {
  const [n, steps, million] = size === 'toy' ? [500, 20, 5_000] : [100_000, 100, 1_000_000];
  const [js, one, two] = [jsBackend(), await hostBackend({ threads: 1 }), await hostBackend({ threads: 2 })];
  if (size === 'full') ({ ceilings } = await twoAtOnce());
  for (const leaves of size === 'toy' ? [128] : [128, 1024, 8192])
    constants.push(
      `N = ${leaves}: ${(await pathConstant(leaves, size === 'toy' ? 200 : 1000, one)).toFixed(2)}`,
    );
  return [
    ...[linearTask(steps), volatilityTask(steps)].flatMap((task) => filters(task, n, one, two)),
    weighing(million, [js, one, two]),
    await selection(million, 4, [js, one, two]),
  ];
}

export function remarks(timings: readonly Timing[], size: Size): Remarks {
  const best = (benchmark: string, name: string): number =>
    timings.find((timing) => timing.benchmark.startsWith(benchmark) && timing.name === name)?.minimum ??
    Number.NaN;
  const models = ['linear Gaussian', 'stochastic volatility'];
  const over = (name: string): string =>
    models.map((model) => (best(`bootstrap filter, ${model}`, name) / 35).toFixed(2)).join(' and ');
  const lines = [`compact paths, (nodes - T) / (N log N): ${constants.join(', ')}`];
  const byThreads = (benchmark: string): string =>
    CORES.slice(1)
      .map((name) => `${name} ${best(benchmark, name).toFixed(1)} ms`)
      .join(', ');
  if (size === 'full')
    lines.push(
      `a million weighed: ${byThreads(WEIGHING)} (goal 4); selected: ${byThreads(SELECTION)} (goal 6)`,
      `in units of 35 ns, a normal of the reference machine: kernels ${over('kernels')}, JS model ${over('JS model')}`,
      `two linear Gaussian filters that share nothing but the machine: ${ceilings.map((c) => `${c.toFixed(2)}x`).join(', ')}`,
    );
  return { facts: { compactPaths: constants, ceilings }, lines };
}
