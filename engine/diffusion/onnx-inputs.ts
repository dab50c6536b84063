import { show } from '../check.ts';
import { OptionError, ShapeError } from '../errors.ts';
import {
  ONNX_ARRAYS,
  type OnnxArray,
  type OnnxNetwork,
  type OnnxValue,
  showValue,
  widthOf,
} from '../model/onnx.ts';

/*
 * Which input of a network is which, and what it takes.
 */

/** A number, or those of one row: a class, an embedding. */
export type OnnxCondition = number | ArrayLike<number>;

/** Values of inputs, by name. */
export type OnnxConditions = Readonly<Record<string, OnnxCondition>>;

export interface OnnxNames {
  /** Default: the input that is called so or in a usual way ('sample', 'x_t'), or the only wide one. */
  readonly x?: string;
  /** Default: the one called 't', 'time', 'timestep', 'sigma' or the like, or the only narrow one. */
  readonly time?: string;
  /** Default: the only output. */
  readonly output?: string;
}

type Type = keyof typeof ONNX_ARRAYS;

/** An input: `width` numbers a row, or for all rows together where it is `shared`. */
export interface OnnxInput {
  readonly value: OnnxValue;
  readonly type: Type;
  readonly width: number;
  readonly shared: boolean;
}

/** What a denoiser needs to know of its network. */
export interface OnnxLayout {
  readonly x: OnnxInput;
  readonly time: OnnxInput | undefined;
  readonly output: string;
  /** All others. */
  readonly rest: readonly OnnxInput[];
  /** The shape of a row of x. */
  readonly shape: readonly number[];
  readonly dimension: number;
  /** Rows of every run, where the file fixes them. */
  readonly fixed: number | undefined;
}

const X = ['x', 'x_t', 'xt', 'sample', 'samples', 'input', 'noisy', 'latent', 'latents', 'image', 'images'];
const TIME = [
  't',
  'time',
  'times',
  'timestep',
  'timesteps',
  'sigma',
  'noise_level',
  'log_snr',
  'logsnr',
  'c_noise',
];

/**
 * @param told whether the network is told a time; where an input is called so, it is in any case.
 * @throws OptionError or ShapeError where names, ranks or types do not fit.
 */
export function layoutOf(
  where: string,
  network: OnnxNetwork,
  names: OnnxNames,
  dimension: number | readonly number[] | undefined,
  told: boolean,
): OnnxLayout {
  const { inputs } = network;
  const wide = inputs.filter((input) => input.shape.length > 1 && widthOf(input) !== 1);
  const narrow = inputs.filter((input) => !wide.includes(input));
  const x = find(where, network, 'x', names.x, X, wide);
  const timed = told || names.time !== undefined || inputs.some(({ name }) => isUsual(TIME, name));
  const time = timed ? find(where, network, 'time', names.time, TIME, narrow) : undefined;
  const shape = rowShape(where, network, x, dimension);
  const fixed = typeof x.shape[0] === 'number' ? x.shape[0] : undefined;
  const d = shape.reduce((product, n) => product * n, 1);
  const open = (value: OnnxValue): OnnxInput => openInput(where, network, value, fixed);
  const opened = time === undefined ? undefined : open(time);
  if (opened !== undefined && opened.width !== 1)
    throw wrong(
      where,
      network,
      'inputs.time',
      time!.name,
      `${showValue(time!)} is no time`,
      '1 number a row',
    );
  return {
    x: { ...open(x), width: d },
    time: opened,
    output: outputOf(where, network, names.output, d),
    rest: inputs.filter((input) => input !== x && input !== time).map(open),
    shape,
    dimension: d,
    fixed,
  };
}

function isUsual(usual: readonly string[], name: string): boolean {
  return usual.includes(name.toLowerCase());
}

