// The foreign code behind user kernels: the parser (acorn), the translator into WGSL, and the whole of gpu.js for its backends
// on the processor.
import { createRequire } from 'node:module';
import { bundleForeign } from '../../bundle-foreign.mjs';

const require = createRequire(import.meta.url);

await bundleForeign({
  folder: 'engine/backend',
  parts: ['parser', 'translator', 'gpu-js'],
  options: {
    platform: 'neutral',
    mainFields: ['main'],
    // One copy of the parser for all parts; the optional native WebGL is never there.
    alias: { acorn: require.resolve('acorn/package.json').replace(/package\.json$/, 'dist/acorn.mjs') },
    external: ['gl', 'os', 'worker_threads'],
  },
});
