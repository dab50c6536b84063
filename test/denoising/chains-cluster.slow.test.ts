import { expect, test } from 'vitest';
import { jsBackend } from '../../engine/backend/js.ts';
import type { Result, Sampler } from '../../engine/index.ts';
import { type Cluster, type ClusterResult, local } from '../../estimators/cluster.ts';
import { denoisingMcmc, mixtureDenoiser, moduleModel, run, veLinear } from '../../estimators/index.ts';
// @ts-expect-error the modules that clusters import are plain JavaScript
import * as chains from './chains.mjs';

const SEED = 20_261_126;
const make = chains as Readonly<Record<string, () => Sampler<unknown, Result>>>;

/** A result without what says where it was computed. */
function told({ provenance: _, ...rest }: Result): string {
  return JSON.stringify(rest, (_name, value) =>
    ArrayBuffer.isView(value) ? Array.from(value as Float64Array) : value,
  );
}

for (const name of ['exact', 'published', 'unadjusted', 'cold', 'noised']) {
  test(`chains: ${name}: the bits of one machine on a cluster, for any cut`, async () => {
    const alone = await run(make[name]!(), { seed: SEED, backend: jsBackend() });
    const cluster = local({ threads: 0 });
    try {
      for (const shards of [1, 4]) {
        const result = await run(make[name]!(), {
          seed: SEED,
          cluster,
          submit: { shards },
          backend: jsBackend(),
        });
        expect(told(result)).toBe(told(alone));
        expect(result.provenance.notes.join()).toContain('cluster (local)');
      }
    } finally {
      await cluster.close();
    }
  });
}

/** A cluster whose deadline comes in a round, when so many of its shards are done. */
function late(cluster: Cluster, round: number, done: number): Cluster {
  return {
    ...cluster,
    submit(work, plan, options) {
      const run = cluster.submit(work, plan, options);
      if ((plan.options as { readonly round: number }).round !== round) return run;
      const first = async (): Promise<ClusterResult<never>> => {
        const { value, ...rest } = (await run.result()) as ClusterResult<unknown>;
        const { states, lengths } = value as { readonly states: Uint8Array; readonly lengths: Float64Array };
        const own = lengths.slice(0, done);
        const left = {
          states: states.slice(
            0,
            own.reduce((sum, n) => sum + n),
          ),
          lengths: own,
        };
        return { ...rest, value: left as never, shards: done, complete: false };
      };
      return { id: run.id, result: first, [Symbol.asyncIterator]: () => run[Symbol.asyncIterator]() };
    },
  };
}

test('chains: a deadline leaves whole sweeps of all chains, or the first chains, and says so', async () => {
  const cluster = local({ threads: 0 });
  const options = { seed: SEED, backend: jsBackend(), submit: { shards: 4 } };
  try {
    // 16 of 20 sweeps are the first batch; one machine has them after 4 + 16 * 2 cycles.
    const part = await run(make.unadjusted!(), { ...options, cluster: late(cluster, 2, 1) });
    const { submit: _, ...alone } = options;
    const same = await run(make.unadjusted!(), { ...alone, budget: { steps: 37 } });
    expect(part.outcome.kind).toBe('unfinished');
    expect(part.provenance.notes).toContain('By the deadline 16 of 20 states of each chain were denoised.');
    expect(part.sample).toEqual(same.sample);
    expect(part.estimate).toEqual(same.estimate);
    const early = run(make.exact!(), { ...options, cluster: late(cluster, 1, 2) });
    await expect(early).rejects.toThrow(
      'denoisingMcmc: the deadline came before the chains were at their ends; expected more time.',
    );
    const few = await run(make.noised!(), { ...options, cluster: late(cluster, 1, 2) });
    const all = await run(make.noised!(), alone);
    expect(few.provenance.notes.join()).toContain('the first 4 of 7 chains were at their ends');
    expect(few.sample.shape).toEqual([32, 2]);
    for (let s = 0; s < 8; s++)
      expect(few.sample.points.slice(8 * s, 8 * s + 8)).toEqual(all.sample.points.slice(14 * s, 14 * s + 8));
  } finally {
    await cluster.close();
  }
});

test('chains: without a module, or with one that makes another method, they are refused', async () => {
  const cluster = local({ threads: 0 });
  const denoiser = mixtureDenoiser(
    { weights: [0.5, 0.5], means: [[0], [1]], covariances: [[[1]], [[1]]] },
    veLinear(),
  );
  const quick = { denoiser, chains: 2, kept: 2, warmup: 8 };
  const refused = (method: Sampler<unknown, Result>, text: string): Promise<void> =>
    expect(run(method, { seed: 1, cluster })).rejects.toThrow(text);
  try {
    await refused(
      denoisingMcmc(quick) as Sampler<unknown, Result>,
      'denoisingMcmc: option `module` is absent, and its functions are of this thread, which cannot travel to other machines; expected a module that exports () => denoisingMcmc({ ... }).',
    );
    await refused(make.other!(), 'the method that `module` makes is not the one that was run');
    const module = moduleModel(new URL('./chains.mjs', import.meta.url), 'nothing');
    await refused(
      denoisingMcmc({ ...quick, module }) as Sampler<unknown, Result>,
      'export `nothing` is 7; expected a function that makes the method, () => denoisingMcmc({ ... })',
    );
    expect(() => denoisingMcmc({ ...quick, module: 'chains.mjs' as never })).toThrow(
      'option `module` is "chains.mjs"; expected moduleModel(import.meta.url, name)',
    );
  } finally {
    await cluster.close();
  }
});
