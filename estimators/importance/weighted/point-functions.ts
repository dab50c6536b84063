import { checkOneOf, checkOptionNames, show } from '../../../engine/check.ts';
import { OptionError, ValueError } from '../../../engine/errors.ts';
import { checkEvent, type Event, happens } from '../../../engine/model/event.ts';

/** One expectation under the target: of an output, of a coordinate, of a function of both, or of an event. */
export interface PointExpectation {
  /** An output or a coordinate by name, or a function of the outputs [k] and the point [d]. Default: the first output. */
  readonly of?: string | ((outputs: Float64Array, point: Float64Array) => number);
  /** 1 inside the event, 0 outside: a probability. Its `output` may be a coordinate too. Instead of `of`. */
  readonly event?: Event;
}

export type PointExpectations = Readonly<Record<string, PointExpectation>>;

/** A function of a point and of the outputs there. */
export interface PointFunction {
  readonly name: string;
  /** Whether it is the indicator of an event. */
  readonly event: boolean;
  readonly at: (outputs: Float64Array, point: Float64Array) => number;
}

/** @throws OptionError for an expectation that cannot be used, as far as the names of the outputs are known. */
export function checkExpectations(
  where: string,
  expectations: PointExpectations,
  coordinates: readonly string[],
  outputs: readonly string[] | undefined,
): void {
  checkOptionNames(where, expectations, Object.keys(expectations ?? {}));
  const known = outputs === undefined ? undefined : [...outputs, ...coordinates];
  for (const [name, expectation] of Object.entries(expectations)) {
    const option = `expectations.${name}`;
    checkOptionNames(`${where}: ${option}`, expectation, ['of', 'event']);
    const { of, event } = expectation;
    if (of !== undefined && event !== undefined)
      throw badExpectation(where, option, expectation, 'has both `of` and `event`');
    if (event !== undefined) checkEvent(where, event, known, option);
    else if (typeof of === 'string' && known !== undefined) checkOneOf(where, `${option}.of`, of, known);
    else if (of !== undefined && typeof of !== 'string' && typeof of !== 'function')
      throw badExpectation(where, option, expectation, `has ${show(of)} as \`of\``);
  }
}

/**
 * The functions, once the outputs have names. Without `expectations`: each output, or each coordinate where there is no
 * model.
 * @throws OptionError for a name that is neither an output nor a coordinate.
 */
export function pointFunctions(
  where: string,
  expectations: PointExpectations | undefined,
  coordinates: readonly string[],
  outputs: readonly string[],
): readonly PointFunction[] {
  const reader = (option: string, name: string): PointFunction['at'] => {
    checkOneOf(where, option, name, [...outputs, ...coordinates]);
    const column = outputs.indexOf(name);
    if (column >= 0) return (y) => y[column]!;
    const coordinate = coordinates.indexOf(name);
    return (_, x) => x[coordinate]!;
  };
  const first = (outputs.length > 0 ? outputs : coordinates)[0]!;
  const given =
    expectations ??
    Object.fromEntries((outputs.length > 0 ? outputs : coordinates).map((name) => [name, { of: name }]));
  return Object.entries(given).map(([name, { of = first, event }]) => {
    const option = `expectations.${name}`;
    if (event !== undefined) {
      const read = reader(`${option}.output`, event.output ?? first);
      return { name, event: true, at: (y, x) => (happens(event, read(y, x)) ? 1 : 0) };
    }
    return { name, event: false, at: typeof of === 'function' ? of : reader(`${option}.of`, of) };
  });
}

/**
 * A function at rows 0..n-1 where the target has mass; NaN elsewhere.
 * @param y [n, k] outputs.
 * @param x [n, d] points.
 * @throws ValueError where it is not finite.
 */
export function valuesAt(
  where: string,
  { name, at }: PointFunction,
  logTarget: Float64Array,
  y: Float64Array,
  x: Float64Array,
): Float64Array {
  const n = logTarget.length;
  const [k, d] = [y.length / n, x.length / n];
  const values = new Float64Array(n).fill(Number.NaN);
  for (let i = 0; i < n; i++) {
    if (logTarget[i] === -Infinity) continue;
    const point = x.subarray(i * d, (i + 1) * d);
    const value = called(where, name, at, y.subarray(i * k, (i + 1) * k), point, i);
    if (!Number.isFinite(value)) throw badFunction(where, name, value, point.slice(), i);
    values[i] = value;
  }
  return values;
}

function called(
  where: string,
  name: string,
  at: PointFunction['at'],
  outputs: Float64Array,
  point: Float64Array,
  index: number,
): number {
  try {
    return at(outputs, point);
  } catch (cause) {
    const found = `expectation \`${name}\` threw ${String(cause)} at point ${index}`;
    throw new ValueError({ where, found, expected: 'a finite number', cause, point: point.slice(), index });
  }
}

function badFunction(
  where: string,
  name: string,
  value: unknown,
  point: Float64Array,
  index: number,
): ValueError {
  return new ValueError({
    where,
    found: `expectation \`${name}\` is ${show(value)} at point ${index}`,
    expected: 'a finite number',
    fix: 'See error.point.',
    point,
    index,
  });
}

function badExpectation(where: string, option: string, value: unknown, found: string): OptionError {
  return new OptionError({
    where,
    option,
    value,
    found: `option \`${option}\` ${found}`,
    expected: '{ of: name or function } or { event: { above: number } }',
  });
}
