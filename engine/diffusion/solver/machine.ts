import type { Arena } from '../../array/arena.ts';
import type { Backend } from '../../backend/backend.ts';
import { OptionError } from '../../errors.ts';
import { PURPOSE } from '../../random/purpose.ts';
import { channel, type Rng } from '../../random/rng.ts';
import type { Turn } from '../../turn.ts';
import type { KernelArgs } from '../../wasm/kernels.ts';
import { combineRows } from '../../wasm/twins/combine.ts';
import type { OpenDenoiser, Times } from '../denoiser.ts';
import type { PlannedOperation } from './plan.ts';
import type { Integrator } from './program.ts';
import { type Register, registerName } from './registers.ts';

/** Standard normals of the `draw`-th draw of a step, counted from 0, into `out` [n, d]. */
export type NoiseSupply = (step: number, draw: number, out: Float64Array) => void | Promise<void>;

/** What the operations work on. Arrays are of `arena`, or of its backend. */
export interface Machine {
  readonly setting: MachineSetting;
  readonly arena: Arena;
  readonly turn: Turn;
  readonly n: number;
  readonly d: number;
  readonly registers: Map<string, Float64Array>;
  /** [n] the group of each particle, where there are several. */
  readonly grouped: boolean;
  group: Uint32Array;
  /** [n] times of the rows, where there are several groups. */
  readonly times: Float64Array;
  /** Made when they are first needed: z and the score of a Langevin move [n, d], times that depend on the particles [n]. */
  normals: Float64Array | undefined;
  score: Float64Array | undefined;
  chosen: Float64Array | undefined;
}

export interface MachineSetting {
  /** Who asks, for messages. */
  readonly where: string;
  readonly integrator: Integrator;
  readonly denoiser: OpenDenoiser;
  readonly backend: Backend;
  readonly signal?: AbortSignal;
  /** In place of addressed normals: noise known to a test, quasi-random points. */
  readonly noise?: NoiseSupply;
}

/** One operation of a step on all particles. */
export async function execute(
  machine: Machine,
  operation: PlannedOperation,
  step: number,
  rng: Rng | undefined,
): Promise<void> {
  switch (operation.kind) {
    case 'evaluate':
      return evaluateModel(machine, operation, step);
    case 'combine':
      return combine(machine, operation, step, rng);
    case 'langevin':
      return langevinMove(machine, operation, step, rng);
    case 'change': {
      const value = register(machine, { kind: 'value', index: operation.value });
      return operation.change.apply(value, [machine.n, machine.d]);
    }
    default:
      return operation satisfies never;
  }
}

async function combine(
  machine: Machine,
  { target, sources, factors, draw }: Extract<PlannedOperation, { kind: 'combine' }>,
  step: number,
  rng: Rng | undefined,
): Promise<void> {
  const { n, d, group, grouped, arena, setting } = machine;
  const terms = sources.map((each) => register(machine, each));
  if (draw !== undefined) terms.push(await normals(machine, step, draw, rng));
  const out = register(machine, target);
  // Sources that are not there are not read.
  const [s0 = out, s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0] = terms;
  const count = terms.length;
  const flag = grouped ? 1 : 0;
  const args: KernelArgs<'combineRows'> = [
    ...([out, s0, s1, s2, s3, s4, s5, s6, s7] as const),
    ...([count, factors, group, flag, d] as const),
  ];
  if (terms.every((each) => arena.holds(each)) && arena.holds(out))
    return setting.backend.dispatch('combineRows', args, n);
  const rows = Math.max(1, Math.floor(65536 / d));
  for (let lo = 0; lo < n; lo += rows) {
    combineRows(...args, lo, Math.min(n, lo + rows));
    if (machine.turn.due()) await machine.turn.pause(setting.signal);
  }
}

async function evaluateModel(
  machine: Machine,
  operation: Extract<PlannedOperation, { kind: 'evaluate' }>,
  step: number,
): Promise<void> {
  const { n, d, setting } = machine;
  const { prediction, other, chooseTimes } = operation;
  const x = register(machine, { kind: 'state', index: operation.state });
  let times = timesOf(machine, operation.time);
  if (chooseTimes !== undefined) {
    machine.chosen ??= machine.arena.f64(n);
    chooseTimes(x, times, [n, d], machine.chosen);
    times = machine.chosen;
  }
  const out = register(machine, { kind: 'value', index: operation.value });
  const wanted =
    other === undefined
      ? { [prediction]: out }
      : {
          [prediction]: out,
          [prediction === 'clean' ? 'noise' : 'clean']: register(machine, { kind: 'value', index: other }),
        };
  return setting.denoiser.evaluate(x, times, n, wanted, step);
}

function register({ registers }: Machine, which: Register): Float64Array {
  return registers.get(registerName(which))!;
}

/** One time for all rows where there is one group, else the array of their times. */
function timesOf({ grouped, group, times, n }: Machine, byGroup: Float64Array): Times {
  if (!grouped) return byGroup[0]!;
  for (let i = 0; i < n; i++) times[i] = byGroup[group[i]!]!;
  return times;
}

async function normals(
  machine: Machine,
  step: number,
  draw: number,
  rng: Rng | undefined,
): Promise<Float64Array> {
  const { setting, arena, n, d } = machine;
  machine.normals ??= arena.f64(n * d);
  const z = machine.normals;
  if (setting.noise !== undefined) await setting.noise(step, draw, z);
  else {
    if (rng === undefined) throw noGenerator(setting);
    const last = channel(PURPOSE.diffusion, draw);
    await setting.backend.dispatch('normal', [z, d, ...rng.key, 0, step, last], n);
  }
  return z;
}

/** x + e s + sqrt(2 e) z with e = 2 a (r |z| / |s|)^2, each particle by its own score s and its own z. */
async function langevinMove(
  machine: Machine,
  { state, time, ratio, scale, draw }: Extract<PlannedOperation, { kind: 'langevin' }>,
  step: number,
  rng: Rng | undefined,
): Promise<void> {
  const { n, d, grouped, group, setting } = machine;
  machine.score ??= machine.arena.f64(n * d);
  const s = machine.score;
  const x = register(machine, { kind: 'state', index: state });
  await setting.denoiser.evaluate(x, timesOf(machine, time), n, { score: s }, step);
  const z = await normals(machine, step, draw, rng);
  for (let i = 0; i < n; i++) {
    const g = grouped ? group[i]! : 0;
    let square = 0;
    let length = 0;
    for (let at = i * d; at < (i + 1) * d; at++) {
      square += s[at]! * s[at]!;
      length += z[at]! * z[at]!;
    }
    const e = (2 * scale[g]! * ratio[g]! * ratio[g]! * length) / square;
    const root = Math.sqrt(2 * e);
    for (let at = i * d; at < (i + 1) * d; at++) x[at] = x[at]! + e * s[at]! + root * z[at]!;
  }
}

function noGenerator({ where, integrator }: MachineSetting): OptionError {
  return new OptionError({
    where,
    option: 'rng',
    value: undefined,
    found: `${integrator.name} draws noise and there is no generator`,
    expected: 'a generator',
    fix: 'Pass one to `advance`.',
  });
}
