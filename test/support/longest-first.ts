import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * Files that take six seconds or more of a processor, or wait as long, whatever their size, the longest first. Without the times of an earlier run vitest begins
 * with the largest files: these, of few lines, would come last, and the other processor would wait for them.
 */
const LONG = [
  'examples/examples',
  'browser/playground',
  'browser/playground-use',
  'smc/smoothing/reference',
  'docs',
  'corrector/corrector',
  'cli/report',
  'smc/mcmc/parameter-inference',
  'smc/filter/kalman',
  'cluster/chaos',
  'backend/gpu/memory',
  'sensitivity/card',
  'smc/mcmc/path-law',
  'importance/applications',
  'smc/samplers/calibration',
  'sensitivity/truth',
  'importance/expectations/adaptation',
  'cluster/cli',
  'tree/tree-law',
  'examples/figures',
  'cluster/bits',
  'smc/rare/rare',
  'tree/problems',
  'smc/single-run-variance',
  'cluster/full',
  'cluster/bullmq',
  'cli/interrupt',
  'denoising/denoising-mcmc',
  'particles/resampling',
  'backend/kernel/programs',
  'smc/samplers/unbiased',
  'particles/card-particles',
  'cli/command',
  'corrector/steering/steering',
  'corrector/card',
  'backend/wgsl/scan',
  'cluster/batch',
  'cli/expect',
  'backend/kernel/transforms',
  'cli/kernel',
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
