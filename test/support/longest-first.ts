import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * Files that take a minute or so on one processor, whatever their size. Without the times of an earlier run vitest begins with
 * the largest files: these few lines would come last, and the other processor would wait for them.
 */
const LONG = [
  'test/examples/examples.slow.test.ts',
  'test/docs.slow.test.ts',
  'test/smc/smoothing/reference.slow.test.ts',
  'test/smc/mcmc/parameter-inference.slow.test.ts',
  'test/corrector/corrector.slow.test.ts',
  'test/smc/filter/kalman.slow.test.ts',
];

/** The order of vitest, project after project, with the long files of each before the others. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const projects = [...new Set(sorted.map(({ project }) => project.name))];
    const long = (file: TestSpecification): boolean => LONG.some((path) => file.moduleId.endsWith(path));
    return projects.flatMap((name) => {
      const own = sorted.filter(({ project }) => project.name === name);
      return [...own.filter(long), ...own.filter((file) => !long(file))];
    });
  }
}
