import {
  type Backend,
  type Gpu,
  gatherRowsShader,
  makeCardResampler,
  makeResampler,
  normalMoveShader,
  normalsShader,
  type Shader,
} from 'ensample/engine';
import type { Benchmark, Size } from './benchmark.ts';
import { langevinTask, scoreTask } from './gpu-mixtures.ts';
import { ADDRESS, close, D, onHost, type Task, uniforms, upload } from './gpu-task.ts';

/** Name of the case that is the card. */
export const CARD = 'card';
/** Name of the benchmark that only copies. */
export const COPY = 'copy';

/** A benchmark of one pass, and the bytes that an item cannot do without reading or writing on the card. */
export interface Pass {
  readonly benchmark: Benchmark;
  readonly bytes: number;
}

/** Particles: enough to fill a card, few enough for a program on the processor, next to none. */
function particles(gpu: Gpu, size: Size): number {
  if (size === 'toy') return 1 << 10;
  return gpu.software ? 1 << 17 : 1 << 22;
}

/** Every pass that is measured. */
export function passes(gpu: Gpu, host: Backend, size: Size): readonly Pass[] {
  const n = particles(gpu, size);
  const tasks = [
    copyTask(gpu, 4 * n),
    normalsTask(gpu, host, n),
    walkTask(gpu, host, n),
    scoreTask(gpu, host, n),
    langevinTask(gpu, host, n),
    resamplingTask(gpu, host, n),
  ];
  return tasks.map((task) => pass(task, host));
}

function pass(task: Task, host: Backend): Pass {
  const { name, unit, items, goal, bytes, threads = host.threads } = task;
  const benchmark: Benchmark = {
    name,
    unit,
    items,
    ...(goal === undefined ? {} : { goal }),
    cases: [
      { name: `${threads} ${threads === 1 ? 'thread' : 'threads'}`, run: inTurn(task.host) },
      { name: CARD, run: inTurn(task.card) },
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

/** One call after the other: the harness starts some before others have ended. */
function inTurn(work: () => Promise<void>): () => Promise<void> {
  let last = Promise.resolve();
  return () => {
    last = last.then(work);
    return last;
  };
}

const copyShader: Shader<'x' | 'y', never> = {
  name: 'copy',
  buffers: { x: 'read f32', y: 'write f32' },
  params: {},
  per: 'item',
  code: 'fn item(i: u32) { y[i] = x[i]; }',
};

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

function normalsTask(gpu: Gpu, host: Backend, n: number): Task {
  const out = host.arena().f64(D * n);
  const onCard = gpu.arena().f32(D * n);
  const { k0, k1, first, step, channel } = ADDRESS;
  return {
    name: `normals, d = ${D}, generator included`,
    unit: 'particle',
    items: n,
    bytes: 4 * D,
    host: () => host.dispatch('normal', [out, D, k0, k1, first, step, channel], n),
    card: () => {
      gpu.run(normalsShader, { out: onCard }, { d: D, ...ADDRESS }, n * Math.ceil(D / 2));
      return gpu.done();
    },
    compare: async () => close('normals', await gpu.read(onCard), out, 1),
  };
}

/** Random walk proposals: noise and update, the smallest move there is. */
function walkTask(gpu: Gpu, host: Backend, n: number): Task {
  const arena = host.arena();
  const points = uniforms(D * n, 20);
  const spread = [0.5, 2];
  const [x, next, scale] = [onHost(arena, points), arena.f64(D * n), onHost(arena, spread)];
  const [from, to] = [upload(gpu, points), gpu.arena().f32(D * n)];
  const buffers = { x: from, next: to, factor: upload(gpu, Float32Array.from(spread)) };
  const shader = normalMoveShader(D, 'diagonal');
  const { k0, k1, first, step, channel } = ADDRESS;
  return {
    name: `random walk, d = ${D}`,
    unit: 'particle',
    items: n,
    bytes: 8 * D,
    host: () => host.dispatch('randomWalk', [x, next, scale, D, k0, k1, first, step, channel], n),
    card: () => {
      gpu.run(shader, buffers, { ...ADDRESS, keep: 1, drift: 0, scale: 1 }, n);
      return gpu.done();
    },
    compare: async () => close('random walk', await gpu.read(to), next, 1),
  };
}

/**
 * A step of a particle filter after the log-weights: they leave the card, become float64 weights and integers on the
 * host, and ancestors and rows are found on the card.
 */
function resamplingTask(gpu: Gpu, host: Backend, n: number): Task {
  const arena = host.arena();
  const logWeights = uniforms(n, 20).map((u) => -u);
  const points = uniforms(D * n, 1);
  const options = { backend: host, arena, particles: n };
  const [onHostSide, onCardSide] = [
    makeResampler(options),
    makeCardResampler({ ...options, gpu, cardArena: gpu.arena() }),
  ];
  const [logWeight, read, x, y] = [
    onHost(arena, logWeights),
    arena.f64(n),
    onHost(arena, points),
    arena.f64(D * n),
  ];
  const ancestor = arena.u32(n);
  const [logWeightOnCard, source, rows] = [
    upload(gpu, logWeights),
    upload(gpu, points),
    gpu.arena().f32(D * n),
  ];
  const at = { key: [ADDRESS.k0, ADDRESS.k1], step: ADDRESS.step } as const;
  return {
    name: `weights, systematic ancestors, gather, d = ${D}`,
    unit: 'particle',
    items: n,
    // Log-weights out, integers in, sums, ends and ancestors written and read once, rows read and written.
    bytes: 4 * (1 + 2 + 4 + 2 + 2 + 2 * D),
    host: async () => {
      await onHostSide.weigh(logWeight);
      await onHostSide.draw(at, ancestor);
      await host.dispatch('gatherRows', [x, y, ancestor, D], n);
    },
    card: async () => {
      read.set(await gpu.read(logWeightOnCard));
      await onCardSide.weigh(read);
      gpu.run(gatherRowsShader, { source, ancestor: await onCardSide.draw(at), rows }, { d: D }, n * D);
      await gpu.done();
    },
    // The same weights give the same ancestors, so rows are the very same.
    compare: async () => close('gathered rows', await gpu.read(rows), y, 0),
  };
}
