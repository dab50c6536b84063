import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { describeGpu } from '../support/gpu.ts';

const root = new URL('../../', import.meta.url);

interface Ended {
  readonly stdout: string;
  readonly stderr: string;
  readonly status: number | null;
  readonly signal: string | null;
}

/** Runs a script as a user would, with `engine/...` imported from here, and waits for its end. */
function ended(folder: string, script: string): Ended {
  const file = join(folder, 'main.mts');
  writeFileSync(file, script.replaceAll("'engine/", `'${new URL('engine/', root).href}`));
  const tsx = new URL('node_modules/tsx/dist/loader.mjs', root).href;
  const { stdout, stderr, status, signal } = spawnSync(process.execPath, ['--import', tsx, file], {
    encoding: 'utf8',
    timeout: 30_000,
  });
  return { stdout: stdout.trim(), stderr, status, signal };
}

function inFolder<T>(work: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'ensample-exit-'));
  try {
    return work(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const well = (stdout: string): Ended => ({ stdout, stderr: '', status: 0, signal: null });

test('hostBackend(): a script that used workers ends by itself, and not before its answer is there', () =>
  inFolder((folder) => {
    const model = join(folder, 'model.mjs');
    writeFileSync(
      model,
      'export default async ({ a }) => { await new Promise((go) => setTimeout(go, 20)); return 2 * a; };',
    );
    const script = `
    import { hostBackend } from 'engine/index.ts';
    const backend = await hostBackend({ threads: 2 });
    const arena = backend.arena();
    const x = arena.f64(10).fill(4), out = arena.f64(10), z = arena.f64(2e5);
    await backend.dispatch('normal', [z, 1, 1, 0, 0, 0, 0], z.length, 1000);
    const task = { url: ${JSON.stringify(pathToFileURL(model).href)}, exportName: 'default', names: ['a'], outputs: 1 };
    await backend.evaluateModule(task, x, 10, out, new AbortController().signal);
    await backend.dispatch('normal', [z, 1, 1, 0, 0, 0, 0], z.length, 1000);
    console.log(out.join(' '));
  `;
    expect(ended(folder, script)).toEqual(well(Array(10).fill(8).join(' ')));
  }));

test('defaultBackend(): a script without a gpuKernel never loads the driver of a card', () =>
  inFolder((folder) => {
    const script = `
    import { defaultBackend, run, monteCarlo, named, uniform } from '${new URL('estimators/index.ts', root).href}';
    const backend = await defaultBackend();
    const method = monteCarlo({ model: named(({ x }) => x), inputs: { x: uniform(0, 1) }, points: 64 });
    const { provenance } = await run(method, { seed: 1, backend });
    const card = await backend.card(64);
    const driver = process.report.getReport().sharedObjects.filter((name) => /dawn|vulkan/.test(name));
    console.log(provenance.precision, card.gpu, driver.length);
  `;
    expect(ended(folder, script)).toEqual(well('float64 undefined 0'));
  }));

describeGpu('a script that opened a card', () => {
  const use = `
    const square = { name: 'square', buffers: { x: 'write f32' }, params: {}, per: 'item', code: 'fn item(i: u32) { x[i] = f32(i * i); }' };
    const use = async (gpu) => {
      const x = gpu.arena().f32(300);
      gpu.run(square, { x }, {}, 300);
      return (await gpu.read(x, 299))[0];
    };`;

  test('and gave it back ends by itself', () =>
    inFolder((folder) => {
      const script = `
    import { openGpu } from 'engine/backend/gpu.ts';
    ${use}
    const gpu = await openGpu({ allowSoftware: true });
    console.log(await use(gpu));
    gpu.dispose();
  `;
      expect(ended(folder, script)).toEqual(well('89401'));
    }));

  test("which 'auto' shares ends by itself, although nobody gives it back", () =>
    inFolder((folder) => {
      const script = `
    import { autoCard } from 'engine/backend/auto-card.ts';
    import { openGpu } from 'engine/backend/gpu.ts';
    ${use}
    const card = autoCard(() => openGpu({ allowSoftware: true }));
    console.log(await use((await card(2 ** 30)).gpu));
  `;
      expect(ended(folder, script)).toEqual(well('89401'));
    }));
});
