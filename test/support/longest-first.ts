import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * Files that take ten seconds or more, whatever their size, the longest first. Without the times of an earlier run vitest begins
 * with the largest files: these, of few lines, would come last, and the other processor would wait for them.
 */
const LONG = [
  'examples/examples',
  'docs',
  'browser/playground',
  'smc/mcmc/path-law',
  'smc/smoothing/reference',
  'smc/mcmc/parameter-inference',
  'sensitivity/truth',
  'cli/interrupt',
  'smc/filter/kalman',
  'importance/expectations/adaptation',
  'corrector/corrector',
  'smc/rare/rare',
  'smc/samplers/calibration',
  'importance/applications',
  'backend/kernel/programs',
  'cli/kernel',
  'tree/problems',
  'particles/card-particles',
  'smc/single-run-variance',
  'denoising/denoising-mcmc',
  'backend/kernel/transforms',
  'cli/serve',
  'cluster/batch',
  'tree/forest',
  'particles/resampling',
  'backend/gpu/memory',
].map((name) => `/test/${name}.slow.test.ts`);

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
