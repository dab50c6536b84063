/** How good correctors and solvers are: figures that are no times, as rows of a table. */
import {
  type Backend,
  type CorrectorControl,
  type CorrectorOptions,
  corrector,
  DETERMINISTIC_INTEGRATORS,
  importanceAtEnd,
  logSnrGrid,
  mixtureDenoiser,
  normalizedWeight,
  referenceFlow,
  reverseDiffusion,
  rngFromSeed,
  run,
  type Sample,
  STOCHASTIC_INTEGRATORS,
  steering,
  twisted,
  vpLinear,
} from 'ensample';
import { meanBias } from './diffusion-bias.ts';
import {
  cellVariation,
  type DiffusionCase,
  fortyModes,
  hardTilt,
  line,
  plane,
  twoModes,
} from './diffusion-cases.ts';

const SEED = 7;

export interface Row {
  readonly what: string;
  readonly found: string;
  readonly goal: string;
}

const deviation = (values: ArrayLike<number>): number => {
  const mean = Array.from(values).reduce((sum, v) => sum + v / values.length, 0);
  return Math.sqrt(Array.from(values).reduce((sum, v) => sum + (v - mean) ** 2, 0) / (values.length - 1));
};

/** Run-to-run deviation of log Z beside its exact value. */
async function spreads(
  problem: DiffusionCase,
  control: CorrectorControl,
  options: CorrectorOptions,
  backend: Backend,
  goal: string,
): Promise<Row> {
  const { runs } = await run(corrector({ ...options, control }), { seed: SEED, backend });
  const mean = runs.logNormalizer.reduce((sum, v) => sum + v / runs.logNormalizer.length, 0);
  const found = `log Z ${mean.toFixed(3)} (exact ${problem.exact.logNormalizer.toFixed(3)}), sd ${deviation(runs.logNormalizer).toFixed(3)}`;
  return { what: `${problem.name}, control ${control}`, found, goal };
}

/** log Z on the line and in many dimensions. */
export async function logNormalizers(toy: boolean, backend: Backend): Promise<readonly Row[]> {
  const rows: Row[] = [];
  const size = toy ? { particles: 64, steps: 20, runs: 3 } : { particles: 4096, steps: 400, runs: 16 };
  const one = line();
  for (const [control, goal] of [['none', ''] as const, ['linear', 'sd <= 0.02'] as const])
    rows.push(await spreads(one, control, { ...size, target: one.target }, backend, goal));
  for (const d of toy ? [3] : [10, 30]) {
    const many = twoModes(d);
    const own = { ...size, ...(toy ? {} : { particles: 2048, runs: 8 }), target: many.target };
    for (const [control, goal] of [['none', ''] as const, ['affine', 'sd <= 0.2'] as const])
      rows.push(await spreads(many, control, own, backend, goal));
  }
  return rows;
}

/** Masses of forty modes, of runs one after the other: mean and deviation of their cell variation. */
export async function cellMasses(toy: boolean, backend: Backend): Promise<readonly Row[]> {
  const { target, cells, name } = fortyModes();
  const size = toy ? { particles: 100, steps: 20 } : { particles: 10_000, steps: 1000 };
  const rows: Row[] = [];
  for (const [what, options, runs, goal] of [
    ['unweighted', { weights: 'none' }, 2, '>= 3 times the corrected one'],
    ['no control', { control: 'none' }, 8, ''],
    ['no control, resampled below 0.8', { control: 'none', resample: { ess: 0.8 } }, 8, ''],
    ['affine control', { control: 'affine' }, 8, '<= 0.13'],
  ] as const) {
    const off: number[] = [];
    for (let r = 0; r < (toy ? 2 : runs); r++) {
      const { sample } = await run(corrector({ ...size, ...options, target }), { seed: SEED + r, backend });
      off.push(cellVariation(cells, sample.points, normalizedWeight(sample.logWeight)));
    }
    const mean = off.reduce((sum, each) => sum + each / off.length, 0);
    const found = `cell variation ${mean.toFixed(3)}, sd ${deviation(off).toFixed(3)} of ${off.length} runs`;
    rows.push({ what: `${name}, ${what}`, found, goal });
  }
  return rows;
}

/** [runs] root mean square error over coordinates of the mean of each run. */
function meanErrors({ points, shape, logWeight }: Sample, runs: number, exact: Float64Array): number[] {
  const [n, d] = [shape[0] / runs, shape[1]];
  return Array.from({ length: runs }, (_, r) => {
    const weight = normalizedWeight(logWeight.slice(r * n, (r + 1) * n));
    let squares = 0;
    for (let c = 0; c < d; c++) {
      let mean = 0;
      for (let i = 0; i < n; i++) mean += weight[i]! * points[(r * n + i) * d + c]!;
      squares += (mean - exact[c]!) ** 2;
    }
    return Math.sqrt(squares / d);
  });
}

