import { describe, expect, test } from 'vitest';
import { jsBackend } from '../../engine/backend/js.ts';
import { logSumExp } from '../../engine/particles/log-weight.ts';
import { iterate, resume, run } from '../../engine/run.ts';
import type { TreeArena } from '../../estimators/tree/arena.ts';
import { diffusionChain } from '../../estimators/tree/diffusion-chain.ts';
import { leafWeights } from '../../estimators/tree/leaves.ts';
import { rescoreTree } from '../../estimators/tree/rescore.ts';
import { treeSampler } from '../../estimators/tree/tree-sampler.ts';
import type { TreeChain, TreeOptions, TreeResult } from '../../estimators/tree/types.ts';
import { numbers } from '../contract/sampler.ts';
import { ONED } from '../support/diffusion-trees.ts';
import { columnsOf, grown } from '../support/tree.ts';
import { enumeratedTokens, listedTokenChain, TOKEN_LAMBDA, tokenChain } from '../support/tree-chains.ts';

const backend = jsBackend();
const seed = 11;
const chain = tokenChain(0.5);

/** A chain whose steps must not be taken, with another reward. */
const still = (reward: TreeChain['reward'] = chain.reward): TreeChain => ({
  ...chain,
  init: () => expect.unreachable('a first state is drawn'),
  step: () => expect.unreachable('a step is taken'),
  reward,
});
/** Minus infinity for sequences that end in 0, else the number of ones. */
const ones = (x: Float64Array, out: Float64Array): void => {
  for (let i = 0; i < out.length; i++) {
    const row = x.subarray(4 * i, 4 * i + 4);
    out[i] = row[3] === 0 ? -Infinity : row.filter((token) => token === 1).length;
  }
};

type Options = Partial<TreeOptions>;

async function saved(options: Options): Promise<Uint8Array> {
  let bytes = new Uint8Array(0);
  for await (const at of iterate(treeSampler({ chain, iterations: 200, ...options }), { seed, backend }))
    if (at.info.done === at.info.total) bytes = new Uint8Array(await at.snapshot());
  return bytes;
}
const fresh = (options: Options): Promise<TreeResult> =>
  run(treeSampler({ chain, iterations: 200, ...options }), { seed, backend });
const rescored = (bytes: Uint8Array, options: Options): Promise<TreeResult> =>
  resume(treeSampler({ chain: still(), iterations: 200, ...options, rescore: true }), bytes, {
    seed,
    backend,
  });

/** All numbers of a result as one text. */
const bits = (result: TreeResult): string =>
  Buffer.from(Float64Array.from(numbers(result)).buffer).toString('base64');

describe.each(['ipw', 'precision', 'paper', 'search', 'prior'] as const)(
  'a saved tree of mode %s',
  (mode) => {
    test('weighed anew by the same reward and temperature is the same, bit for bit', async () => {
      for (const more of [{}, { trees: 2 }, { batch: 8 }]) {
        const options = { mode, inverseTemperature: 1.5, ...more };
        const first = await fresh(options);
        const again = await rescored(await saved(options), options);
        expect(bits(again)).toBe(bits(first));
        expect(again.diagnostics.evaluations).toBe(first.diagnostics.evaluations);
      }
    });

    test('has the weights of another temperature, by the law of the telescope', async () => {
      const first = await fresh({ mode, inverseTemperature: 0.5 });
      const hot = await rescored(await saved({ mode, inverseTemperature: 0.5 }), {
        mode,
        inverseTemperature: 2,
      });
      expect(hot.reward).toEqual(first.reward);
      for (const [i, l] of hot.sample.logWeight.entries())
        expect(Math.abs(l - first.sample.logWeight[i]! - 1.5 * first.reward[i]!)).toBeLessThan(1e-12);
      expect(hot.logNormalizer.value).toBe(logSumExp(hot.sample.logWeight));
      expect(hot.logNormalizer.claim).toBe(first.logNormalizer.claim);
    });
  },
);

test('of a search by the largest rewards, values are the largest below, grown or weighed anew', async () => {
  const options = { mode: 'search', backup: 'max', inverseTemperature: 2, iterations: 150 } as const;
  const state = await grown({ chain, ...options, batch: 4 });
  const { arena } = state;
  const { level, slot, parent, value } = columnsOf(arena);
  const largest = new Float64Array(arena.nodes).fill(-Infinity);
  for (let id = arena.nodes - 1; id >= 0; id--) {
    if (level[id] === 0) largest[id] = 2 * arena.reward[slot[id]!]!;
    if (id > 0) largest[parent[id]!] = Math.max(largest[parent[id]!]!, largest[id]!);
  }
  expect(value).toEqual(largest);
  const { greedy, best } = await fresh(options);
  expect(greedy.reward).toBe(best.reward);
  const again = await rescored(await saved({ ...options, backup: 'mean' }), options);
  expect(again.greedy.reward).toBe(again.best.reward);
  const same = await rescored(await saved(options), options);
  expect(bits(same)).toBe(bits(await fresh(options)));
  expect(() => treeSampler({ chain, backup: 'max' })).toThrow(/expected it with 'search' alone/);
});

