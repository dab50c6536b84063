import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';

const root = new URL('../../', import.meta.url);

test('hostBackend(): a script that used workers ends by itself, and not before its answer is there', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ensample-exit-'));
  const model = join(folder, 'model.mjs');
  writeFileSync(
    model,
    'export default async ({ a }) => { await new Promise((go) => setTimeout(go, 20)); return 2 * a; };',
  );
  const script = `
    import { hostBackend } from ${JSON.stringify(new URL('engine/index.ts', root).href)};
    const backend = await hostBackend({ threads: 2 });
    const arena = backend.arena();
    const x = arena.f64(10).fill(4), out = arena.f64(10), z = arena.f64(2e5);
    await backend.dispatch('normal', [z, 1, 1, 0, 0, 0, 0], z.length, 1000);
    const task = { url: ${JSON.stringify(pathToFileURL(model).href)}, exportName: 'default', names: ['a'], outputs: 1 };
    await backend.evaluateModule(task, x, 10, out, new AbortController().signal);
    await backend.dispatch('normal', [z, 1, 1, 0, 0, 0, 0], z.length, 1000);
    console.log(out.join(' '));
  `;
  const file = join(folder, 'main.mts');
  writeFileSync(file, script);
  const tsx = new URL('node_modules/tsx/dist/loader.mjs', root).href;
  const { stdout, stderr, status, signal } = spawnSync(process.execPath, ['--import', tsx, file], {
    encoding: 'utf8',
    timeout: 30_000,
  });
  rmSync(folder, { recursive: true });
  expect({ stdout: stdout.trim(), stderr, status, signal }).toEqual({
    stdout: Array(10).fill(8).join(' '),
    stderr: '',
    status: 0,
    signal: null,
  });
});
