import {
  checkCount,
  checkFlag,
  checkNumber,
  checkOptionNames,
  MOST_BYTES,
  spaced,
} from '../../engine/check.ts';
import { checkIntegrator, chosenGrid, evenGrid } from '../../engine/diffusion/check-grid.ts';
import type { Denoiser } from '../../engine/diffusion/denoiser.ts';
import type { Grid } from '../../engine/diffusion/grid.ts';
import { checkDenoiser, describeDenoiser } from '../../engine/diffusion/open-denoiser.ts';
import { dpmSolverPlusPlus } from '../../engine/diffusion/solver/dpm-solver.ts';
import { finalDenoise } from '../../engine/diffusion/solver/ends.ts';
import type { Integrator, SolverProgram } from '../../engine/diffusion/solver/program.ts';
import { type Teleport, teleport } from '../../engine/diffusion/solver/teleport.ts';
import { digest } from '../../engine/digest.ts';
import { OptionError, ShapeError } from '../../engine/errors.ts';
import type { Warning } from '../../engine/types.ts';
import type { ReverseDiffusionOptions } from './reverse-types.ts';

export const WHERE = 'reverseDiffusion';

/** Checked options with their defaults. */
export interface ReversePlan {
  readonly denoiser: Denoiser;
  readonly integrator: Integrator;
  readonly grid: Grid;
  readonly particles: number;
  readonly start: Float64Array | undefined;
  readonly teleport: { readonly jump: Teleport; readonly tolerance: number } | undefined;
  readonly warnings: readonly Warning[];
  readonly fingerprint: string;
}

const OPTIONS: Readonly<Record<keyof ReverseDiffusionOptions, true>> = {
  denoiser: true,
  integrator: true,
  steps: true,
  grid: true,
  particles: true,
  start: true,
  denoise: true,
  teleport: true,
};

/** @throws OptionError or ShapeError for the first option that cannot be used. */
export function checkReverse(options: ReverseDiffusionOptions): ReversePlan {
  checkOptionNames(WHERE, options, Object.keys(OPTIONS));
  const { denoiser, start, denoise = false } = options;
  checkDenoiser(WHERE, 'denoiser', denoiser, true);
  checkFlag(WHERE, 'denoise', denoise);
  const { integrator: asked = dpmSolverPlusPlus() } = options;
  checkIntegrator(WHERE, asked);
  const integrator = denoise ? finalDenoise(asked) : asked;
  const { schedule } = denoiser;
  const grid = chosenGrid(WHERE, options, {
    schedule,
    owner: 'the denoiser',
    steps: 50,
    make: (steps) => evenGrid(schedule, steps),
  });
  const particles = checkParticles(options, denoiser.dimension);
  const { ofRows = particles } = denoiser;
  checkNumber(
    WHERE,
    'particles',
    particles,
    (n) => n === ofRows,
    `${ofRows}, as many as the denoiser has conditions`,
  );
  const program = integrator.program(grid);
  checkMemory(program, particles, denoiser.dimension);
  const plan = {
    denoiser,
    integrator,
    grid,
    particles,
    start: start === undefined ? undefined : Float64Array.from(start),
    teleport: checkTeleport(options, grid),
    warnings: [
      ...(start === undefined ? startWarnings(denoiser, grid) : []),
      ...langevinWarnings(program, denoiser.dimension),
    ],
  };
  return { ...plan, fingerprint: fingerprintOf(plan, program, options) };
}

function checkParticles({ particles, start, denoiser }: ReverseDiffusionOptions, d: number): number {
  const usual = denoiser.ofRows ?? 4096;
  if (start === undefined)
    return checkCount(WHERE, 'particles', particles ?? usual, { min: 1, max: 2 ** 30 });
  const rows = start.length / d;
  if (!(rows >= 1) || !Number.isInteger(rows)) {
    const found = `\`start\` has ${start.length} numbers`;
    throw new ShapeError({ where: WHERE, found, expected: `rows of ${d}` });
  }
  const wrong = Array.prototype.findIndex.call(start, (x: number) => !Number.isFinite(x));
  if (wrong >= 0) {
    throw new OptionError({
      where: WHERE,
      option: 'start',
      value: start[wrong],
      found: `\`start\` is ${start[wrong]} in row ${Math.floor(wrong / d)}`,
      expected: 'finite numbers',
    });
  }
  if (particles !== undefined && particles !== rows) {
    throw new OptionError({
      where: WHERE,
      option: 'particles',
      value: particles,
      found: `\`particles\` is ${particles} and \`start\` has ${rows} rows`,
      expected: 'one of them',
    });
  }
  return rows;
}

