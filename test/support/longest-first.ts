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

/** The order of vitest, the fast project first, then the long files of the others before the rest. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    // Files of a project share a process: each change of project costs one.
    const place = ({ moduleId, project }: TestSpecification): number => {
      if (project.name === 'fast') return -1;
      const long = LONG.findIndex((path) => moduleId.endsWith(path));
      return long < 0 ? LONG.length : long;
    };
    return sorted
      .map((file) => ({ file, at: place(file) }))
      .sort((a, b) => a.at - b.at)
      .map(({ file }) => file);
  }
}
