import { expect, test } from 'vitest';
import { jsBackend } from '../../engine/backend/js.ts';
import type { Denoiser } from '../../engine/diffusion/denoiser.ts';
import { gridOf } from '../../engine/diffusion/grids.ts';
import { linearReward } from '../../engine/diffusion/reward.ts';
import { ddim } from '../../engine/diffusion/solver/ddim.ts';
import { OptionError } from '../../engine/errors.ts';
import { PURPOSE } from '../../engine/random/purpose.ts';
import { rngFromSeed, type Stream } from '../../engine/random/rng.ts';
import { type DiffusionChainOptions, diffusionChain } from '../../estimators/tree/diffusion-chain.ts';
import { movingStream } from '../../estimators/tree/moving-stream.ts';
import type { OpenTreeChain } from '../../estimators/tree/open-chain.ts';
import { ONED, onedStart } from '../support/diffusion-trees.ts';

const opened = (options: Partial<DiffusionChainOptions> = {}): Promise<OpenTreeChain> =>
  diffusionChain({ ...ONED, ...options }).open({
    backend: jsBackend(),
    signal: new AbortController().signal,
  });
const always = (z: number): Stream => ({ uniform: () => 0.5, normal: () => z, below: () => 0 });

/** One step of rows at levels, with normals that are given. */
async function stepped(
  chain: OpenTreeChain,
  x: readonly number[],
  levels: readonly number[],
  streams: readonly Stream[],
): Promise<{ readonly next: Float64Array; readonly edge: Float64Array }> {
  const step = {
    ...{ x: Float64Array.from(x), level: Int32Array.from(levels), streams },
    ...{ next: new Float64Array(x.length), edge: new Float64Array(levels.length) },
  };
  await chain.step(step);
  return step;
}

test('diffusionChain(): a step is the ancestral kernel of the schedule, and the last one has no noise', async () => {
  const { schedule } = ONED.denoiser;
  const chain = await opened();
  const clean = new Float64Array(1);
  for (const [level, x] of [
    [20, 1.2],
    [7, -0.4],
    [1, 0.3],
  ] as const) {
    const [from, to] = [level / 20, (level - 1) / 20];
    await ONED.denoiser.clean!(Float64Array.of(x), Float64Array.of(from), clean);
    const [before, after] = [schedule.signal(to) ** 2, schedule.signal(from) ** 2];
    const beta = 1 - after / before;
    const mean =
      ((Math.sqrt(before) * beta) / (1 - after)) * clean[0]! +
      ((Math.sqrt(1 - beta) * (1 - before)) / (1 - after)) * x;
    const sd = Math.sqrt((beta * (1 - before)) / (1 - after));
    const { next, edge } = await stepped(chain, [x, x], [level, level], [always(0), always(1.5)]);
    expect(next[0]).toBeCloseTo(mean, 12);
    expect(next[1]! - next[0]!).toBeCloseTo(1.5 * sd, 12);
    expect([...edge]).toEqual([0, 0]);
    expect(sd === 0).toBe(level === 1);
  }
  chain.dispose();
});

test('diffusionChain(): rows at different levels share one call of the denoiser, with the bits of each alone', async () => {
  const calls: number[] = [];
  const { denoiser } = ONED;
  const counted = { ...denoiser, clean: undefined } as unknown as typeof denoiser;
  const predict: typeof denoiser.predict = (x, time, out) => {
    calls.push(out.length);
    return denoiser.predict(x, time, out);
  };
  for (const guidance of [undefined, { strength: 0.7 }]) {
    const chain = await opened({
      denoiser: { ...counted, predict },
      ...(guidance === undefined ? {} : { guidance }),
    });
    const [x, levels] = [
      [0.3, -1, 2, 0.1],
      [20, 3, 11, 1],
    ];
    calls.length = 0;
    const together = await stepped(
      chain,
      x,
      levels,
      x.map((_, i) => rngFromSeed(3).stream({ purpose: 17, particle: i })),
    );
    expect(calls).toEqual([4]);
    for (const [i, level] of levels.entries()) {
      const alone = await stepped(
        chain,
        [x[i]!],
        [level],
        [rngFromSeed(3).stream({ purpose: 17, particle: i })],
      );
      expect(alone.next[0]).toBe(together.next[i]);
      expect(alone.edge[0]).toBe(together.edge[i]);
    }
    chain.dispose();
  }
});

test('diffusionChain(): the edge of a guided step is log p - log q, and moves on the wrong side cost', async () => {
  const plain = await opened();
  for (const shift of ['variance', 'score'] as const) {
    const guided = await opened({ guidance: { strength: 0.8, shift } });
    for (const [level, x] of [
      [20, 1.2],
      [9, -0.4],
      [2, 0.3],
    ] as const) {
      const [p, q] = [
        await stepped(plain, [x, x], [level, level], [always(0), always(1)]),
        await stepped(guided, [x, x], [level, level], [always(0.7), always(0)]),
      ];
      const sd = p.next[1]! - p.next[0]!;
      const log = (mean: number): number => -(((q.next[0]! - mean) / sd) ** 2) / 2;
      expect(q.edge[0]).toBeCloseTo(log(p.next[0]!) - log(q.next[1]!), 9);
      // The mean moves by kappa strength J r'(xhat), J the slope of xhat.
      const gradient = await slope(x, level / 20);
      const { signal, noise } = pointAt(level);
      const clean = shift === 'variance' ? sd * sd : (pullOf(level) * noise * noise) / signal;
      expect(q.next[1]! - p.next[0]!).toBeCloseTo(0.8 * clean * gradient, 6);
    }
    const last = await stepped(guided, [0.3], [1], [always(1)]);
    expect(last.edge[0]).toBe(0);
    expect(last.next[0]).toBe((await stepped(plain, [0.3], [1], [always(1)])).next[0]);
    guided.dispose();
  }
});