test('where visits are blind, a tree weighed anew is the tree of that target, bit for bit', async () => {
  const target = { chain: { ...chain, reward: ones }, inverseTemperature: 0.7 };
  for (const options of [
    { mode: 'prior' },
    { mode: 'paper', explore: 1 },
    { mode: 'precision', explore: 1 },
  ] as const) {
    const again = await rescored(await saved(options), { ...options, ...target, chain: still(ones) });
    expect(bits(again)).toBe(bits(await fresh({ ...options, ...target })));
    expect(again.logNormalizer.claim).toBe('unbiased');
  }
});

/** u of the root by recursion over all children, written anew. */
function recursion(arena: TreeArena, lambda: number, precise: boolean): readonly [mean: number, rho: number] {
  const { level, slot, parent, edge } = columnsOf(arena);
  const children: number[][] = Array.from({ length: arena.nodes }, () => []);
  for (let id = 1; id < arena.nodes; id++) children[parent[id]!]!.push(id);
  const below = (id: number): readonly [number, number] => {
    if (level[id] === 0) return [Math.exp(lambda * arena.reward[slot[id]!]!), 0];
    let [sum, all] = [0, 0];
    for (const child of children[id]!) {
      const [mean, rho] = below(child);
      const w = precise ? 1 / (1 + rho) : 1;
      sum += w * Math.exp(edge[child]!) * mean;
      all += w;
    }
    return [sum / all, 1 / all];
  };
  return below(0);
}

test('a tree grown as published has the Z of the other backup, by recursion over all its children', async () => {
  const options = { mode: 'paper', inverseTemperature: 1.5, iterations: 300 } as const;
  const state = await grown({ chain, ...options });
  const before = Math.exp(columnsOf(state.arena).value[0]!);
  expect(before / recursion(state.arena, 1.5, false)[0]).toBeCloseTo(1, 12);
  const other = await grown({ chain, ...options, mode: 'precision', iterations: 1 });
  const rewards = { ...state.rewards };
  for (const lambda of [1.5, 0.4]) {
    await rescoreTree({ ...other.plan, lambda }, state, new AbortController().signal);
    const [mean] = recursion(state.arena, lambda, true);
    expect(Math.exp(columnsOf(state.arena).value[0]!) / mean).toBeCloseTo(1, 12);
    expect(Math.exp(logSumExp(leafWeights(state, false))) / mean).toBeCloseTo(1, 9);
  }
  expect(Math.exp(columnsOf(state.arena).value[0]!) / before).not.toBeCloseTo(1, 2);
  expect(state.rewards).toEqual(rewards);
});

test('paths keep their weights where the first reward was -Infinity', async () => {
  const planned = await saved({ chain: { ...chain, reward: ones } });
  const again = await rescored(planned, {});
  expect(again.reward.every((r) => r > -Infinity)).toBe(true);
  expect(again.sample.logWeight.every((l) => l > -Infinity)).toBe(true);
  expect(again.logNormalizer.claim).toBe('unbiased');
});

test('a tree that goes on after it was weighed anew has both budgets, and no claim it did not grow with', async () => {
  const bytes = await saved({ mode: 'paper' });
  const more = { mode: 'precision', explore: 1, iterations: 300, rescore: true } as const;
  const result = await resume(treeSampler({ chain, ...more }), bytes, { seed, backend });
  expect(result.tree.iterations).toBe(300);
  expect(result.logNormalizer.claim).toBe('biased');
  const blind = await resume(treeSampler({ chain, ...more }), await saved({ mode: 'paper', explore: 1 }), {
    seed,
    backend,
  });
  expect(blind.logNormalizer.claim).toBe('unbiased');
});

test('what cannot be weighed anew is refused with what can', async () => {
  const bytes = await saved({ mode: 'precision' });
  await expect(rescored(bytes, { mode: 'ipw' })).rejects.toThrow(
    "treeSampler: the saved tree was grown with mode: 'precision', and is to go on as 'ipw'; expected a tree of 'ipw' with the same births. Rescore it with mode: 'precision'.",
  );
  await expect(rescored(bytes, { mode: 'prior' })).rejects.toThrow(/expected a tree of 'prior'/);
  await expect(rescored(bytes, { mode: 'precision', trees: 2 })).rejects.toThrow(/another number of trees/);
  const births = { root: { factor: 2, exponent: 0.8 } };
  await expect(rescored(await saved({}), { births })).rejects.toThrow(/and other births/);
  const other = treeSampler({ chain, mode: 'precision', iterations: 200, inverseTemperature: 2 });
  await expect(resume(other, bytes, { seed, backend })).rejects.toThrow(/another chain or other options/);
  const broken = still((_, out) => void out.fill(Number.NaN));
  await expect(rescored(bytes, { mode: 'precision', chain: broken })).rejects.toThrow(/the reward is NaN/);
});

