import { ok } from 'node:assert';
import {
  type Arena,
  type Backend,
  type Gpu,
  type GpuArray,
  mixtureKernel,
  mixtureScoreShader,
  rngFromSeed,
  type Shader,
} from '../engine/index.ts';
import type { Benchmark, Size } from './benchmark.ts';
import { planeMixture } from './functions.ts';

/** Name of the case that is the card. */
export const CARD = 'card';
/** Name of the benchmark that only copies. */
export const COPY = 'copy';

/** A benchmark of one pass, and the bytes that an item cannot do without reading or writing on the card. */
export interface Pass {
  readonly benchmark: Benchmark;
  readonly bytes: number;
}

/** The same pass on both sides: what to run, and what it leaves behind. */
interface Task {
  readonly name: string;
  readonly unit: string;
  readonly items: number;
  readonly bytes: number;
  readonly goal?: number;
  /** Threads that the processor uses; default all. */
  readonly threads?: number;
  host(): Promise<void>;
  /** Resolves when the card is done. */
  card(): Promise<void>;
  /** Throws when they do not agree. */
  compare(): Promise<void>;
}

const D = 2;
const COMPONENTS = 40;
/** What float32 may differ by, of the scale of the numbers. */
const TOLERANCE = 1e-5;

/** Particles: enough to fill a card, few enough for a program on the processor, next to none. */
function particles(gpu: Gpu, size: Size): number {
  if (size === 'toy') return 1 << 10;
  return gpu.software ? 1 << 17 : 1 << 22;
}

const copyShader: Shader<'x' | 'y', never> = {
  name: 'copy',
  buffers: { x: 'read f32', y: 'write f32' },
  params: {},
  per: 'item',
  code: 'fn item(i: u32) { y[i] = x[i]; }',
};

/** Every pass that is measured. */
export function passes(gpu: Gpu, host: Backend, size: Size): readonly Pass[] {
  const n = particles(gpu, size);
  return [copyTask(gpu, 4 * n), scoreTask(gpu, host, n)].map((task) => pass(task, host));
}

/** Reading and writing every number once: what memory allows. */
function copyTask(gpu: Gpu, n: number): Task {
  const values = uniforms(n, 1);
  const [x, y] = [upload(gpu, values), gpu.arena().f32(n)];
  const [from, to] = [values, new Float32Array(n)];
  return {
    name: COPY,
    unit: 'number',
    items: n,
    bytes: 8,
    threads: 1,
    host: async () => to.set(from),
    card: () => {
      gpu.run(copyShader, { x, y }, {}, n);
      return gpu.done();
    },
    compare: async () => close(COPY, await gpu.read(y), to, 0),
  };
}

function scoreTask(gpu: Gpu, host: Backend, n: number): Task {
  const arena = host.arena();
  const points = uniforms(D * n, 20);
  const mixture = planeMixture(COMPONENTS);
  const { means, whiten, logConstant, components } = mixture;
  const [x, logDensity, score] = [onHost(arena, points), arena.f64(n), arena.f64(D * n)];
  const parameters = [onHost(arena, means), onHost(arena, whiten), onHost(arena, logConstant)] as const;
  const cards = gpu.arena();
  const buffers = {
    x: upload(gpu, points),
    constants: upload(gpu, mixtureKernel(mixture, true).constants),
    logDensity: cards.f32(n),
    score: cards.f32(D * n),
  };
  const shader = mixtureScoreShader(D);
  const name = `score of ${components} normal laws, d = ${D}`;
  return {
    name,
    unit: 'particle',
    items: n,
    bytes: 4 * (D + D + 1),
    ...goal(gpu),
    host: () => host.dispatch('mixtureScore', [x, D, ...parameters, components, logDensity, score], n),
    card: () => {
      gpu.run(shader, buffers, {}, n);
      return gpu.done();
    },
    compare: async () => {
      close(`${name}, log density`, await gpu.read(buffers.logDensity), logDensity, 1);
      close(`${name}, score`, await gpu.read(buffers.score), score, 10);
    },
  };
}

/** What is asked of hardware: many times as fast as the processor. */
function goal(gpu: Gpu): { readonly goal?: number } {
  return gpu.software ? {} : { goal: 50 };
}

function pass(task: Task, host: Backend): Pass {
  const { name, unit, items, goal, bytes, threads = host.threads } = task;
  const benchmark: Benchmark = {
    name,
    unit,
    items,
    ...(goal === undefined ? {} : { goal }),
    cases: [
      { name: `${threads} ${threads === 1 ? 'thread' : 'threads'}`, run: task.host },
      { name: CARD, run: task.card },
    ],
    check: async () => {
      // Twice: workers start with the first one.
      for (let round = 0; round < 2; round++) {
        await task.host();
        await task.card();
      }
      await task.compare();
    },
  };
  return { benchmark, bytes };
}

function uniforms(n: number, scale: number): Float32Array<ArrayBuffer> {
  const next = rngFromSeed(3).stream({ purpose: 32 });
  return Float32Array.from({ length: n }, () => scale * next.uniform());
}

/** An array on the card with these numbers. */
function upload(gpu: Gpu, values: Float32Array): GpuArray<'f32'> {
  const array = gpu.arena().f32(values.length);
  gpu.write(array, values);
  return array;
}

function onHost(arena: Arena, values: ArrayLike<number>): Float64Array {
  const array = arena.f64(values.length);
  array.set(values);
  return array;
}

/** Throws unless both are the same numbers to `TOLERANCE` of their size, or of `floor` where they are smaller. */
function close(what: string, card: Float32Array, host: ArrayLike<number>, floor: number): void {
  for (let i = 0; i < card.length; i++) {
    const error = Math.abs(card[i]! - host[i]!) / Math.max(floor, Math.abs(host[i]!));
    ok(error <= TOLERANCE, `${what}: number ${i} is ${card[i]} on the card and ${host[i]} on the processor`);
  }
}
