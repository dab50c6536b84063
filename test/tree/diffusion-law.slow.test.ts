import { expect, test } from 'vitest';
import { jsBackend } from '../../engine/backend/js.ts';
import { rngFromSeed } from '../../engine/random/rng.ts';
import { diffusionChain } from '../../estimators/tree/diffusion-chain.ts';
import { leafWeights } from '../../estimators/tree/leaves.ts';
import type { TreeChainSource } from '../../estimators/tree/open-chain.ts';
import reference from '../reference/dts.json' with { type: 'json' };
import { ONED, onedStart } from '../support/diffusion-trees.ts';
import { expectMeans, expectRejected, type Replicates } from '../support/law.ts';
import { grown, logTotal } from '../support/tree.ts';

const { lambda, exact, softValueTable } = reference.oned;

/** exp(lambda r) at the end of n runs from each of some states at one level. [n, states] */
async function ends(level: number, states: readonly number[], n: number): Promise<Replicates> {
  const { signal } = new AbortController();
  const chain = await diffusionChain(ONED).open({ backend: jsBackend(), signal });
  const rows = n * states.length;
  const [x, next, edge] = [0, 0, 0].map(() => new Float64Array(rows)) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  for (let i = 0; i < rows; i++) x[i] = states[i % states.length]!;
  const streams = Array.from({ length: rows }, (_, i) =>
    rngFromSeed(level).stream({ purpose: 40, particle: i }),
  );
  for (let to = level; to > 0; to--) {
    await chain.step({ x, level: new Int32Array(rows).fill(to), next, edge, streams });
    x.set(next);
  }
  await chain.reward(x, edge);
  chain.dispose();
  return { runs: n, width: states.length, values: edge.map((r) => Math.exp(lambda * r)) };
}

test('soft values of a chain on the line are those of its transfer matrix, level by level', async () => {
  for (const level of [2, 5, 10, 15, 20]) {
    const table = softValueTable.filter(({ t }) => t === level);
    const states = table.map(({ x }) => x);
    const found = await ends(level, states, 600);
    expectMeans(
      found,
      table.map(({ lambdaV }) => Math.exp(lambdaV)),
      { about: `level ${level}` },
    );
    const other = softValueTable.filter(({ t }) => t === (level === 20 ? 10 : 20));
    const values = other.map(({ lambdaV }) => Math.exp(lambdaV));
    if (level !== 15) expectRejected(() => expectMeans(found, values));
  }
  // The last step draws nothing.
  const last = softValueTable.filter(({ t }) => t === 1);
  const found = await ends(
    1,
    last.map(({ x }) => x),
    1,
  );
  for (const [i, { lambdaV }] of last.entries())
    expect(Math.abs(Math.log(found.values[i]!) - lambdaV)).toBeLessThan(1e-6);
});

/** Weights of independent runs in units of Z, and those times the end. [n, 2] */
async function plainRuns(
  chain: TreeChainSource,
  { logZ }: { readonly logZ: number },
  n: number,
  key: number,
): Promise<Replicates> {
  const options = { chain, mode: 'prior', iterations: n, batch: 100, inverseTemperature: lambda } as const;
  const state = await grown(options, [key, 9]);
  const logWeight = leafWeights(state, false);
  const points = state.arena.slabs[0]!;
  const values = new Float64Array(2 * n);
  for (let i = 0; i < n; i++) {
    values[2 * i] = n * Math.exp(logWeight[i]! - logZ);
    values[2 * i + 1] = values[2 * i]! * points[i]!;
  }
  return { runs: n, width: 2, values };
}

const { standardNormalStart: normal, exactMarginalStart: marginal } = exact;

test('runs of the chain have the Z and the tilted mean of its transfer matrix, from both starts', async () => {
  const found = await plainRuns(diffusionChain(ONED), normal, 2000, 1);
  expectMeans(found, [1, normal.tilted.mean]);
  expectRejected(() => expectMeans(found, [1, normal.prior.mean]));
  const started = diffusionChain({ ...ONED, start: onedStart() });
  expectMeans(await plainRuns(started, marginal, 1000, 2), [1, marginal.tilted.mean]);
});

/** A guided chain that does not say what its proposals cost: what is published. */
function uncorrected(chain: TreeChainSource): TreeChainSource {
  return {
    ...chain,
    async open(opening) {
      const opened = await chain.open(opening);
      return {
        ...opened,
        async step(step) {
          await opened.step(step);
          step.edge.fill(0);
        },
      };
    },
  };
}

test('guided runs have the same Z and mean by their edges, and other ones without', async () => {
  for (const [key, shift] of (['variance', 'score'] as const).entries()) {
    const chain = diffusionChain({ ...ONED, guidance: { strength: lambda / 2, shift } });
    const found = await plainRuns(chain, normal, 1000, 3 + key);
    expectMeans(found, [1, normal.tilted.mean], { about: shift });
    const broken = await plainRuns(uncorrected(chain), normal, 1000, 3 + key);
    expectRejected(() => expectMeans(broken, [1, normal.tilted.mean]));
  }
});

/** exp(log Z) / Z of small trees on the line. */
async function treeRatios(chain: TreeChainSource, mode: 'ipw' | 'paper', trees: number): Promise<Replicates> {
  const values = new Float64Array(trees);
  for (let r = 0; r < trees; r++) {
    const state = await grown({ chain, mode, inverseTemperature: lambda, iterations: 16, batch: 4 }, [r, 21]);
    values[r] = Math.exp(logTotal(state, mode === 'ipw') - normal.logZ);
  }
  return { runs: trees, width: 1, values };
}

test('guided trees with planned children are unbiased for the Z of the unguided chain', async () => {
  const guided = diffusionChain({ ...ONED, guidance: { strength: lambda / 2 } });
  expectMeans(await treeRatios(guided, 'ipw', 120), 1);
  const broken = await treeRatios(uncorrected(guided), 'ipw', 120);
  expectRejected(() => expectMeans(broken, 1));
});

/** Mean distance of the tilted mean by weighted leaves of trees from the exact one. */
async function meanError(chain: TreeChainSource, iterations: number, trees: number): Promise<number> {
  let sum = 0;
  for (let r = 0; r < trees; r++) {
    const state = await grown({ chain, inverseTemperature: lambda, iterations, batch: 8 }, [r, 27]);
    const weight = leafWeights(state, true).map(Math.exp);
    const all = weight.reduce((total, w) => total + w, 0);
    const mean = weight.reduce((total, w, i) => total + (w / all) * state.arena.slabs[0]![i]!, 0);
    sum += Math.abs(mean - normal.tilted.mean) / trees;
  }
  return sum;
}

test('guided trees come nearer to the tilted law as they grow, and stay off where proposals are not paid for', async () => {
  const guided = diffusionChain({ ...ONED, guidance: { strength: lambda / 2 } });
  const few = await meanError(guided, 16, 24);
  const many = await meanError(guided, 1024, 12);
  const off = await meanError(uncorrected(guided), 1024, 12);
  expect(many).toBeLessThan(few / 2);
  expect(off).toBeGreaterThan(1.4 * many);
  expect(off).toBeGreaterThan(0.6 * (await meanError(uncorrected(guided), 16, 24)));
});
