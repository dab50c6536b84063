import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { files } from '../../engine/cluster/files.ts';
import { localCluster } from '../../engine/cluster/local.ts';
import { makePlan } from '../../engine/cluster/plan.ts';
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

test('files(): two processes race, one is killed -9 in the middle, and the bits are those of one machine', async () => {
  const plan = makePlan({
    work: 'test-sums',
    options: { slow: 25 },
    seed: 11,
    shards: { kind: 'range', n: 60_000, size: 1024 },
  });
  const alone = localCluster(
    { threads: 0, works: new URL('../support/cluster-works.ts', import.meta.url).href },
    { entry: '', works },
  );
  const expected = await alone.submit(sumWork, { ...plan, options: {} }).result();
  await alone.close();
  const directory = folder();
  const cluster = files(directory, { poll: 20 });
  const [first] = await Promise.all([worker(directory), worker(directory)]);
  const run = cluster.submit(sumWork, plan);
  let killed = false;
  let most = 0;
  for await (const { done, workers } of run) {
    most = Math.max(most, workers);
    if (done < 15 || killed) continue;
    killed = true;
    first.kill('SIGKILL');
  }
  const result = await run.result();
  expect(killed).toBe(true);
  expect(most).toBe(2);
  expect([...result.value.sums]).toEqual([...expected.value.sums]);
  expect(result).toMatchObject({ shards: 59, complete: true, evaluations: 60_000 });
  expect(readdirSync(join(directory, run.id, 'res'))).toHaveLength(59);
  // Nothing half-written is left but what the dead one had under its hand.
  expect((await cluster.submit(sumWork, plan).result()).value).toEqual(result.value);
});
