import { show } from '../check.ts';
import { OptionError } from '../errors.ts';
import type { NoiseSchedule } from './schedule.ts';

const FUNCTIONS = ['signal', 'noise', 'logSnr', 'timeOf', 'drift', 'diffusion', 'describe'] as const;

/** Whether something is a noise schedule. */
export function isSchedule(given: unknown): given is NoiseSchedule {
  if (given === null || typeof given !== 'object') return false;
  const schedule = given as Partial<NoiseSchedule>;
  return FUNCTIONS.every((name) => typeof schedule[name] === 'function') && schedule.end! > 0;
}

/**
 * Whether an option is a noise schedule, before any work.
 * @throws OptionError naming what is missing, and how schedules are made.
 */
export function checkSchedule(where: string, option: string, given: unknown): void {
  if (isSchedule(given)) return;
  const schedule: Partial<NoiseSchedule> = given !== null && typeof given === 'object' ? given : {};
  const lacking = FUNCTIONS.filter((name) => typeof schedule[name] !== 'function');
  const lack = lacking.length === 0 ? `with end ${show(schedule.end)}` : `without ${lacking.join(', ')}`;
  throw new OptionError({
    where,
    option,
    value: given,
    found: `option \`${option}\` is ${lacking.length < FUNCTIONS.length ? `a schedule ${lack}` : show(given)}`,
    expected: 'a noise schedule',
    fix: 'Try vpLinear(), veGeometric() or rectifiedFlow(); a factory is called: vpLinear(), not vpLinear.',
  });
}

/**
 * The arguments (law, schedule) of a denoiser that is made of them.
 * @param option what the law is called: 'mixture'.
 * @throws OptionError when they are swapped, there is no law, or the second is no schedule.
 */
export function checkPlaces(where: string, option: string, law: unknown, schedule: unknown): void {
  const swapped = isSchedule(law);
  if (!swapped) checkSchedule(where, 'schedule', schedule);
  if (!swapped && law !== null && typeof law === 'object') return;
  throw new OptionError({
    where,
    option,
    value: law,
    found: `the first argument is ${swapped ? `the schedule ${law.describe()}` : show(law)}`,
    expected: `${where}(${option}, schedule)`,
    ...(swapped && !isSchedule(schedule) ? { fix: 'Swap the two.' } : {}),
  });
}
