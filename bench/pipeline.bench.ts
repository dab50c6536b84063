/**
 * Methods on a network, 64 particles at once: the one of examples/digits, or some layers where that is not there. Times of a
 * prediction of a batch by the runtime alone and through the denoiser (goal: 0.9x). Below them what a point costs with more
 * threads and sessions, and the share of each run that is spent outside of the runtime (goal: 5 %), on one thread and on the provider
 * of `--provider`. Minima of rounds in which all take turns, so that what else the machine does counts little.
 */
import { ok } from 'node:assert';
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { hostBackend, type OnnxDenoiser, onnxDenoiser, veLinear } from '../estimators/index.ts';
import type { Benchmark, Flags, Remarks, Size } from './benchmark.ts';
import { layeredNetwork } from './onnx-layers.ts';
import { methods, processorTime, type Share, shares, type Timed } from './pipeline-shares.ts';

const BATCH = 64;
const schedule = veLinear();

/** The network, and what it takes beside x and time. */
interface File {
  readonly name: string;
  readonly model: string | Uint8Array;
  readonly condition: Readonly<Record<string, number>>;
}

/** The denoiser of examples/digits at full size; where it is not, and at toy size, some layers. */
function file(toy: boolean): File {
  const model = fileURLToPath(new URL('../examples/digits/models/denoiser.onnx', import.meta.url));
  if (!toy && existsSync(model)) return { name: 'digits', model, condition: { label: 3 } };
  return { name: 'layers', model: layeredNetwork(toy ? 4 : 784, toy ? 16 : 1024), condition: {} };
}

const OWN = { schedule, prediction: 'clean', time: 'time', keep: true } as const;

async function timed({ model, condition }: File, provider: string): Promise<Timed> {
  const session = await InferenceSession.create(model as string, {
    ...{ intraOpNumThreads: 1, executionProviders: [provider] },
  });
  let [spent, worked] = [0, 0];
  const watched = new Proxy(session, {
    get(own, name) {
      if (name !== 'run') {
        const value: unknown = Reflect.get(own, name);
        return typeof value === 'function' ? value.bind(own) : value;
      }
      return async (feeds: never) => {
        const [before, used] = [performance.now(), process.cpuUsage()];
        const found = await own.run(feeds);
        spent += performance.now() - before;
        worked += processorTime(used);
        return found;
      };
    },
  });
  const denoiser = await onnxDenoiser({
    ...OWN,
    keep: undefined,
    model: watched,
    batch: BATCH,
    condition,
  } as never);
  return { denoiser, spent: () => spent, worked: () => worked };
}

/** A batch by the runtime alone, in tensors that are there. */
async function direct({ model }: File, provider: string): Promise<() => Promise<Float32Array>> {
  const session = await InferenceSession.create(model as string, {
    ...{ intraOpNumThreads: 1, executionProviders: [provider] },
  });
  const feeds = Object.fromEntries(
    session.inputMetadata.map((input, k) => {
      const { shape, type } = input as unknown as { shape: readonly (number | string)[]; type: string };
      const width = shape.slice(1).reduce<number>((product, n) => product * Number(n), 1);
      const dims = [BATCH, ...shape.slice(1).map(Number)];
      if (type === 'int64') return [input.name, new Tensor(new BigInt64Array(BATCH).fill(3n), dims)];
      const values = Float32Array.from({ length: BATCH * width }, (_, i) => (k === 0 ? Math.sin(i) : 2));
      return [input.name, new Tensor(values, dims)];
    }),
  );
  return async () => Object.values(await session.run(feeds))[0]!.data as Float32Array;
}

/** Predictions by a denoiser, `points` at once. */
function predictions(denoiser: OnnxDenoiser, points: number): () => Promise<Float64Array> {
  const x = Float64Array.from({ length: points * denoiser.dimension }, (_, i) => Math.sin(i));
  const out = new Float64Array(x.length);
  return async () => {
    await denoiser.predict(x, 2, out);
    return out;
  };
}

interface Speed {
  readonly name: string;
  readonly microseconds: number;
  /** Processors at work meanwhile. */
  readonly busy: number;
}

/** A point by each, all taking turns. */
async function speeds(
  ways: Readonly<Record<string, { readonly points: number; run(): Promise<unknown> }>>,
  rounds: number,
): Promise<Speed[]> {
  const best = new Map<string, Speed>();
  for (let round = 0; round <= rounds; round++)
    for (const [name, { points, run }] of Object.entries(ways)) {
      const [used, start] = [process.cpuUsage(), performance.now()];
      await run();
      const passed = 1000 * (performance.now() - start);
      const own = { name, microseconds: passed / points, busy: (1000 * processorTime(used)) / passed };
      if (round > 0 && !(best.get(name)!.microseconds <= own.microseconds)) best.set(name, own);
      else if (round === 0) best.set(name, { ...own, microseconds: Infinity });
    }
  return [...best.values()];
}

