/** Two threads against one: a model given as a module, and normals. The same bits are asserted before timing. */
import { strictEqual } from 'node:assert';
import { setTimeout as wait } from 'node:timers/promises';
import { type Backend, hostBackend, rngFromSeed } from 'ensample/engine';
import type { Benchmark, Size } from './benchmark.ts';

const NAMES = ['a', 'b'];
/** A pointwise model of about a microsecond. */
const SOURCE = `(x) => {
  let s = x[0];
  for (let i = 0; i < 60; i++) s = Math.sin(s) + x[1];
  return s;
}`;
// The very text that the workers import, for the plain loop.
const pointwiseModel = new Function(`return ${SOURCE}`)() as (x: Float64Array) => number;
const TASK = {
  url: `data:text/javascript,${encodeURIComponent(`export default { kind: 'pointwise', evaluate: ${SOURCE} }`)}`,
  exportName: 'default',
  names: NAMES,
  outputs: 1,
};

/** A task on one backend, and what it leaves behind. */
interface Task {
  readonly run: () => Promise<void>;
  readonly output: Float64Array;
}

function modelTask(backend: Backend, points: Float64Array): Task {
  const n = points.length / NAMES.length;
  const arena = backend.arena();
  const x = arena.f64(points.length);
  x.set(points);
  const output = arena.f64(n);
  const { signal } = new AbortController();
  return {
    output,
    run: async () => {
      const failures = await backend.evaluateModule!(TASK, x, n, output, signal);
      strictEqual(failures.length, 0);
    },
  };
}

function normalTask(backend: Backend, n: number): Task {
  const output = backend.arena().f64(n).fill(1);
  return { output, run: () => backend.dispatch('normal', [output, 1, 1, 2, 0, 3, 4], n) };
}

/** Run both until their workers are up, and see that they agree. */
async function same(one: Task, two: Task): Promise<void> {
  for (let round = 0; round < 3; round++) {
    one.output.fill(0);
    two.output.fill(0);
    await one.run();
    await two.run();
    strictEqual(Buffer.compare(bytes(one.output), bytes(two.output)), 0);
    await wait(100);
  }
}

function bytes(array: Float64Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

export async function benchmarks(size: Size): Promise<readonly Benchmark[]> {
  const n = size === 'toy' ? 200 : 50_000;
  const normals = size === 'toy' ? 1000 : 1_000_000;
  const next = rngFromSeed(5).stream({ purpose: 32 });
  const points = Float64Array.from({ length: n * NAMES.length }, next.uniform);
  const [one, two] = await Promise.all([hostBackend({ threads: 1 }), hostBackend({ threads: 2 })]);
  const models = [modelTask(one, points), modelTask(two, points)] as const;
  const draws = [normalTask(one, normals), normalTask(two, normals)] as const;
  const plain = new Float64Array(n);
  const loop = (): void => {
    for (let i = 0; i < n; i++) plain[i] = pointwiseModel(points.subarray(2 * i, 2 * i + 2));
  };
  return [
    {
      name: 'module model, pointwise, 1 us a point',
      unit: 'point',
      items: n,
      goal: 1.8,
      check: async () => {
        await same(...models);
        loop();
        strictEqual(Buffer.compare(bytes(plain), bytes(models[0].output)), 0);
      },
      cases: [
        { name: '1 worker', run: models[0].run },
        { name: 'plain loop', run: loop },
        { name: '2 workers', run: models[1].run },
      ],
    },
    {
      name: 'float64 normals on threads',
      unit: 'normal',
      items: normals,
      goal: 1.8,
      check: () => same(...draws),
      cases: [
        { name: '1 thread', run: draws[0].run },
        { name: '2 threads', run: draws[1].run },
      ],
      dispose: async () => {
        await Promise.all([one.dispose(), two.dispose()]);
      },
    },
  ];
}
