import { ok, strictEqual } from 'node:assert';
import { type Backend, type FilterResult, type Gpu, particleFilter, run } from 'ensample';
import type { Benchmark, Size } from './benchmark.ts';
import { onCard } from './gpu-analyses.ts';
import { CARD } from './gpu-passes.ts';
import { type FilterTask, linearTask, volatilityTask } from './smc-models.ts';

const SEED = 7;

/** Particles and steps. */
function sizes(gpu: Gpu, size: Size): readonly [n: number, steps: number] {
  if (size === 'toy') return [256, 5];
  return gpu.software ? [2 ** 14, 10] : [2 ** 20, 50];
}

/** Whole bootstrap filters with means, their particles on the card or in kernels of the core with all threads. */
export function filters(gpu: Gpu, host: Backend, size: Size): readonly Benchmark[] {
  const [n, steps] = sizes(gpu, size);
  const card = onCard(gpu, host);
  return [linearTask(steps), volatilityTask(steps)].map((task) => {
    const once = (backend: Backend): Promise<FilterResult> =>
      run(particleFilter({ model: task.model, observations: Array.from(task.y), particles: n }), {
        seed: SEED,
        backend,
      });
    return {
      name: `bootstrap filter on the card, ${task.name}`,
      unit: 'particle-step',
      items: n * steps,
      samples: 4,
      cases: [
        { name: `${host.threads} threads`, run: async () => void (await once(host)) },
        { name: CARD, run: async () => void (await once(card)) },
      ],
      check: async () => expectSame(task, n, await once(card), await once(host)),
    };
  });
}

/** Two runs that may part where rounding turns an ancestor over: six standard deviations of their difference. */
function expectSame(
  { name, spread, y }: FilterTask,
  n: number,
  card: FilterResult,
  host: FilterResult,
): void {
  strictEqual(card.provenance.precision, 'float32');
  strictEqual(host.provenance.precision, 'float64');
  const sd = spread * Math.sqrt((2 * 1000 * y.length) / (100 * n));
  const error = Math.abs(card.logNormalizer.value - host.logNormalizer.value);
  ok(error < 6 * sd, `${name}: log Z is ${error} from the processor's`);
}
