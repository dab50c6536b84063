import type { Reporter } from 'vitest/node';

/** What `describeGpu` puts into the title of a suite that it skips. */
export const SKIPPED = { from: '[no GPU: ', to: ']' } as const;

/** At the end of a run: says once which GPU suites were skipped, why, and what would enable them. */
export function skippedGpuReporter(): Reporter {
  return {
    onTestRunEnd(modules) {
      const titles = modules.flatMap(({ children }) =>
        Array.from(children.allSuites(), ({ name }) => name).filter((name) => name.includes(SKIPPED.from)),
      );
      const [first] = titles;
      if (first === undefined) return;
      const reason = first.slice(first.indexOf(SKIPPED.from) + SKIPPED.from.length, -SKIPPED.to.length);
      const suites = titles.length === 1 ? '1 GPU suite was' : `${titles.length} GPU suites were`;
      console.log(`\n${suites} SKIPPED: ${reason}\n`);
    },
  };
}