/** The hard tilt, beside the methods without correctors. */
export async function hardTilts(toy: boolean, backend: Backend): Promise<readonly Row[]> {
  const { denoiser, target, exact, wanted, name } = hardTilt();
  const size = toy ? { particles: 64, steps: 10, runs: 2 } : { particles: 2048, steps: 200, runs: 16 };
  const chain = { ...size, denoiser, reward: wanted };
  const methods = [
    ['no control', corrector({ ...size, target, control: 'none' }), 'rms <= 0.02'],
    ['affine control', corrector({ ...size, target, control: 'affine' }), 'rms <= 0.01'],
    ['guidance alone', corrector({ ...size, target, weights: 'none' }), ''],
    ['importance at the end', importanceAtEnd(chain), ''],
    ['steering', steering(chain), ''],
    ['twisted', twisted(chain), ''],
  ] as const;
  const rows: Row[] = [];
  for (const [what, method, goal] of methods) {
    // The compiler cannot see that each method goes with its own state.
    const { sample, logNormalizer } = await run(method as ReturnType<typeof steering>, {
      ...{ seed: SEED, backend },
    });
    const errors = meanErrors(sample, size.runs, exact.mean);
    const rms = Math.sqrt(errors.reduce((sum, error) => sum + error ** 2 / size.runs, 0));
    const range = [Math.min(...errors), Math.max(...errors)].map((error) => error.toFixed(3));
    const logZ = `log Z ${logNormalizer.value.toFixed(3)} (exact ${exact.logNormalizer.toFixed(3)})`;
    const found = `rms ${rms.toFixed(4)} (runs ${range.join(' to ')}), ${logZ}`;
    rows.push({ what: `${name}, ${what}`, found, goal });
  }
  return rows;
}

const LADDER = [3, 4, 5, 6, 8, 10, 12, 15, 18, 21, 24, 30, 36, 42, 48, 60, 72, 96, 120, 192, 300, 480];

/** Evaluations of a particle from which on the mean of a mixture is right to 1e-3, from points of the law at the noisiest time. */
export async function evaluations(toy: boolean, backend: Backend): Promise<readonly Row[]> {
  const schedule = vpLinear();
  const { mixture } = plane().denoiser;
  const denoiser = mixtureDenoiser(mixture!, schedule);
  const times = { start: 1, stop: 1e-3 };
  const particles = toy ? 32 : 2048;
  const stream = rngFromSeed(SEED).stream({ purpose: 32 });
  const start = Float64Array.from({ length: 2 * particles }, () => schedule.noise(1) * stream.normal());
  const { start: from, stop: to } = times;
  const exact = meanOf(await referenceFlow({ denoiser, x: start, from, to, backend }));
  const rows: Row[] = [];
  const ladder = toy ? LADDER.slice(0, 4) : LADDER;
  for (const [what, make] of Object.entries(DETERMINISTIC_INTEGRATORS)) {
    let found = `over ${ladder.at(-1)} steps`;
    // From the finest grid on: on a coarse one the mean may be right by chance.
    for (const steps of ladder.toReversed()) {
      const grid = logSnrGrid(schedule, { steps, ...times });
      const method = reverseDiffusion({ denoiser, integrator: make(), grid, start, particles });
      const { sample, diagnostics } = await run(method, { seed: SEED, backend });
      const off = meanOf(sample.points).map((mean, c) => Math.abs(mean - exact[c]!));
      if (Math.max(...off) >= 1e-3) break;
      found = `${diagnostics.evaluations / particles} evaluations`;
    }
    rows.push({ what: `mean right to 1e-3, ${what}`, found, goal: '' });
  }
  return rows;
}

/**
 * The same of solvers with noise, on the line and from its law at the noisiest time: the bias of the mean is known without drawing,
 * so that it is not the noise that is counted. Fewest steps of the ladder that are enough, and so are the next.
 */
export async function noisyEvaluations(toy: boolean, backend: Backend): Promise<readonly Row[]> {
  const { denoiser } = line();
  const mean = denoiser.moments!.mean[0]!;
  const ladder = toy ? LADDER.slice(0, 4) : [...LADDER, 600, 960, 1920, 3840];
  const rows: Row[] = [];
  for (const [what, make] of Object.entries(STOCHASTIC_INTEGRATORS)) {
    let [found, enough] = ['', false];
    for (const steps of what === 'predictor-corrector' ? [] : ladder) {
      const grid = logSnrGrid(denoiser.schedule, { steps, start: 1, stop: 1e-3 });
      const { bias, evaluations } = await meanBias({ integrator: make(), denoiser, grid, mean, backend });
      const right = Math.abs(bias) < 1e-3;
      if (right && enough) break;
      found = right ? `${evaluations} evaluations` : `over ${steps} steps: ${bias.toExponential(1)} there`;
      enough = right;
    }
    // Its moves go with 1 / |score|^2, which is infinite between two modes.
    if (found === '') found = 'no mean in one dimension';
    rows.push({ what: `mean on the line right to 1e-3, ${what}`, found, goal: '' });
  }
  return rows;
}

function meanOf(points: Float64Array): number[] {
  const n = points.length / 2;
  const sums = [0, 0];
  points.forEach((value, at) => {
    sums[at % 2]! += value / n;
  });
  return sums;
}
