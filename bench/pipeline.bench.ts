/**
 * Methods on a network, 64 particles at once, one thread: the one of examples/digits, or some layers where that is not there.
 * Times: a prediction of a batch by the runtime alone and through the denoiser (goal: 0.9x). Below them the share of each run
 * that is spent outside of the runtime (goal: 5 %).
 */
import { ok } from 'node:assert';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { InferenceSession } from 'onnxruntime-node';
import {
  type Backend,
  bestOf,
  corrector,
  type Denoiser,
  denoisingMcmc,
  diffusionChain,
  guide,
  hostBackend,
  linearReward,
  type OnnxArray,
  type OnnxDenoiser,
  onnxDenoiser,
  type Result,
  reverseDiffusion,
  run,
  type Sampler,
  steering,
  treeSampler,
  twisted,
  veLinear,
} from '../estimators/index.ts';
import type { Benchmark, Remarks, Size } from './benchmark.ts';
import { layeredNetwork } from './onnx-layers.ts';

const BATCH = 64;
const schedule = veLinear();

interface Share {
  readonly method: string;
  /** Of the time of a run. */
  readonly outside: number;
  readonly milliseconds: number;
}

let table: readonly Share[] = [];

/** A network whose runs are timed. */
interface Timed {
  readonly name: string;
  readonly denoiser: OnnxDenoiser;
  /** Milliseconds in the network so far. */
  spent(): number;
}

/** The denoiser of examples/digits at full size; where it is not, and at toy size, some layers. */
async function timed(toy: boolean): Promise<Timed> {
  const digits = fileURLToPath(new URL('../examples/digits/models/denoiser.onnx', import.meta.url));
  const drawn = !toy && existsSync(digits);
  const file = drawn ? digits : layeredNetwork(toy ? 4 : 784, toy ? 16 : 1024);
  const session = await InferenceSession.create(file as string, { intraOpNumThreads: 1 });
  let spent = 0;
  const model = new Proxy(session, {
    get(own, name) {
      if (name !== 'run') {
        const value: unknown = Reflect.get(own, name);
        return typeof value === 'function' ? value.bind(own) : value;
      }
      return async (feeds: never) => {
        const before = performance.now();
        const found = await own.run(feeds);
        spent += performance.now() - before;
        return found;
      };
    },
  });
  const denoiser = await onnxDenoiser({
    ...{ model, schedule, prediction: 'clean', time: 'time', batch: BATCH },
    condition: drawn ? { label: 3 } : {},
  });
  return { denoiser, name: drawn ? 'digits' : 'layers', spent: () => spent };
}

/** What is run on it, all with 64 rows at once. */
function methods(denoiser: Denoiser, steps: number): Readonly<Record<string, Sampler<unknown, Result>>> {
  const reward = linearReward(Array.from({ length: denoiser.dimension }, (_, i) => (i === 0 ? 1 : 0)));
  const chain = { denoiser, reward, steps, particles: BATCH };
  // A record of samplers with states of their own, which nobody looks at.
  return {
    'plain sampling': reverseDiffusion({ denoiser, steps, particles: BATCH }),
    'FKC, guided': corrector({ target: guide(denoiser, denoiser, 1.5), steps, particles: BATCH }),
    'FK steering': steering(chain),
    'best of 4': bestOf({ ...chain, particles: BATCH / 4, candidates: 4 }),
    TDS: twisted(chain),
    'DTS, 64 at once': treeSampler({
      ...{ chain: diffusionChain({ denoiser, reward, steps }), iterations: 2 * BATCH, batch: BATCH },
    }),
    DLG: denoisingMcmc({
      ...{ denoiser, levelLaw: 'heat-equation', mode: 'unadjusted', levels: [0.1, 0.3, 1, 3] },
      ...{ chains: BATCH, kept: 1, warmup: 2, skip: 1, denoiseSteps: steps },
    }),
  } as unknown as Readonly<Record<string, Sampler<unknown, Result>>>;
}

async function shares(
  { denoiser, spent }: Timed,
  steps: number,
  repeat: number,
  backend: Backend,
): Promise<Share[]> {
  const found: Share[] = [];
  for (const [method, sampler] of Object.entries(methods(denoiser, steps))) {
    let best: Share = { method, outside: 1, milliseconds: Infinity };
    // The run that was disturbed least; the first one compiles.
    for (let again = 0; again <= repeat; again++) {
      const [before, start] = [spent(), performance.now()];
      await run(sampler, { seed: 7, backend });
      const milliseconds = performance.now() - start;
      const outside = 1 - (spent() - before) / milliseconds;
      if (outside < best.outside) best = { method, outside, milliseconds };
    }
    ok(best.outside >= 0 && best.outside < 1, `${method}: a share`);
    found.push(best);
  }
  return found;
}

/** A batch by the runtime alone, in arrays that are there, and by the denoiser. */
function throughput({ denoiser, name }: Timed): Benchmark {
  const { network, dimension: d } = denoiser;
  const x = Float64Array.from({ length: BATCH * d }, (_, i) => Math.sin(i));
  const time = 2;
  const feeds = Object.fromEntries(
    network.inputs.map((input, k): [string, OnnxArray] => {
      if (k === 0) return [input.name, Float32Array.from(x)];
      if (input.type === 'int64') return [input.name, new BigInt64Array(BATCH).fill(3n)];
      return [input.name, new Float32Array(BATCH).fill(time)];
    }),
  );
  const out = new Float64Array(BATCH * d);
  const direct = async (): Promise<OnnxArray> => Object.values(await network.run(feeds, BATCH))[0]!;
  return {
    name: `network of ${name}, batch ${BATCH}`,
    unit: 'point',
    items: BATCH,
    cases: [
      { name: 'runtime', run: async () => void (await direct()) },
      { name: 'denoiser', run: async () => void (await denoiser.predict(x, time, out)) },
    ],
    goal: 0.9,
    async check() {
      await denoiser.predict(x, time, out);
      const found = await direct();
      ok(
        out.every((value, i) => value === found[i]),
        'the same numbers',
      );
    },
  };
}

export async function benchmarks(size: Size): Promise<readonly Benchmark[]> {
  const toy = size === 'toy';
  const backend = await hostBackend({ threads: 1 });
  const network = await timed(toy);
  table = await shares(network, toy ? 3 : 10, toy ? 0 : 2, backend);
  await backend.dispose();
  return [throughput(network)];
}

export function remarks(_: unknown, size: Size): Remarks {
  if (size === 'toy') return { facts: {}, lines: [] };
  const lines = table.map(
    ({ method, outside, milliseconds }) =>
      `${method.padEnd(18)} ${(100 * outside).toFixed(1).padStart(5)} % of ${milliseconds.toFixed(0)} ms outside the network  goal 5 %`,
  );
  return { facts: { batch: BATCH, table }, lines };
}
