/** SIMD kernels against their plain-JavaScript twins, one thread. The same bits are asserted before timing. */
import { strictEqual } from 'node:assert';
import { type Arena, type Backend, hostBackend, jsBackend, rngFromSeed } from 'ensample/engine';
import type { Benchmark, Case, Size } from './benchmark.ts';
import { planeMixture } from './functions.ts';

/** A task on one backend: what is timed, and what it leaves behind. */
interface Task {
  run(): Promise<void>;
  readonly outputs: readonly (Float64Array | Uint32Array)[];
}

type Prepare = (backend: Backend, arena: Arena) => Task;

interface Entry {
  readonly name: string;
  readonly unit: string;
  readonly items: number;
  readonly goal?: number;
  readonly prepare: Prepare;
}

const BLOCK = 1024;
const FILL = 0.25; // written everywhere first: pages never touched would all be one page of zeros

const f64 = (arena: Arena, n: number): Float64Array => arena.f64(n).fill(FILL);
const u32 = (arena: Arena, n: number): Uint32Array => arena.u32(n).fill(1);
const total = (partial: Float64Array): number => partial.reduce((a, b) => a + b, 0);

function uniforms(n: number): Float64Array {
  const next = rngFromSeed(3).stream({ purpose: 32 });
  return Float64Array.from({ length: n }, next.uniform);
}

function draws(n: number, d: number): readonly Entry[] {
  const key = [1, 2, 0, 3] as const;
  return [
    {
      name: 'Philox4x32-10 words',
      unit: 'word',
      items: 4 * n,
      goal: 4,
      prepare: (backend, arena) => {
        const out = u32(arena, 4 * n);
        return { run: () => backend.dispatch('philoxWords', [out, ...key, 4, 5], n), outputs: [out] };
      },
    },
    ...(['uniform', 'normal'] as const).map(
      (kernel): Entry => ({
        name: `float64 ${kernel}s, generator included`,
        unit: kernel,
        items: d * n,
        ...(kernel === 'normal' ? { goal: 2.8 } : {}),
        prepare: (backend, arena) => {
          const out = f64(arena, n * d);
          return { run: () => backend.dispatch(kernel, [out, d, ...key, 4], n), outputs: [out] };
        },
      }),
    ),
  ];
}

function logSumExp(n: number): Entry {
  const source = uniforms(n).map((u) => -40 * u);
  return {
    name: 'log-sum-exp, weights and effective size',
    unit: 'weight',
    items: n,
    goal: 2,
    prepare: (backend, arena) => {
      const blocks = Math.ceil(n / BLOCK);
      const logWeight = f64(arena, n);
      logWeight.set(source);
      const weight = f64(arena, n);
      const [largest, sums, squares] = [f64(arena, blocks), f64(arena, blocks), f64(arena, blocks)];
      const answer = new Float64Array(2);
      const run = async (): Promise<void> => {
        await backend.dispatch('maxBlocks', [logWeight, n, largest], blocks);
        const most = largest.reduce((a, b) => Math.max(a, b));
        await backend.dispatch('expShiftBlocks', [logWeight, n, most, weight, sums, squares], blocks);
        answer[0] = most + Math.log(total(sums));
        answer[1] = total(sums) ** 2 / total(squares);
      };
      return { run, outputs: [weight, sums, squares, answer] };
    },
  };
}

function fixedTreeSum(n: number): Entry {
  const source = uniforms(n);
  return {
    name: 'fixed-tree block sums',
    unit: 'number',
    items: n,
    prepare: (backend, arena) => {
      const blocks = Math.ceil(n / BLOCK);
      const [x, partial] = [f64(arena, n), f64(arena, blocks)];
      x.set(source);
      return { run: () => backend.dispatch('sumBlocks', [x, n, partial], blocks), outputs: [partial] };
    },
  };
}

/** Integer weights and their inclusive sums, as the scan leaves them. */
function integerWeights(n: number): { readonly q: Float64Array; readonly cumulative: Float64Array } {
  const weights = uniforms(n).map((u) => Math.exp(-3 * u));
  const scale = 2 ** 52 / total(weights);
  const q = weights.map((w) => Math.floor(w * scale));
  let sum = 0;
  const cumulative = q.map((x) => {
    sum += x;
    return sum;
  });
  return { q, cumulative };
}

