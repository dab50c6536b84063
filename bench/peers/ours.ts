/** The tasks of `tasks.py` on ensample: seconds for sampling plus analysis, the model's own time left out. */
import { run, sobolIndices } from 'ensample';
import { fading, gFunction, ishigami, type KnownModel } from '../functions.ts';

export interface Timing {
  readonly min: number;
  readonly median: number;
}

interface Task {
  readonly task: string;
  readonly points: number;
  readonly model: KnownModel;
}

export const TASKS: readonly Task[] = [
  { task: 'ishigami n=65536', points: 65_536, model: ishigami },
  { task: 'g-function d=20 n=16384', points: 16_384, model: gFunction(fading(20)) },
];

/** Least and median seconds over the repeats, one warm-up before; the answer is checked first. */
export async function time({ task, points, model: known }: Task, repeats: number): Promise<Timing> {
  let inModel = 0;
  const model = (x: Float64Array, out: Float64Array): void => {
    const start = performance.now();
    known.evaluate(x, out);
    inModel += performance.now() - start;
  };
  const { inputs } = known;
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
    if (Math.abs(totalOrder.value[0]! - known.total[0]!) > 0.01)
      throw new Error(`${task}: ST is ${totalOrder.value[0]}`);
    return seconds;
  };
  await once();
  const seconds: number[] = [];
  for (let i = 0; i < repeats; i++) seconds.push(await once());
  seconds.sort((a, b) => a - b);
  return { min: seconds[0]!, median: seconds[seconds.length >> 1]! };
}
