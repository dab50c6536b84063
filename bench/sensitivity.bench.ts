/**
 * Sampling plus analysis of Sobol' indices with 100 bootstrap resamples, the model's own time left out: outputs are
 * computed once and played back. Goals: Ishigami, n = 65 536, second order, 0.10 s; G-function of 20 inputs,
 * n = 16 384, second order (190 pairs), 0.08 s on two threads. Times are nanoseconds a run.
 */
import { ok, strictEqual } from 'node:assert';
import {
  type Backend,
  hostBackend,
  jsBackend,
  run,
  type SobolResult,
  sobolDesign,
  sobolIndices,
} from 'ensample';
import type { Benchmark, Size } from './benchmark.ts';
import { fading, gFunction, ishigami, type KnownModel } from './functions.ts';

interface Task {
  readonly points: number;
  readonly model: KnownModel;
}

const SEED = 7;

function tasks(size: Size): readonly Task[] {
  const [many, few] = size === 'toy' ? [512, 512] : [65_536, 16_384];
  return [
    { points: many, model: ishigami },
    { points: few, model: gFunction(fading(20)) },
  ];
}

/** Runs the task with outputs that were computed before. */
async function replay(task: Task, backend: Backend): Promise<() => Promise<SobolResult>> {
  const { points } = task;
  const { inputs, evaluate } = task.model;
  const options = { inputs, points, replicates: 1, secondOrder: true };
  const design = await sobolDesign(options, { seed: SEED, backend });
  const y = new Float64Array(design.rows);
  evaluate(design.x, y);
  return () => {
    // A position of its own for every run: the harness may start one before another has ended.
    let at = 0;
    const play = (_x: Float64Array, out: Float64Array): void => {
      out.set(y.subarray(at, at + out.length));
      at += out.length;
    };
    const method = sobolIndices({ ...options, model: play, interval: 'bootstrap', resamples: 100 });
    return run(method, { seed: SEED, backend });
  };
}

export async function benchmarks(size: Size): Promise<readonly Benchmark[]> {
  const backends = [jsBackend(), await hostBackend({ threads: 1 }), await hostBackend({ threads: 2 })];
  const names = ['JavaScript', 'WASM, 1 thread', 'WASM, 2 threads'];
  const list: Benchmark[] = [];
  for (const task of tasks(size)) {
    const runs = await Promise.all(backends.map((backend) => replay(task, backend)));
    list.push({
      name: `${task.model.name}, n = ${task.points}, second order`,
      unit: 'run',
      items: 1,
      cases: runs.map((once, k) => ({ name: names[k]!, run: async () => void (await once()) })),
      check: async () => {
        const [first, ...others] = [await runs[0]!(), await runs[1]!(), await runs[2]!()];
        ok(
          Math.abs(first!.totalOrder.value[0]! - task.model.total[0]!) < (size === 'toy' ? 0.3 : 0.02),
          task.model.name,
        );
        for (const other of others) {
          for (const end of ['value', 'low', 'high'] as const) {
            first!.secondOrder![end].forEach((x, i) => {
              strictEqual(other.secondOrder![end][i], x, `${task.model.name}: ${end} of pair ${i}`);
            });
          }
        }
      },
    });
  }
  const last = list.at(-1)!;
  const dispose = async (): Promise<void> => {
    for (const backend of backends) await backend.dispose();
  };
  return [...list.slice(0, -1), { ...last, dispose }];
}
