/**
 * Sampling plus analysis of Sobol' indices with 100 bootstrap resamples, the model's own time left out: outputs are
 * computed once and played back. Goals: Ishigami, n = 65 536, second order, 0.10 s; G-function of 20 inputs,
 * n = 16 384, second order (190 pairs), 0.08 s on two threads. Times are nanoseconds a run.
 */
import { ok, strictEqual } from 'node:assert';
import {
  type Backend,
  hostBackend,
  type Inputs,
  jsBackend,
  run,
  type SobolResult,
  sobolDesign,
  sobolIndices,
  uniform,
} from '../estimators/index.ts';
import type { Benchmark, Size } from './benchmark.ts';

type Batch = (x: Float64Array, out: Float64Array) => void;

interface Task {
  readonly name: string;
  readonly points: number;
  readonly inputs: Inputs;
  readonly model: Batch;
  /** Total index of the first input, exactly. */
  readonly total: number;
}

const SEED = 7;

function ishigami(x: Float64Array, out: Float64Array): void {
  for (let i = 0; i < out.length; i++) {
    const s = Math.sin(x[3 * i]!);
    out[i] = s + 7 * Math.sin(x[3 * i + 1]!) ** 2 + 0.1 * x[3 * i + 2]! ** 4 * s;
  }
}

/** prod (|4 x_i - 2| + i) / (1 + i), i from 0. */
function gFunction(x: Float64Array, out: Float64Array): void {
  for (let i = 0; i < out.length; i++) {
    let product = 1;
    for (let c = 0; c < 20; c++) product *= (Math.abs(4 * x[20 * i + c]! - 2) + c) / (1 + c);
    out[i] = product;
  }
}

function gTotal(): number {
  const partial = Array.from({ length: 20 }, (_, i) => 1 / 3 / (1 + i) ** 2);
  const others = partial.slice(1).reduce((product, v) => product * (1 + v), 1);
  return (partial[0]! * others) / (others * (1 + partial[0]!) - 1);
}

function tasks(size: Size): readonly Task[] {
  const side = uniform(-Math.PI, Math.PI);
  const cube = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`x${i + 1}`, uniform(0, 1)]));
  const [many, few] = size === 'toy' ? [512, 512] : [65_536, 16_384];
  return [
    {
      name: 'Ishigami',
      points: many,
      inputs: { x1: side, x2: side, x3: side },
      model: ishigami,
      total: 0.557588855,
    },
    { name: 'G, d = 20', points: few, inputs: cube, model: gFunction, total: gTotal() },
  ];
}

/** Runs the task with outputs that were computed before. */
async function replay(task: Task, backend: Backend): Promise<() => Promise<SobolResult>> {
  const { points, inputs, model } = task;
  const options = { inputs, points, replicates: 1, secondOrder: true };
  const design = await sobolDesign(options, { seed: SEED, backend });
  const y = new Float64Array(design.rows);
  model(design.x, y);
  return () => {
    // A position of its own for every run: the harness may start one before another has ended.
    let at = 0;
    const play: Batch = (_x, out) => {
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
      name: `${task.name}, n = ${task.points}, second order`,
      unit: 'run',
      items: 1,
      cases: runs.map((once, k) => ({ name: names[k]!, run: async () => void (await once()) })),
      check: async () => {
        const [first, ...others] = [await runs[0]!(), await runs[1]!(), await runs[2]!()];
        ok(Math.abs(first!.totalOrder.value[0]! - task.total) < (size === 'toy' ? 0.3 : 0.02), task.name);
        for (const other of others) {
          for (const end of ['value', 'low', 'high'] as const) {
            first!.secondOrder![end].forEach((x, i) => {
              strictEqual(other.secondOrder![end][i], x, `${task.name}: ${end} of pair ${i}`);
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
