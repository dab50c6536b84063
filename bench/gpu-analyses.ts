import { ok, strictEqual } from 'node:assert';
import { type Backend, type Gpu, gpuKernel, run, type SobolResult, sobolIndices } from 'ensample';
import type { Benchmark, Size } from './benchmark.ts';
import { ishigami } from './functions.ts';
import { CARD } from './gpu-passes.ts';

const SEED = 7;
/** First-order and total indices of three inputs: evaluations a point. */
const EACH = 5;
/** What indices may differ by: outputs are float32 on the card. */
const TOLERANCE = 1e-4;

const model = gpuKernel(
  function ishigami(x: ArrayLike<number>) {
    const s = Math.sin(x[0]!);
    const t = Math.sin(x[1]!);
    return s + 7 * t * t + 0.1 * x[2]! * x[2]! * x[2]! * x[2]! * s;
  },
  { dims: 3 },
);

function sizes(gpu: Gpu, size: Size): readonly number[] {
  if (size === 'toy') return [256];
  return gpu.software ? [2 ** 10, 2 ** 13, 2 ** 15] : [2 ** 12, 2 ** 15, 2 ** 18, 2 ** 20, 2 ** 22];
}

/** Whole runs of Sobol' indices of a user kernel: points, model, sums and intervals. Times are nanoseconds an evaluation. */
export function analyses(gpu: Gpu, host: Backend, size: Size): readonly Benchmark[] {
  const card = onCard(gpu, host);
  return sizes(gpu, size).map((points) => {
    const once = (backend: Backend): Promise<SobolResult> =>
      run(sobolIndices({ model, inputs: ishigami.inputs, points }), { seed: SEED, backend });
    return {
      name: `Sobol' indices, kernel, ${EACH * points} evaluations`,
      unit: 'evaluation',
      items: EACH * points,
      // A run of many points takes seconds.
      ...(points >= 2 ** 18 && { samples: 5 }),
      cases: [
        { name: `${host.threads} threads`, run: async () => void (await once(host)) },
        { name: CARD, run: async () => void (await once(card)) },
      ],
      check: async () => {
        const [expected, found] = [await once(host), await once(card)];
        strictEqual(found.diagnostics.evaluations, EACH * points);
        strictEqual(found.provenance.precision, 'float32');
        for (const kind of ['firstOrder', 'totalOrder'] as const) {
          expected[kind].value.forEach((index, i) => {
            const error = Math.abs(found[kind].value[i]! - index);
            ok(error <= TOLERANCE, `${points} points, ${kind} of input ${i}: ${error} from the processor's`);
          });
        }
      },
    };
  });
}

/** The host with a card that is already open, as `gpuBackend` makes it. */
export function onCard(gpu: Gpu, host: Backend): Backend {
  return {
    ...host,
    name: 'webgpu',
    precision: 'float32',
    adapter: gpu.adapter,
    card: async () => ({ gpu, reason: 'asked for' }),
  };
}