const pointAt = (level: number): { signal: number; noise: number } => {
  const { schedule } = ONED.denoiser;
  return { signal: schedule.signal(level / 20), noise: schedule.noise(level / 20) };
};

/** b of the ancestral kernel. */
function pullOf(level: number): number {
  const [after, before] = [pointAt(level).signal ** 2, pointAt(level - 1).signal ** 2];
  return (Math.sqrt(before) * (1 - after / before)) / (1 - after);
}

/** d/dx r(E[x_0 given x]) by differences. */
async function slope(x: number, time: number): Promise<number> {
  const h = 1e-5;
  const [clean, r] = [new Float64Array(2), new Float64Array(2)];
  await ONED.denoiser.clean!(Float64Array.of(x - h, x + h), Float64Array.of(time, time), clean);
  await (ONED.reward as { value(x: Float64Array, out: Float64Array): void }).value(clean, r);
  return (r[1]! - r[0]!) / (2 * h);
}

test('diffusionChain(): branches are four fifths to one fifth of the steps by default, where there is noise below', () => {
  expect(diffusionChain(ONED).branches).toEqual([16, 12, 8, 4]);
  expect(diffusionChain({ ...ONED, steps: 3 }).branches).toEqual([2]);
  expect(diffusionChain({ ...ONED, steps: 20, branches: [20 - 1, 2] }).branches).toEqual([19, 2]);
  expect(diffusionChain({ ...ONED, integrator: ddim(), branches: [] }).branches).toEqual([]);
});

test('diffusionChain(): starts follow the law that is given, else noise', async () => {
  const [x, edge] = [new Float64Array(2), new Float64Array(2)];
  const streams = [always(-1), always(2)];
  await (await opened()).init({ x, edge, streams });
  const { noise } = pointAt(20);
  expect([...x]).toEqual([-noise, 2 * noise]);
  const start = onedStart();
  await (await opened({ start })).init({ x, edge, streams });
  const half = new Float64Array(1);
  start.transport(Float64Array.of(0.5), half);
  expect([...x]).toEqual([half[0], half[0]]);
});

test('diffusionChain(): another law, grid or guidance is another chain', () => {
  const prints = [
    {},
    { steps: 30 },
    { start: onedStart() },
    { guidance: { strength: 0.5 } },
    { guidance: { strength: 0.5, shift: 'score' as const } },
    { integrator: ddim({ eta: 1 }) },
  ].map((more) => diffusionChain({ ...ONED, ...more }).fingerprint);
  expect(new Set(prints).size).toBe(prints.length);
});

test.each<[string, Partial<DiffusionChainOptions>, RegExp]>([
  ['a deterministic kernel', { integrator: ddim() }, /no step of ddim draws noise/],
  [
    'branch levels of a deterministic kernel',
    { integrator: ddim(), branches: [10] },
    /from level 10 to 0 no step/,
  ],
  ['a branch without noise below', { branches: [10, 1] }, /from level 1 to 0 no step of ddpm/],
  ['branches that do not fall', { branches: [5, 10] }, /branches\[1\]` is 10 after 5/],
  ['a branch above the first state', { branches: [21] }, /branches\[0\]` is 21/],
  ['a branch that is no integer', { branches: [2.5] }, /2\.5/],
  ['a start of two numbers', { start: { ...onedStart(), dimension: 2 } }, /of 2 dimensions/],
  ['guidance that is no rule', { guidance: 2 as unknown as { strength: number } }, /guidance/],
  ['an infinite strength', { guidance: { strength: Infinity } }, /strength/],
  ['a misspelt option', { guidanc: {} } as Partial<DiffusionChainOptions>, /guidanc/],
  [
    'steps beside a grid',
    { grid: gridOf(ONED.denoiser.schedule, [1, 0.5, 0]) },
    /`steps` and `grid` are given together/,
  ],
])('diffusionChain(): refuses %s', (_, options, message) => {
  const make = () => diffusionChain({ ...ONED, ...options });
  expect(make).toThrow(OptionError);
  expect(make).toThrow(message);
});

test('diffusionChain(): kernels draw for long states what their streams would', async () => {
  const [d, levels] = [17, [3, 2, 1]];
  const { schedule } = ONED.denoiser;
  const denoiser: Denoiser = {
    ...{ dimension: d, schedule, prediction: 'clean' },
    predict: (x) => x.map((value) => value / 2),
  };
  const grid = gridOf(schedule, [1, 0.6, 0.3, 0]);
  const chain = await diffusionChain({ denoiser, reward: linearReward(new Array(d).fill(0.1)), grid }).open({
    ...{ backend: jsBackend(), signal: new AbortController().signal },
  });
  const x = Array.from({ length: 3 * d }, (_, i) => Math.sin(i));
  const rng = rngFromSeed(3);
  const address = { purpose: PURPOSE.treeRollout, step: 5 };
  for (const before of [0, 1]) {
    const plain = levels.map((particle) => rng.stream({ ...address, particle }));
    const moving = levels.map((particle) => {
      const stream = movingStream(rng.key);
      stream.to(address.purpose, address.step, particle);
      return stream;
    });
    // Once a number was drawn, kernels cannot go on.
    for (const stream of [...plain, ...moving]) if (before > 0) stream.uniform();
    const { next } = await stepped(chain, x, levels, plain);
    expect((await stepped(chain, x, levels, moving)).next).toEqual(next);
    expect(new Set(next).size).toBe(next.length);
  }
  chain.dispose();
});