function integerScan(n: number): Entry {
  const { q: source } = integerWeights(n);
  return {
    name: 'quantise and scan',
    unit: 'weight',
    items: n,
    prepare: (backend, arena) => {
      const blocks = Math.ceil(n / BLOCK);
      const [weight, q, cumulative] = [f64(arena, n), f64(arena, n), f64(arena, n)];
      weight.set(source);
      const all = total(source);
      const offset = f64(arena, blocks);
      const run = async (): Promise<void> => {
        await backend.dispatch('quantiseBlocks', [weight, n, all, q, offset], blocks);
        let sum = 0;
        for (let b = 0; b < blocks; b++) {
          const own = offset[b]!;
          offset[b] = sum;
          sum += own;
        }
        await backend.dispatch('scanBlocks', [q, n, offset, cumulative], blocks);
      };
      return { run, outputs: [q, cumulative] };
    },
  };
}

function resampling(n: number, d: number): Entry {
  const { cumulative: source } = integerWeights(n);
  return {
    name: `systematic ancestors and gather, d = ${d}`,
    unit: 'particle',
    items: n,
    goal: 3,
    prepare: (backend, arena) => {
      const [cumulative, x, y] = [f64(arena, n), f64(arena, n * d), f64(arena, n * d)];
      cumulative.set(source);
      for (let k = 0; k < n * d; k++) x[k] = k;
      const ancestor = u32(arena, n);
      const run = async (): Promise<void> => {
        await backend.dispatch('systematicAncestors', [cumulative, source[n - 1]!, n, 0.37, ancestor], n);
        await backend.dispatch('gatherRows', [x, y, ancestor, d], n);
      };
      return { run, outputs: [ancestor, y] };
    },
  };
}

function scrambledPoints(n: number, d: number): Entry {
  const words = uniforms(36 * d).map((u) => Math.floor(u * 4294967296));
  return {
    name: `Sobol' points, Owen scrambled, d = ${d}`,
    unit: 'coordinate',
    items: n * d,
    prepare: (backend, arena) => {
      const [directions, scramble] = [u32(arena, 32 * d), u32(arena, 4 * d)];
      directions.set(words.subarray(0, 32 * d));
      scramble.set(words.subarray(32 * d));
      const out = f64(arena, n * d);
      return {
        run: () => backend.dispatch('sobolPoints', [directions, scramble, 1, d, out, 0], n),
        outputs: [out],
      };
    },
  };
}

function score(n: number): Entry {
  const d = 2;
  const { means, whiten, logConstant, components } = planeMixture(40);
  const points = uniforms(n * d).map((u) => 20 * u);
  return {
    name: `score of ${components} normal laws, d = ${d}`,
    unit: 'particle',
    items: n,
    goal: 1.9,
    prepare: (backend, arena) => {
      const [x, logDensity, out] = [f64(arena, n * d), f64(arena, n), f64(arena, n * d)];
      x.set(points);
      const parameters = [means, whiten, logConstant].map((values) => {
        const copy = f64(arena, values.length);
        copy.set(values);
        return copy;
      }) as [Float64Array, Float64Array, Float64Array];
      return {
        run: () => backend.dispatch('mixtureScore', [x, d, ...parameters, components, logDensity, out], n),
        outputs: [logDensity, out],
      };
    },
  };
}

function compared(entry: Entry, backends: readonly Backend[]): Benchmark {
  const { name, unit, items, prepare } = entry;
  const arenas = backends.map((backend) => backend.arena());
  const tasks = backends.map((backend, k) => prepare(backend, arenas[k]!));
  const names = ['JavaScript', 'WASM SIMD'];
  return {
    name,
    unit,
    items,
    ...(entry.goal === undefined ? {} : { goal: entry.goal }),
    cases: tasks.map(({ run }, k): Case => ({ name: names[k]!, run })),
    check: async () => {
      for (const task of tasks) await task.run();
      const [twin, simd] = tasks as [Task, Task];
      simd.outputs.forEach((found, k) => {
        found.forEach((value, i) => {
          strictEqual(value, twin.outputs[k]![i], `${name}: output ${k}, element ${i}`);
        });
      });
    },
    dispose: () => {
      for (const arena of arenas) arena.release();
    },
  };
}

export async function benchmarks(size: Size): Promise<readonly Benchmark[]> {
  const million = size === 'full' ? 1_000_000 : 1_000;
  const some = size === 'full' ? 8_192 : 256;
  const backends = [jsBackend(), await hostBackend({ threads: 1 })];
  const entries = [
    ...draws(some, 4),
    logSumExp(million),
    fixedTreeSum(million),
    integerScan(million),
    resampling(million, 4),
    scrambledPoints(some, 8),
    score(some),
  ];
  return entries.map((entry) => compared(entry, backends));
}
