import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { openTasks } from '../../engine/cluster/file-tasks.ts';
import { files } from '../../engine/cluster/files.ts';
import { localCluster } from '../../engine/cluster/local.ts';
import { makePlan, runId } from '../../engine/cluster/plan.ts';
import { sumWork, works } from '../support/cluster-works.ts';

const folders: string[] = [];
const children = new Set<ChildProcess>();
const script = fileURLToPath(new URL('../support/cluster-process.ts', import.meta.url));

function folder(): string {
  folders.push(mkdtempSync(join(tmpdir(), 'ensample-files-')));
  return folders.at(-1)!;
}

/** A worker as a process; resolves when it looks for work. */
async function worker(directory: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['--import', 'tsx', script, directory, '1'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.add(child);
  await new Promise((resolve) => child.stdout!.once('data', resolve));
  return child;
}

afterAll(() => {
  for (const child of children) child.kill('SIGKILL');
  for (const path of folders) rmSync(path, { recursive: true, force: true });
});

test('files(): workers stopped for a while and killed -9, and a coordinator that goes, change no bit', async () => {
  const plan = makePlan({
    work: 'test-sums',
    options: { slow: 10 },
    seed: 11,
    shards: { kind: 'range', n: 30_000, size: 1024 },
  });
  const alone = localCluster(
    { threads: 0, works: new URL('../support/cluster-works.ts', import.meta.url).href },
    { entry: '', works },
  );
  const expected = await alone.submit(sumWork, { ...plan, options: {} }).result();
  await alone.close();
  const directory = folder();
  const cluster = files(directory, { poll: 20 });
  const [first, second] = await Promise.all([worker(directory), worker(directory)]);
  expect(await cluster.workers()).toHaveLength(2);
  const tasks = openTasks(join(directory, runId(plan)), 1);
  // The first one stops with a shard under its hand, and this coordinator goes.
  const leaving = new AbortController();
  const before = cluster.submit(sumWork, plan, { signal: leaving.signal });
  for await (const { done } of before) if (done >= 5) break;
  first.kill('SIGSTOP');
  leaving.abort(new Error('gone'));
  await expect(before.result()).rejects.toThrow('gone');
  // The second one computes all the rest, that shard as well when its worker has been silent for a second.
  const run = cluster.submit(sumWork, plan);
  for await (const { done } of run) if (done >= 30) break;
  const result = await run.result();
  expect([...result.value.sums]).toEqual([...expected.value.sums]);
  expect(result).toMatchObject({ shards: 30, complete: true, evaluations: 30_000 });
  // Going on, the first one finds its result there already; then it ends in the middle of another run.
  first.kill('SIGCONT');
  const other = cluster.submit(sumWork, makePlan({ ...plan, seed: 12 }), { audit: 0.1 });
  for await (const { done } of other) if (done >= 10) first.kill('SIGKILL');
  expect(await other.result()).toMatchObject({ shards: 30, complete: true });
  expect(tasks.failure()).toBeUndefined();
  expect(second.exitCode).toBeNull();
  // What the dead one had under its hand may be left beside them.
  const names = readdirSync(join(directory, run.id, 'res')).filter((name) => name.endsWith('.ens'));
  expect(names).toHaveLength(30);
  expect((await cluster.submit(sumWork, plan).result()).value).toEqual(result.value);
});
