import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { skippedGpuReporter } from './test/support/gpu-reporter.ts';
import { LongestFirst } from './test/support/longest-first.ts';
import { useSoftwareDriver } from './test/support/software-driver.ts';

useSoftwareDriver();

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
/** Node loads built modules itself. */
const BUILT = { deps: { external: [/\/dist\/(engine|estimators)\//] } };
const EXAMPLES = 'test/examples/examples.slow.test.ts';

/** What tests and examples import by name: the source ('.', 'ts') or the built package ('./dist', 'js'). */
const entries = (
  folder: string,
  ending: string,
): { resolve: { alias: { find: RegExp; replacement: string }[] } } => ({
  resolve: {
    alias: [
      { find: /^ensample\/engine$/, replacement: at(`${folder}/engine/index.${ending}`) },
      { find: /^ensample\/cluster$/, replacement: at(`${folder}/estimators/cluster.${ending}`) },
      { find: /^ensample$/, replacement: at(`${folder}/estimators/index.${ending}`) },
    ],
  },
});

// Slow suites (coverage of intervals over 1000 runs, the command line, examples) are named *.slow.test.ts.
export default defineConfig({
  test: {
    testTimeout: 60_000,
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    reporters: ['default', skippedGpuReporter()],
    // What a project has transformed serves the next one, and the next run: kept by content.
    experimental: { fsModuleCache: true },
    projects: [
      {
        ...entries('.', 'ts'),
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
        ...entries('.', 'ts'),
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
        ...entries('./dist', 'js'),
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
