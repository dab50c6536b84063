// The foreign code of the command: charts (Observable Plot on linkedom's DOM) and the reader of tables.
import { bundleForeign } from '../../engine/bundle-foreign.mjs';

await bundleForeign({
  folder: 'cli',
  parts: ['charts', 'tables'],
  options: { platform: 'node', mainFields: ['module', 'main'], external: ['canvas'] },
});
