/** The tasks of `tasks.py` on ensample: seconds for sampling plus analysis, the model's own time left out. */
import { type Inputs, run, sobolIndices, uniform } from '../../estimators/index.ts';

export interface Timing {
  readonly min: number;
  readonly median: number;
}

interface Task {
  readonly task: string;
  readonly points: number;
  readonly inputs: Inputs;
  readonly exactTotal: number;
  model(x: Float64Array, out: Float64Array): void;
}

function ishigami(x: Float64Array, out: Float64Array): void {
  for (let i = 0; i < out.length; i++) {
    const s = Math.sin(x[3 * i]!);
    out[i] = s + 7 * Math.sin(x[3 * i + 1]!) ** 2 + 0.1 * x[3 * i + 2]! ** 4 * s;
  }
}

/** Sobol' g-function of 20 inputs, a_i = i. */
function gFunction(x: Float64Array, out: Float64Array): void {
  for (let i = 0; i < out.length; i++) {
    let product = 1;
    for (let c = 0; c < 20; c++) product *= (Math.abs(4 * x[20 * i + c]! - 2) + c) / (1 + c);
    out[i] = product;
  }
}

/** Total index of the first input of the g-function, exactly. */
function firstTotal(d: number): number {
  const partial = Array.from({ length: d }, (_, i) => 1 / 3 / (1 + i) ** 2);
  const variance = partial.reduce((product, v) => product * (1 + v), 1) - 1;
  return (partial[0]! * partial.slice(1).reduce((product, v) => product * (1 + v), 1)) / variance;
}

const side = uniform(-Math.PI, Math.PI);

export const TASKS: readonly Task[] = [
  {
    task: 'ishigami n=65536',
    points: 65_536,
    inputs: { x1: side, x2: side, x3: side },
    exactTotal: 0.557588855,
    model: ishigami,
  },
  {
    task: 'g-function d=20 n=16384',
    points: 16_384,
    inputs: Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`x${i}`, uniform(0, 1)])),
    exactTotal: firstTotal(20),
    model: gFunction,
  },
];

/** Least and median seconds over the repeats, one warm-up before; the answer is checked first. */
export async function time(task: Task, repeats: number): Promise<Timing> {
  let inModel = 0;
  const model = (x: Float64Array, out: Float64Array): void => {
    const start = performance.now();
    task.model(x, out);
    inModel += performance.now() - start;
  };
  const { inputs, points } = task;
  const method = sobolIndices({
    model,
    inputs,
    points,
    replicates: 1,
    secondOrder: true,
    interval: 'bootstrap',
    resamples: 100,
  });
  const once = async (): Promise<number> => {
    inModel = 0;
    const start = performance.now();
    const { totalOrder } = await run(method, { seed: 7 });
    const seconds = (performance.now() - start - inModel) / 1000;
    if (Math.abs(totalOrder.value[0]! - task.exactTotal) > 0.01)
      throw new Error(`${task.task}: ST is ${totalOrder.value[0]}`);
    return seconds;
  };
  await once();
  const seconds: number[] = [];
  for (let i = 0; i < repeats; i++) seconds.push(await once());
  seconds.sort((a, b) => a - b);
  return { min: seconds[0]!, median: seconds[seconds.length >> 1]! };
}
