import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { expect, test } from 'vitest';

/** Files and packages that `entry` loads at once: what it imports, and what that imports, but for `import(...)`. */
async function loadedBy(entry: string): Promise<readonly string[]> {
  const { metafile } = await build({
    entryPoints: [fileURLToPath(new URL(`../../${entry}`, import.meta.url))],
    absWorkingDir: fileURLToPath(new URL('../../', import.meta.url)),
    bundle: true,
    write: false,
    metafile: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
  });
  const seen = new Set([entry]);
  for (const path of seen) {
    for (const { path: next, kind } of metafile.inputs[path]?.imports ?? [])
      if (kind !== 'dynamic-import') seen.add(next);
  }
  return [...seen];
}

test('ensample --version and a run on the processor load neither the translator of kernels nor a driver', async () => {
  for (const entry of ['cli/main.ts', 'engine/index.ts', 'estimators/index.ts']) {
    const loaded = await loadedBy(entry);
    expect(loaded).toContain('engine/backend/gpu/adapter.ts');
    expect(loaded.filter((path) => /gpu-js|gpu\.js|translator|^webgpu/.test(path))).toEqual([]);
    // The parser is there at once, because a kernel is checked when it is made: that part alone, and what it is made of.
    const foreign = loaded.filter((path) => path.startsWith('engine/backend/generated/'));
    expect(foreign.map((path) => path.replace(/^.*\/|-\w+(?=\.mjs)/g, '')).sort()).toEqual([
      'parser.mjs',
      'shared.mjs',
    ]);
  }
});