test('a diffusion is weighed anew by another reward, guided or not, and only where its denoiser is the same', async () => {
  const guided = diffusionChain({ ...ONED, guidance: { strength: 0.3 } });
  const first = await fresh({ chain: guided, iterations: 32 });
  expect(first.tree.gradients).toBe(first.diagnostics.evaluations);
  const bytes = await saved({ chain: guided, iterations: 32 });
  const reward = { value: (x: Float64Array, out: Float64Array) => void out.set(x.map((y) => -y * y)) };
  const options = { iterations: 32, rescore: true };
  const other = treeSampler({ chain: diffusionChain({ ...ONED, reward }), ...options });
  const again = await resume(other, bytes, { seed, backend });
  expect(again.reward).toEqual(first.sample.points.map((y) => -y * y));
  const shift = first.sample.logWeight.map((l, i) => l - first.reward[i]! + again.reward[i]!);
  const off = again.sample.logWeight.map((l, i) => Math.abs(l - shift[i]!));
  expect(Math.max(...off)).toBeLessThan(1e-12);
  expect(again.logNormalizer.claim).toBe('unbiased');
  const strange = treeSampler({ chain: diffusionChain({ ...ONED, steps: 10 }), ...options });
  await expect(resume(strange, bytes, { seed, backend })).rejects.toThrow(/another chain/);
  const without = treeSampler({ chain: diffusionChain({ ...ONED, reward }), iterations: 32 });
  await expect(resume(without, bytes, { seed, backend })).rejects.toThrow(/rescore/);
});

test('walks in flight go on when a tree is weighed anew, in batches of any size', async () => {
  const goOn = async (bytes: Uint8Array, options: Options): Promise<TreeResult> =>
    resume(treeSampler({ chain, iterations: 200, ...options, rescore: true }), bytes, { seed, backend });
  for (const mode of ['precision', 'paper', 'search', 'prior'] as const) {
    const options = { mode, batch: 8 };
    const wanted = bits(await fresh(options));
    for (const iterations of [77, 96])
      expect(bits(await goOn(await saved({ ...options, iterations }), options)) === wanted).toBe(true);
  }
  // Leaf m of independent runs is that of iteration m, however many are in flight.
  const { sample } = await fresh({ mode: 'prior' });
  for (const batch of [1, 5, 16]) {
    const again = await goOn(await saved({ mode: 'prior', batch: 8, iterations: 90 }), {
      mode: 'prior',
      batch,
    });
    expect(again.sample).toEqual(sample);
  }
  for (const batch of [2, 16]) {
    const again = await goOn(await saved({ mode: 'paper', batch: 8, iterations: 90 }), {
      mode: 'precision',
      batch,
    });
    expect(again.tree.iterations).toBe(200);
    expect(Math.abs(logSumExp(again.sample.logWeight) - again.logNormalizer.value)).toBeLessThan(1e-12);
  }
});

test('rewards of walks at their end are those of the new reward', async () => {
  const options = { mode: 'precision', batch: 8 } as const;
  const other = { ...chain, reward: ones };
  const bytes = await saved({ ...options, iterations: 90 });
  const again = await resume(
    treeSampler({ ...options, chain: other, iterations: 200, rescore: true }),
    bytes,
    {
      ...{ seed, backend },
    },
  );
  const wanted = again.reward.slice();
  ones(again.sample.points, wanted);
  expect(again.reward).toEqual(wanted);
});

test('trees of listed and of merged children are weighed anew', async () => {
  const merged: TreeChain = { ...tokenChain(), merge: true };
  for (const own of [listedTokenChain(), merged])
    for (const mode of ['paper', 'search'] as const) {
      const options = { chain: own, mode, iterations: 300, explore: 0.5 };
      const cold = await fresh({ ...options, inverseTemperature: 0.5 });
      const bytes = await saved({ ...options, inverseTemperature: 0.5 });
      const quiet: TreeChain = { ...own, ...{ init: still().init, step: still().step } };
      const same = await rescored(bytes, { ...options, chain: quiet, inverseTemperature: 0.5 });
      expect(bits(same)).toBe(bits(cold));
      const { sample, logNormalizer } = await rescored(bytes, { ...options, chain: quiet });
      // Listed children weigh nothing until all are there.
      for (const [i, l] of sample.logWeight.entries())
        expect(l).toBeCloseTo(cold.sample.logWeight[i]! + 0.5 * cold.reward[i]!, 12);
      expect(logNormalizer.value).toBe(logSumExp(sample.logWeight));
    }
  const { logZ } = enumeratedTokens();
  const all = { chain: listedTokenChain(), mode: 'paper', iterations: 4000, explore: 0.7 } as const;
  const exact = await rescored(await saved({ ...all, inverseTemperature: 0 }), {
    ...all,
    inverseTemperature: TOKEN_LAMBDA,
  });
  expect(Math.abs(exact.logNormalizer.value - logZ)).toBeLessThan(1e-12);
});
