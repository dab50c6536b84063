import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { blobFolder } from '../../engine/cluster/folder.ts';
import { readRecord } from '../../engine/cluster/record.ts';
import { files, local, makeRunFolder, planSharded, readParticles, runId } from '../../estimators/cluster.ts';
import { type IslandsOptions, islands, moduleModel, normalizedWeight, run } from '../../estimators/index.ts';

const method = (more: Partial<IslandsOptions> = {}): ReturnType<typeof islands> =>
  islands({
    ...{ method: moduleModel(new URL('./island.mjs', import.meta.url), 'filter'), islands: 4, draws: 8 },
    ...more,
  });

test('islands, keepParticles: the particles of each island lie in the blob store, and their means are those of the answer', async () => {
  const cluster = local({ threads: 0 });
  const folder = mkdtempSync(join(tmpdir(), 'ensample-kept-'));
  const plain = await run(method(), { seed: 7, cluster });
  const whole = method({ keepParticles: true });
  const kept = await run(whole, { seed: 7, cluster, submit: { checkpoint: folder } });
  expect(kept.mean).toEqual(plain.mean);
  expect(kept.sample).toEqual(plain.sample);
  expect(plain.islands.particles).toBeUndefined();
  const refs = kept.islands.particles!;
  expect(refs).toHaveLength(4);
  const blobs = blobFolder(join(folder, 'blobs'));
  for (const [k, ref] of refs.entries()) {
    const { points, shape, logWeight } = await readParticles(blobs, ref);
    expect([shape, logWeight.length]).toEqual([[4, 1], 4]);
    const mean = normalizedWeight(logWeight).reduce((sum, w, i) => sum + w * points[i]!, 0);
    expect(mean).toBeCloseTo(kept.islands.mean[k]!, 12);
  }
  // Records name them, so that they go with the run.
  const plan = await planSharded(whole, cluster, 7);
  const records = makeRunFolder(folder, plan);
  const named = records.indices().flatMap((index) => readRecord(records.get(index)!).header.blobs);
  expect(new Set(named.map(({ sha256 }) => sha256))).toEqual(new Set(readdirSync(join(folder, 'blobs'))));
  // Also where the runs of a folder are folders in it.
  const runs = join(folder, 'runs');
  const shared = files(runs);
  const own = makeRunFolder(join(runs, runId(plan)), plan);
  expect(await shared.blobs.get(await own.blobs.put(new Uint8Array(9)))).toEqual(new Uint8Array(9));
  const other = await blobs.put(new TextEncoder().encode('x'.repeat(300)));
  await expect(readParticles(blobs, other)).rejects.toThrow();
  await cluster.close();
  rmSync(folder, { recursive: true, force: true });
});

test('islands, keepParticles: with exchanges those at the end; without a cluster it is refused', async () => {
  const cluster = local({ threads: 0 });
  const exchange = { every: 5, threshold: 1 };
  const kept = await run(method({ keepParticles: true, exchange }), { seed: 7, cluster });
  expect(kept.islands.exchanges).toBeGreaterThan(0);
  for (const [k, ref] of kept.islands.particles!.entries()) {
    const { points, logWeight } = await readParticles(cluster.blobs, ref);
    const mean = normalizedWeight(logWeight).reduce((sum, w, i) => sum + w * points[i]!, 0);
    expect(mean).toBeCloseTo(kept.islands.mean[k]!, 12);
  }
  await cluster.close();
  await expect(run(method({ keepParticles: true }), { seed: 7 })).rejects.toThrow(
    /option `keepParticles` is true, and there is no cluster/,
  );
  expect(() => method({ keepParticles: 'yes' as unknown as boolean })).toThrow(/keepParticles/);
});
