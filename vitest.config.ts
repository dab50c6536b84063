import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { skippedGpuReporter } from './test/support/gpu-reporter.ts';
import { LongestFirst } from './test/support/longest-first.ts';
import { useSoftwareDriver } from './test/support/software-driver.ts';

useSoftwareDriver();

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
/** Node loads built modules itself. */
const BUILT = { deps: { external: [/\/dist\/(engine|estimators|node)\//] } };
const EXAMPLES = 'test/examples/examples.slow.test.ts';

/** What tests and examples import by name: 'ensample/engine', 'ensample/cluster', 'ensample'. */
const entries = (
  ...files: readonly [engine: string, cluster: string, all: string]
): { resolve: { alias: { find: RegExp; replacement: string }[] } } => ({
  resolve: {
    alias: [/^ensample\/engine$/, /^ensample\/cluster$/, /^ensample$/].map((find, i) => ({
      ...{ find, replacement: at(files[i]!) },
    })),
  },
});
const SOURCE = entries('./engine/index.ts', './estimators/cluster.ts', './estimators/index.ts');
const PACKAGE = entries('./dist/node/engine.js', './dist/node/cluster.js', './dist/node/index.js');

// Slow suites (coverage of intervals over 1000 runs, the command line, examples) are named *.slow.test.ts.
export default defineConfig({
  test: {
    testTimeout: 60_000,
    // One more than processors: tests of browsers and clusters wait half of their time.
    maxWorkers: 3,
    sequence: { sequencer: LongestFirst },
    reporters: ['default', skippedGpuReporter()],
    // What a project has transformed serves the next one, and the next run: kept by content.
    experimental: { fsModuleCache: true },
    projects: [
      {
        ...SOURCE,
        test: {
          name: 'fast',
          include: ['test/**/*.test.ts'],
          exclude: ['test/**/*.slow.test.ts'],
          testTimeout: 60_000,
          // Files share their process and what they import: half of the time. A file that changes what others see (a
          // global that modules look at when they load) takes modules of its own.
          isolate: false,
        },
      },
      {
        ...SOURCE,
        test: {
          name: 'slow',
          include: ['test/**/*.slow.test.ts'],
          exclude: [EXAMPLES],
          testTimeout: 300_000,
          isolate: false,
          server: BUILT,
        },
      },
      {
        // On the built package, as a user has it: each thread of an example that runs on the source would transpile all of it.
        ...PACKAGE,
        test: {
          name: 'examples',
          include: [EXAMPLES],
          testTimeout: 300_000,
          isolate: false,
          server: BUILT,
        },
      },
    ],
  },
});
