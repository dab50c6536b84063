import { expect, test } from 'vitest';
import { jsBackend } from '../../engine/backend/js.ts';
import { local } from '../../estimators/cluster.ts';
import { moduleModel, run, treeSampler } from '../../estimators/index.ts';
import { numbers } from '../contract/sampler.ts';
import { tokenChain } from '../support/tree-chains.ts';
import { other, planned, published } from './forest-module.ts';

const seed = 9;

test('trees on a cluster have the bits of one machine', async () => {
  const cluster = local({ threads: 0 });
  try {
    for (const make of [planned, published]) {
      const alone = await run(make(), { seed, backend: jsBackend() });
      const shared = await run(make(), { seed, cluster, backend: jsBackend() });
      expect(numbers(shared)).toEqual(numbers(alone));
      expect(shared.logNormalizer).toEqual(alone.logNormalizer);
      expect(shared.tree).toEqual(alone.tree);
      expect(shared.diagnostics).toEqual(alone.diagnostics);
      expect(shared.provenance.notes.join()).toContain('cluster (local)');
    }
  } finally {
    await cluster.close();
  }
});

test('a forest without a module cannot travel, and one that is another in its module is refused', async () => {
  const cluster = local({ threads: 0 });
  const chain = tokenChain();
  try {
    await expect(run(treeSampler({ chain }), { seed, cluster })).rejects.toThrow(
      'treeSampler: option `module` is absent, and a chain is functions, which cannot travel to other machines',
    );
    await expect(run(other(), { seed, cluster })).rejects.toThrow(/not the one that was run/);
    const url = new URL('./forest-module.ts', import.meta.url);
    const nothing = treeSampler({ chain, module: moduleModel(url, 'nothing') });
    await expect(run(nothing, { seed, cluster })).rejects.toThrow(
      /export `nothing` is 7; expected a function/,
    );
    expect(() => treeSampler({ chain, module: 'forest.ts' as never })).toThrow(/option `module`/);
  } finally {
    await cluster.close();
  }
});