function find(
  where: string,
  network: OnnxNetwork,
  what: 'x' | 'time',
  asked: string | undefined,
  usual: readonly string[],
  fitting: readonly OnnxValue[],
): OnnxValue {
  const { inputs } = network;
  const found =
    asked !== undefined
      ? inputs.filter(({ name }) => name === asked)
      : inputs.filter(({ name }) => isUsual(usual, name));
  if (found.length === 1) return found[0]!;
  if (asked === undefined && fitting.length === 1) return fitting[0]!;
  const told =
    asked === undefined ? `it is not clear which input is ${what}` : `there is no input ${show(asked)}`;
  throw wrong(where, network, `inputs.${what}`, asked, told, `one of ${inputs.map(showValue).join('; ')}`);
}

function openInput(
  where: string,
  network: OnnxNetwork,
  value: OnnxValue,
  fixed: number | undefined,
): OnnxInput {
  const { type, shape, name } = value;
  if (!(type in ONNX_ARRAYS)) {
    const found = `input ${showValue(value)} takes ${type}`;
    throw wrong(where, network, 'model', name, found, 'float32, float64, int32 or int64', 'Export it so.');
  }
  const shared = shape.length === 0 || (typeof shape[0] === 'number' && shape[0] !== fixed);
  // The whole of a shared input counts, its first dimension included.
  const width = widthOf(value) * (shared && typeof shape[0] === 'number' ? shape[0] : 1);
  return { value, type: type as Type, width, shared };
}

function rowShape(
  where: string,
  network: OnnxNetwork,
  x: OnnxValue,
  dimension: number | readonly number[] | undefined,
): readonly number[] {
  const rest = x.shape.slice(1);
  if (!x.type.startsWith('float') || rest.length === 0) {
    const expected = 'float32 of rank 2 or more, the first for rows: [N, 2], [N, 1, 28, 28]';
    throw wrong(where, network, 'inputs.x', x.name, `input ${showValue(x)} cannot be x`, expected);
  }
  const given = dimension === undefined ? undefined : typeof dimension === 'number' ? [dimension] : dimension;
  const open = rest.some((n) => typeof n !== 'number');
  if (given === undefined && !open) return rest as number[];
  const counts = given?.every((n) => Number.isInteger(n) && n > 0) === true;
  const total = given?.reduce((product, n) => product * n, 1);
  const fits =
    counts &&
    (open
      ? given!.length === rest.length && rest.every((n, i) => typeof n !== 'number' || n === given![i])
      : total === widthOf(x));
  if (fits) return open ? given! : (rest as number[]);
  const found =
    given === undefined
      ? `the file leaves the dimension of ${showValue(x)} open`
      : `option \`dimension\` is ${JSON.stringify(dimension)} for ${showValue(x)}`;
  const expected = `the shape of a row, ${rest.length} numbers`;
  throw wrong(
    where,
    network,
    'dimension',
    dimension,
    found,
    expected,
    'Try dimension: [1, 28, 28] for images.',
  );
}

function outputOf(where: string, network: OnnxNetwork, asked: string | undefined, d: number): string {
  const { outputs } = network;
  const found = asked === undefined ? outputs : outputs.filter(({ name }) => name === asked);
  if (found.length !== 1) {
    const told =
      asked === undefined ? `it has ${outputs.length} outputs` : `there is no output ${show(asked)}`;
    const expected = `one of ${outputs.map(showValue).join('; ')}`;
    throw wrong(where, network, 'inputs.output', asked, told, expected, 'Name it: inputs: { output }.');
  }
  const output = found[0]!;
  if (!['float32', 'float64'].includes(output.type))
    throw wrong(
      where,
      network,
      'model',
      output.name,
      `output ${showValue(output)} is ${output.type}`,
      'float32',
    );
  const width = widthOf(output);
  if (Number.isNaN(width) || (width === d && output.shape.length > 1)) return output.name;
  throw new ShapeError({
    where,
    found: `output ${showValue(output)} of ${network.name} has ${width} numbers a row`,
    expected: `${d}, as x`,
  });
}

