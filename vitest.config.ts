import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { skippedGpuReporter } from './test/support/gpu-reporter.ts';
import { LongestFirst } from './test/support/longest-first.ts';
import { useSoftwareDriver } from './test/support/software-driver.ts';

useSoftwareDriver();

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

// Slow suites (coverage of intervals over 1000 runs, the command line, examples) are named *.slow.test.ts.
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

export default defineConfig({
  test: {
    testTimeout: 60_000,
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    reporters: ['default', skippedGpuReporter()],
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
        // Examples are those of a user of the built package: threads of one that runs on the source transpile all of it.
        ...entries('./dist', 'js'),
        test: {
          name: 'slow',
          include: ['test/**/*.slow.test.ts'],
          testTimeout: 300_000,
          isolate: false,
          server: { deps: { external: [/\/dist\/(engine|estimators)\//] } },
        },
      },
    ],
  },
});
