import { expect, test } from 'vitest';
import { jsBackend } from '../../engine/backend/js.ts';
import { OptionError } from '../../engine/errors.ts';
import { run } from '../../engine/run.ts';
import { treeSampler } from '../../estimators/tree/tree-sampler.ts';
import type { TreeChain, TreeOptions, TreeStep } from '../../estimators/tree/types.ts';
import { listedTokenChain } from '../support/tree-chains.ts';

const backend = jsBackend();
const grownOn = (chain: TreeChain, options: Partial<TreeOptions> = {}) =>
  run(treeSampler({ chain, iterations: 200, ...options }), { seed: 3, backend });

/** Four steps that halve a number and add `noise` of their level times a normal draw. */
const halving = (noise: (level: number) => number, more: Partial<TreeChain> = {}): TreeChain => ({
  ...{ dimension: 1, steps: 4 },
  init: ({ x, streams }) => x.set(streams.map((stream) => stream.normal())),
  step: ({ x, level, next, streams }) =>
    streams.forEach((stream, i) => {
      next[i] = x[i]! / 2 + noise(level[i]!) * stream.normal();
    }),
  reward: (x, out) => void out.set(x),
  ...more,
});

test('a chain whose steps draw nothing, or draw to no effect, is refused wherever a tree would branch', async () => {
  const silent = halving(() => 0, {
    step: ({ x, next }: TreeStep) => void next.set(x.map((y) => y / 2)),
  });
  for (const chain of [silent, halving(() => 0), { ...silent, branches: [3, 1] }])
    for (const mode of ['ipw', 'precision', 'paper', 'search'] as const)
      await expect(grownOn(chain, { mode, batch: mode === 'paper' ? 4 : 1 })).rejects.toThrow(OptionError);
  await expect(grownOn({ ...silent, branches: [2] })).rejects.toThrow(
    "treeSampler: `chain.step` goes from level 2 to 0 to one state, whatever it draws; expected steps that draw something below each level with nodes: children of one state must differ. Try mode: 'prior', for independent runs; or list the states that may come next in `chain.children`.",
  );
  // Where nothing but the root branches, there is nothing to tell apart.
  await grownOn({ ...silent, branches: [] });
  await grownOn(silent, { mode: 'prior' });
});

test('levels below which nothing is drawn are named, and the others are proposed', async () => {
  const chain = halving((level) => (level === 2 ? 0 : 1));
  await expect(grownOn(chain)).rejects.toThrow(/from level 2 to 1 .* Try chain\.branches: \[4, 3, 1\];/);
  // One of the steps of a segment draws.
  await grownOn({ ...chain, branches: [4, 2] });
});

test('laws that are nearly certain, and runs that are at their end, are not taken for steps without draws', async () => {
  const rare = halving(() => 0, {
    step: ({ x, next, streams }: TreeStep) =>
      streams.forEach((stream, i) => {
        next[i] = x[i]! + (stream.uniform() < 1e-6 ? 2 : 1);
      }),
  });
  const idle = halving(() => 0, { step: ({ x, next }: TreeStep) => next.set(x) });
  const widening = { factor: 1, exponent: 0.3 };
  for (const options of [{ births: { root: widening } }, { mode: 'paper', widening }] as const)
    for (const chain of [rare, idle]) {
      const { tree } = await grownOn(chain, { ...options, iterations: 600 });
      expect(tree.perLevel[0]! - tree.perLevel[1]!).toBeGreaterThan(10);
    }
  await grownOn(listedTokenChain(), { mode: 'paper' });
});