/** Of one input: `width` numbers for each row, or for all of them. */
export interface ConditionArray {
  readonly values: OnnxArray;
  readonly width: number;
}

/**
 * Arrays with the values of the conditions for `rows` points, each in as many rows as there are rounds: row c of point i takes those
 * of `rounds[c]`, by points one after the other and from the first again.
 * @throws OptionError for names that are not there, missing values and wrong lengths.
 */
export function conditionArrays(
  where: string,
  network: OnnxNetwork,
  { rest }: OnnxLayout,
  rounds: readonly (readonly OnnxConditions[])[],
  rows: number,
): Readonly<Record<string, ConditionArray>> {
  for (const round of rounds.flat()) {
    const stranger = Object.keys(round).find((name) => !rest.some(({ value }) => value.name === name));
    if (stranger === undefined) continue;
    const expected =
      rest.length === 0 ? 'none' : `some of ${rest.map(({ value }) => showValue(value)).join('; ')}`;
    const found = `there is no input ${show(stranger)} for a condition`;
    throw wrong(where, network, 'condition', stranger, found, expected);
  }
  return Object.fromEntries(
    rest.map((input) => {
      const { name } = input.value;
      const each = rounds.map((round) => round.map((own) => conditionOf(where, network, input, own[name])));
      const values = each[0]![0]!;
      const { length: width } = values;
      const all = each.flat();
      const odd = all.find((other) => other.length !== width);
      if (odd !== undefined) {
        const found = `\`condition.${name}\` has ${odd.length} numbers in one row and ${width} in another`;
        throw wrong(where, network, `condition.${name}`, odd, found, 'as many in all');
      }
      if (input.shared && all.some((other) => other.some((value, i) => value !== values[i]))) {
        const found = `input ${showValue(input.value)} is one for all rows`;
        throw wrong(where, network, 'condition', name, found, 'one value a row', 'Export it with rows.');
      }
      const copies = each.length;
      const array = new ONNX_ARRAYS[input.type](input.shared ? width : rows * copies * width);
      for (let at = 0; at < array.length; at++) {
        const row = Math.floor(at / width);
        const own = each[row % copies]!;
        const value = own[Math.floor(row / copies) % own.length]![at % width]!;
        array[at] = input.type === 'int64' ? BigInt(value) : value;
      }
      return [name, { values: array, width }];
    }),
  );
}

function conditionOf(
  where: string,
  network: OnnxNetwork,
  { value, type, width }: OnnxInput,
  condition: OnnxCondition | undefined,
): readonly number[] {
  const option = `condition.${value.name}`;
  if (condition === undefined)
    throw wrong(where, network, option, condition, `there is no condition for ${showValue(value)}`, 'one');
  const values = typeof condition === 'number' ? [condition] : Array.from(condition);
  if (values.length === 0 || (!Number.isNaN(width) && values.length !== width)) {
    const found = `\`${option}\` has ${values.length} numbers for ${showValue(value)}`;
    throw wrong(
      where,
      network,
      option,
      condition,
      found,
      Number.isNaN(width) ? 'some' : `${width}, those of a row`,
    );
  }
  const whole = type.startsWith('int');
  const odd = values.find((each) => !(whole ? Number.isSafeInteger(each) : Number.isFinite(each)));
  if (odd === undefined) return values;
  throw wrong(
    where,
    network,
    option,
    odd,
    `\`${option}\` has ${show(odd)}`,
    whole ? 'integers' : 'finite numbers',
  );
}

function wrong(
  where: string,
  { name }: OnnxNetwork,
  option: string,
  value: unknown,
  found: string,
  expected: string,
  fix?: string,
): OptionError {
  return new OptionError({
    where,
    option,
    value,
    found: `${name}: ${found}`,
    expected,
    ...(fix === undefined ? {} : { fix }),
  });
}