function checkTeleport(
  { teleport: asked, denoiser }: ReverseDiffusionOptions,
  grid: Grid,
): ReversePlan['teleport'] {
  if (asked === undefined) return undefined;
  checkOptionNames(`${WHERE}: teleport`, asked, ['moments', 'tolerance']);
  const { moments, tolerance = 1e-3 } = asked;
  checkNumber(WHERE, 'teleport.tolerance', tolerance, (x) => x > 0 && x < 1, 'a number in (0, 1)');
  const jump = teleport(moments);
  if (jump.dimension !== denoiser.dimension) {
    throw new ShapeError({
      where: WHERE,
      found: `\`teleport.moments\` are of ${jump.dimension} numbers`,
      expected: `${denoiser.dimension}, as the denoiser`,
    });
  }
  if (grid.points[0]!.signal > 0) return { jump, tolerance };
  throw new OptionError({
    where: WHERE,
    option: 'teleport',
    value: asked,
    found: 'the grid begins where nothing of the data is left',
    expected: 'a first time with some signal, to jump from',
    fix: 'Give a grid that begins a little later.',
  });
}

/** Registers, normals and the answer. @throws OptionError naming the memory when it is too much. */
function checkMemory({ states, values }: SolverProgram, particles: number, d: number): void {
  const each = 8 * d * (states + values + 3);
  if (particles * each <= MOST_BYTES) return;
  const gibibytes = spaced(Number(((particles * each) / 2 ** 30).toPrecision(3)));
  throw new OptionError({
    where: WHERE,
    option: 'particles',
    value: particles,
    found: `${spaced(particles)} particles of ${d} numbers need ${gibibytes} GiB`,
    expected: `at most ${MOST_BYTES / 2 ** 30} GiB`,
    fix: `Try particles: ${spaced(Math.max(1, Math.floor(MOST_BYTES / each)))}.`,
  });
}

/** Mean squares of what is left of the data, in units of the noise, above which a start from noise alone is not right. */
const MOST_SIGNAL = 0.01;

function startWarnings({ moments }: Denoiser, { points }: Grid): readonly Warning[] {
  const { signal, noise, time } = points[0]!;
  const share = (signal / noise) ** 2 * (moments?.secondMoment ?? 1);
  if (!(share > MOST_SIGNAL)) return [];
  return [
    {
      code: 'start-not-noise',
      message: `At time ${Number(time.toPrecision(4))}, where the grid begins, the data have ${share.toPrecision(2)} of the variance of the noise (warned above ${MOST_SIGNAL}), and the start was drawn from the noise alone. Begin later, or pass \`start\`.`,
      value: share,
      threshold: MOST_SIGNAL,
    },
  ];
}

/** Dimensions below which the length of a Langevin move, which goes with 1 / |score|^2, has no mean or a large one. */
const FEW_DIMENSIONS = 20;

function langevinWarnings({ steps }: SolverProgram, d: number): readonly Warning[] {
  if (d >= FEW_DIMENSIONS || !steps.flat().some(({ kind }) => kind === 'langevin')) return [];
  return [
    {
      code: 'moves-too-long',
      message: `The Langevin moves of this solver go with 1 / |score|^2, which in ${d} dimension${d === 1 ? '' : 's'} is now and then so large that the sample is too wide (warned below ${FEW_DIMENSIONS}), however many steps there are. Use another solver, such as ddpm().`,
      value: d,
      threshold: FEW_DIMENSIONS,
    },
  ];
}

function fingerprintOf(
  { denoiser, integrator, grid, particles, start, teleport: jump }: Omit<ReversePlan, 'fingerprint'>,
  program: SolverProgram,
  options: ReverseDiffusionOptions,
): string {
  const who = describeDenoiser(denoiser);
  const how = [integrator.name, grid.points.map(({ time }) => time), program.steps];
  const moments = jump === undefined ? null : [options.teleport!.moments, jump.tolerance];
  return digest(
    JSON.stringify([WHERE, who, how, particles, start === undefined ? null : [...start], moments]),
  );
}
