import { expect, test } from 'vitest';
import { jsBackend } from '../engine/backend/js.ts';
import type { Cluster, ClusterResult, Plan, SubmitOptions } from '../engine/cluster/types.ts';
import { iterate, run } from '../engine/run.ts';
import type { Result, Sampler } from '../engine/sampler.ts';
import type { Shards } from '../engine/sharded.ts';

interface Told {
  readonly rounds: number;
  readonly complete: boolean;
  readonly kept: unknown;
  readonly kind: string;
}

/** A method of three rounds that answers with what it was told. */
function threeRounds(): Sampler<unknown, Result & Told> & { readonly shards: Shards<Result & Told> } {
  const cut = { kind: 'index', count: 1 } as const;
  return {
    name: 'three-rounds',
    sources: [],
    init: () => Promise.reject(new Error('not on this machine')),
    shards: {
      work: { name: 'none', version: 1 },
      cut: () => ({ options: 1, shards: cut }),
      async next({ value }: ClusterResult<unknown>, options: number, { kept }: { readonly kept: unknown }) {
        expect(value).toBe(options);
        // The second round leaves nothing of its own.
        const own = options === 1 ? { kept: ['first'] } : {};
        if (options === 2) expect(kept).toEqual(['first']);
        return options === 3 ? undefined : { options: options + 1, shards: cut, ...own };
      },
      async answer({ value, complete }: ClusterResult<unknown>, _: unknown, ending: never, kept: unknown) {
        const { outcome } = ending as Result;
        return { rounds: value, complete, kept, kind: outcome.kind };
      },
    },
  } as never;
}

/** A cluster that says what it was asked to do, whatever it was asked. */
function echo(asked: SubmitOptions[]): Cluster {
  return {
    name: 'local',
    submit(_: unknown, plan: Plan<unknown>, options: SubmitOptions) {
      asked.push(options);
      const result = async (): Promise<ClusterResult<unknown>> =>
        ({ value: plan.options, shards: 1, complete: true, evaluations: 0 }) as ClusterResult<unknown>;
      return { id: '', result };
    },
  } as never;
}

test('run(method, { cluster }): rounds follow each other, and the answer gets what an earlier one kept', async () => {
  const asked: SubmitOptions[] = [];
  const found = await run(threeRounds(), { seed: 1, cluster: echo(asked), backend: jsBackend() });
  expect(found).toEqual({ rounds: 3, complete: true, kept: ['first'], kind: 'converged' });
  expect(asked.map(({ deadline }) => deadline)).toEqual([undefined, undefined, undefined]);
});

test('run(method, { cluster }): a budget is that of all rounds; when it is over, the last whole one is the answer', async () => {
  const asked: SubmitOptions[] = [];
  const options = { seed: 1, cluster: echo(asked), backend: jsBackend() };
  const found = await run(threeRounds(), { ...options, budget: { milliseconds: 1e-9 } });
  expect(found).toEqual({ rounds: 1, complete: false, kept: undefined, kind: 'unfinished' });
  await run(threeRounds(), { ...options, budget: { milliseconds: 1e9 } });
  const [, a, b, c] = asked.map(({ deadline }) => deadline!);
  expect(a).toBeGreaterThanOrEqual(b!);
  expect(b).toBeGreaterThanOrEqual(c!);
});

test('iterate(method, { cluster }): a method that has shards and no models takes no steps there', async () => {
  const steps = iterate(threeRounds(), { seed: 1, cluster: echo([]), backend: jsBackend() });
  await expect(steps.next()).rejects.toThrow('run(method, { cluster }): three-rounds has shards');
});
