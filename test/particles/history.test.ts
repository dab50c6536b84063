import { expect, test } from 'vitest';
import { jsBackend } from '../../engine/backend/js.ts';
import { OptionError } from '../../engine/errors.ts';
import {
  type History,
  type HistoryOptions,
  historyBytes,
  makeHistory,
} from '../../engine/particles/history.ts';
import { makeParticles } from '../../engine/particles/particles.ts';
import { makePathTree } from '../../engine/particles/path-tree.ts';
import { makeResampler } from '../../engine/particles/resampler.ts';
import { rngFromSeed } from '../../engine/random/rng.ts';

const SEED = 31;
const FIELDS = { x: { components: 2 }, mark: { components: 1, type: 'float32' } } as const;

/** Run `steps` steps of a random walk with random weights, resampled at two steps of three, into the histories asked. */
async function runWith(n: number, steps: number, asked: readonly HistoryOptions[]): Promise<History[]> {
  const backend = jsBackend();
  const rng = rngFromSeed(SEED);
  const particles = makeParticles({ backend, particles: n, fields: FIELDS });
  const resampler = makeResampler({ backend, arena: backend.arena(), particles: n });
  const histories = asked.map((options) => makeHistory(particles, options));
  for (let t = 0; t < steps; t++) {
    const resampled = t > 0 && t % 3 !== 0;
    if (resampled) {
      await resampler.weigh(particles.logWeight);
      await resampler.draw({ key: rng.key, step: t }, particles.ancestor);
      await particles.select();
    }
    particles.advance();
    const stream = rng.stream({ purpose: 1, step: t });
    const parent = particles.parent('x');
    particles.field('x').forEach((_, at, x) => {
      x[at] = parent[at]! + stream.normal();
    });
    particles.field('mark').fill(t);
    particles.logWeight.forEach((_, i, l) => {
      l[i] = stream.normal();
    });
    for (const history of histories) history.record(t, resampled);
  }
  return histories;
}

test('history: full, paths and window give the same paths, and each path is a walk of its own past', async () => {
  const [full, paths, window] = await runWith(60, 40, [
    { kind: 'full' },
    { kind: 'paths' },
    { kind: 'window', steps: 10 },
  ]);
  for (let slot = 0; slot < 60; slot++) {
    const whole = full!.path(slot);
    expect(whole.x).toHaveLength(80);
    expect(paths!.path(slot)).toEqual(whole);
    expect(window!.path(slot).x).toEqual(whole.x!.slice(60));
    expect(Array.from(whole.mark!)).toEqual(Array.from({ length: 40 }, (_, t) => t));
  }
  // All paths meet in the past: the first points are those of fewer particles than there are slots.
  const firsts = new Set(Array.from({ length: 60 }, (_, slot) => full!.path(slot).x![0]));
  expect(firsts.size).toBeLessThan(10);
  expect(paths!.frames).toEqual([]);
});

test('ancestry(): lag 0 is the own slot, lag 1 the ancestors of the last step, and paths agree', async () => {
  const [full] = await runWith(30, 12, [{ kind: 'full' }]);
  const last = full!.frames.at(-1)!;
  expect(Array.from(full!.ancestry(0))).toEqual(Array.from({ length: 30 }, (_, i) => i));
  expect(full!.ancestry(1)).toEqual(last.ancestor);
  const back = full!.ancestry(7);
  for (let slot = 0; slot < 30; slot++)
    expect(full!.path(slot).x![2 * 4]).toBe(full!.frames[4]!.fields.x![2 * back[slot]!]);
});

test('history: selected steps are kept whole, none keeps nothing, and what is forgotten is an OptionError', async () => {
  const [selected, none, window] = await runWith(20, 9, [
    { kind: 'selected', steps: [0, 5] },
    { kind: 'none' },
    { kind: 'window', steps: 3 },
  ]);
  expect(selected!.frames.map((frame) => frame.step)).toEqual([0, 5]);
  expect(none!.frames).toEqual([]);
  expect(window!.frames.map((frame) => frame.step)).toEqual([6, 7, 8]);
  expect(window!.frames[0]!.ancestor).toBeUndefined(); // step 6 did not resample
  for (const history of [selected!, none!]) {
    expect(() => history.path(0)).toThrow(OptionError);
    expect(() => history.ancestry(1)).toThrow(OptionError);
  }
  expect(() => window!.ancestry(3)).toThrow(OptionError);
});

test('makePathTree(): after T steps the nodes are T plus about n log n, and memory does not grow with T', async () => {
  const n = 128;
  const steps = 1000;
  const backend = jsBackend();
  const arena = backend.arena();
  const rng = rngFromSeed(SEED);
  const resampler = makeResampler({ backend, arena, particles: n });
  const logWeight = arena.f64(n);
  const ancestor = arena.u32(n);
  const tree = makePathTree(n, 1);
  for (let t = 0; t < steps; t++) {
    const stream = rng.stream({ purpose: 1, step: t });
    for (let i = 0; i < n; i++) logWeight[i] = stream.normal();
    tree.insert(ancestor, new Float64Array(n).fill(t));
    await resampler.weigh(logWeight);
    await resampler.draw({ key: rng.key, step: t + 1 }, ancestor);
  }
  expect(tree.steps).toBe(steps);
  const constant = (tree.nodes - steps) / (n * Math.log(n));
  expect(constant).toBeGreaterThan(0.3);
  expect(constant).toBeLessThan(1.6);
  expect(tree.bytes).toBeLessThan(4096 * 20 + 1);
});

test('historyBytes(): counts what a history will hold, and warns of the full one first', () => {
  const bytes = (options: HistoryOptions): number => historyBytes(options, 1000, FIELDS, 500);
  expect(bytes({ kind: 'none' })).toBe(0);
  expect(bytes({ kind: 'full' })).toBe(500 * 1000 * (16 + 4 + 12));
  expect(bytes({ kind: 'window', steps: 20 })).toBe(bytes({ kind: 'full' }) / 25);
  expect(bytes({ kind: 'selected', steps: [1] })).toBe(bytes({ kind: 'full' }) / 500);
  expect(bytes({ kind: 'paths' })).toBeLessThan(bytes({ kind: 'full' }) / 10);
});
