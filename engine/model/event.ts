import { checkOneOf, checkOptionNames, show } from '../check.ts';
import { OptionError } from '../errors.ts';

/** An event about one output of a model: above < y < below, each bound optional, both strict. */
export interface Event {
  /** Name of the output; the first when absent. */
  readonly output?: string;
  readonly above?: number;
  readonly below?: number;
}

/**
 * @param option the name under which it was given, for messages.
 * @throws OptionError unless the event has a finite bound, the lower below the upper, and a known output.
 */
export function checkEvent(
  where: string,
  event: Event,
  outputs?: readonly string[],
  option = 'event',
): Event {
  if (event !== null && typeof event === 'object')
    checkOptionNames(`${where}: ${option}`, event, ['output', 'above', 'below']);
  const { above, below, output } = event ?? {};
  if (output !== undefined && outputs !== undefined) checkOneOf(where, `${option}.output`, output, outputs);
  const bounds = Object.entries({ above, below }).filter(([, bound]) => bound !== undefined);
  if (bounds.length > 0 && bounds.every(([, bound]) => Number.isFinite(bound)) && !(above! >= below!))
    return event;
  throw new OptionError({
    where,
    option,
    value: event,
    found: `option \`${option}\` is ${bounds.map(([side, bound]) => `${side} ${show(bound)}`).join(', ') || show(event)}`,
    expected: '{ above: number }, { below: number } or both, the lower bound first',
  });
}

/** True when y lies in the event. */
export function happens(event: Event, y: number): boolean {
  return y > (event.above ?? -Infinity) && y < (event.below ?? Infinity);
}

/**
 * The score of an output y: its distance to the nearer bound, min(y - above, below - y). Above 0 inside the event, and
 * the larger the nearer outside, so that a search can climb from wherever the inputs are likely to 0.
 */
export function scoreOf({ above, below }: Event): (y: number) => number {
  if (below === undefined) return (y) => y - above!;
  if (above === undefined) return (y) => below - y;
  return (y) => Math.min(y - above, below - y);
}

/** A score in the unit of the output, for events with one bound. */
export function outputOf({ above, below }: Event, score: number): number {
  if (below === undefined) return score + above!;
  return above === undefined ? below - score : score;
}