async function measure(network: File, provider: string | undefined, rounds: number): Promise<Speed[]> {
  const { model, condition } = network;
  const own = { ...OWN, model, condition, batch: BATCH };
  const processors = availableParallelism();
  const counts = [...new Set([2, processors])].filter((count) => count <= processors && count > 1);
  const alone = await onnxDenoiser({ ...own, threads: 1 });
  const ways: Record<string, { points: number; run(): Promise<unknown> }> = {
    'runtime, 1 thread': { points: BATCH, run: await direct(network, 'cpu') },
    'denoiser, 1 thread': { points: BATCH, run: predictions(alone, BATCH) },
  };
  if (processors > 1)
    ways[`denoiser, ${processors} threads`] = {
      points: BATCH,
      run: predictions(await onnxDenoiser({ ...own, threads: processors }), BATCH),
    };
  for (const sessions of counts) {
    const several = await onnxDenoiser({ ...own, sessions });
    ways[`${sessions} sessions of 1 thread`] = {
      points: sessions * BATCH,
      run: predictions(several, sessions * BATCH),
    };
  }
  if (provider !== undefined) {
    ways[`runtime, ${provider}`] = { points: BATCH, run: await direct(network, provider) };
    for (const points of [BATCH, 16 * BATCH]) {
      const card = await onnxDenoiser({ ...own, batch: points, providers: [provider] });
      ways[`denoiser, ${provider}, batch ${points}`] = { points, run: predictions(card, points) };
    }
  }
  return speeds(ways, rounds);
}

/** What is printed below the table. */
interface Found {
  readonly speeds: readonly Speed[];
  readonly shares: readonly Share[];
}

let found: Found = { speeds: [], shares: [] };

async function throughput(network: File): Promise<Benchmark> {
  const run = await direct(network, 'cpu');
  const { denoiser } = await timed(network, 'cpu');
  const predict = predictions(denoiser, BATCH);
  return {
    name: `network of ${network.name}, batch ${BATCH}`,
    unit: 'point',
    items: BATCH,
    cases: [
      { name: 'runtime', run: async () => void (await run()) },
      { name: 'denoiser', run: async () => void (await predict()) },
    ],
    goal: 0.9,
    async check() {
      const [own, expected] = [await predict(), await run()];
      ok(
        own.every((value, i) => value === expected[i]),
        'the same numbers',
      );
    },
  };
}

export async function benchmarks(size: Size, { provider }: Flags): Promise<readonly Benchmark[]> {
  const toy = size === 'toy';
  const network = file(toy);
  const backend = await hostBackend({ threads: 1 });
  const table: Share[] = [];
  for (const place of ['cpu', ...(provider === undefined ? [] : [provider])]) {
    const own = await timed(network, place);
    const all = methods(own.denoiser, toy ? 3 : 10, BATCH);
    table.push(...(await shares(all, own, toy ? 0 : 5, backend)).map((share) => ({ ...share, place })));
  }
  await backend.dispose();
  found = { speeds: await measure(network, provider, toy ? 1 : 12), shares: table };
  return [await throughput(network)];
}

export function remarks(_: unknown, size: Size): Remarks {
  if (size === 'toy') return { facts: {}, lines: [] };
  const [runtime] = found.speeds;
  const lines = found.speeds.map(({ name, microseconds, busy }, k) => {
    const ratio = runtime!.microseconds / microseconds;
    const goal = k === 1 ? 0.9 : name === '2 sessions of 1 thread' ? 1.8 : undefined;
    const told = goal === undefined ? '' : `  goal ${goal}x${ratio >= goal ? '' : ', missed'}`;
    return `${name.padEnd(30)} ${microseconds.toFixed(0).padStart(6)} us a point  ${ratio.toFixed(2).padStart(5)}x, ${busy.toFixed(1)} processors busy${told}`;
  });
  for (const { method, place, outside, inside, work, workInside } of found.shares) {
    const share = (100 * outside) / (outside + inside);
    const worked = (100 * work) / (work + workInside);
    lines.push(
      `${method.padEnd(20)} ${place.padEnd(7)} ${share.toFixed(1).padStart(5)} % outside the network: ${outside.toFixed(0)} ms beside ${inside.toFixed(0)} ms (${worked.toFixed(1)} % of the processor's time)  goal 5 %${share <= 5 ? '' : ', missed'}`,
    );
  }
  return { facts: { batch: BATCH, ...found }, lines };
}
