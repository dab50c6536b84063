import { checkCount, checkNumber, checkOneOf, checkOptionNames, checkRecord } from '../check.ts';
import { digest } from '../digest.ts';
import { OptionError } from '../errors.ts';
import { type OnnxNetwork, type OnnxOptions, onnxNetwork } from '../model/onnx.ts';
import { checkSchedule } from './check-schedule.ts';
import type { Denoiser, Prediction } from './denoiser.ts';
import { NETWORK_TIMES, type NetworkTime, networkTime } from './network-time.ts';
import { layoutOf, type OnnxConditions, type OnnxLayout, type OnnxNames } from './onnx-inputs.ts';
import { networkCall } from './onnx-run.ts';
import { type NetworkForm, preconditionedDenoiser } from './preconditioned.ts';
import type { NoiseSchedule } from './schedule.ts';

/** How guided predictions come about: u + scale (c - u), u and c those without and with the condition. */
export interface OnnxGuidance {
  /** 1 is the conditional network itself. */
  readonly scale: number;
  /** What the inputs of `condition` take for u: the class that stands for none. Those left out stay as they are. */
  readonly unconditional: OnnxConditions;
}

export interface OnnxDenoiserOptions extends OnnxOptions {
  /** For messages and saved runs: give another when the network is trained again. Default: the name of the file. */
  readonly name?: string;
  /** The one it was trained for. */
  readonly schedule: NoiseSchedule;
  /** What it returns; `form` in its place for networks inside of EDM's wrapper. */
  readonly prediction?: Prediction;
  /** The wrapper of `preconditionedDenoiser`, which scales x and says what the network is told for the time. */
  readonly form?: NetworkForm;
  /** Of form 'edm': the standard deviation of the data. Default 0.5. */
  readonly dataDeviation?: number;
  /**
   * What it is told for the time t: t itself; the 'index' t M - 1 of a table of M steps, rounded where the input takes
   * integers; the 'noise-level' sigma / alpha; 'log-snr', log(alpha / sigma); or what a function of t says. Needed where
   * there is such an input, unless `form` says it.
   */
  readonly time?: NetworkTime;
  /** M, of 'index' and of forms with a table. Default 1000. */
  readonly steps?: number;
  /** Names of inputs and output, where they are not clear. */
  readonly inputs?: OnnxNames;
  /** d, or the shape of a row such as [1, 28, 28], where the file leaves it open. */
  readonly dimension?: number | readonly number[];
  /**
   * Values of all other inputs, the same for all particles; `conditioned` gives the network with others. Or a list, one for
   * each row of a batch, for what leaves rows in their places: `reverseDiffusion`, `predict` in a loop of your own.
   */
  readonly condition?: OnnxConditions | readonly OnnxConditions[];
  /** Classifier-free guidance: both predictions of a point in one run. */
  readonly guidance?: OnnxGuidance;
  /**
   * Points of one run. 'measured' takes what is fastest here and now; numbers may then differ in their last digits between
   * machines. Default: 65536 numbers, at least 64 points and at most 8192. With several `sessions` a batch is shared among
   * them evenly, in runs of this size at most.
   */
  readonly batch?: number | 'measured';
}

/** A network of a file as a denoiser. */
export interface OnnxDenoiser extends Denoiser {
  readonly network: OnnxNetwork;
  /** Points of all runs at once. */
  readonly rows: number;
  readonly place: string;
  /** The same network with other conditions, and guidance if there is to be one. */
  conditioned(condition: OnnxConditions | readonly OnnxConditions[], guidance?: OnnxGuidance): OnnxDenoiser;
}

const OPTIONS = [
  ...[
    'name',
    'model',
    'runtime',
    'providers',
    'threads',
    'sessions',
    'keep',
    'schedule',
    'prediction',
    'form',
  ],
  ...['dataDeviation', 'time', 'steps', 'inputs', 'dimension', 'condition', 'guidance', 'batch'],
];
const WHERE = 'onnxDenoiser';

/**
 * A denoiser from an ONNX file, by the optional package onnxruntime-node or onnxruntime-web. The network computes in
 * float32, everything else in float64. Rows may have times of their own. A run loads the network where it must, and gives
 * it back when it ends or is aborted, if no other run uses it.
 * @throws OptionError or ShapeError where names, ranks, types or conditions do not fit what the file declares; ModelError for
 * a file that is none; BackendError when no runtime is installed.
 */
export async function onnxDenoiser(options: OnnxDenoiserOptions): Promise<OnnxDenoiser> {
  checkOptionNames(WHERE, options, OPTIONS);
  const { schedule, inputs = {}, dimension, batch, name } = options;
  checkSchedule(WHERE, 'schedule', schedule);
  checkRecord(WHERE, 'inputs', inputs, 'names such as { x, time, output }');
  checkOptionNames(`${WHERE}.inputs`, inputs, ['x', 'time', 'output']);
  checkPrediction(options);
  const network = await onnxNetwork(options, WHERE);
  const layout = layoutOf(WHERE, network, inputs, dimension, (options.form ?? options.time) !== undefined);
  const plan: Plan = {
    options,
    network,
    layout,
    name: name ?? nameOf(options, network),
    labelOf: labelOf(options, layout),
  };
  const rows = checkBatch(batch, layout, options.guidance);
  const made = make(plan, options.condition ?? {}, options.guidance, rows);
  return batch !== 'measured' ? made : measured(made, (count) => remake(plan, options, count));
}

function remake(plan: Plan, { condition = {}, guidance }: OnnxDenoiserOptions, rows: number): OnnxDenoiser {
  return make(plan, condition, guidance, rows);
}

interface Plan {
  readonly options: OnnxDenoiserOptions;
  readonly network: OnnxNetwork;
  readonly layout: OnnxLayout;
  readonly name: string;
  labelOf(time: number): number;
}

function make(
  plan: Plan,
  condition: OnnxConditions | readonly OnnxConditions[],
  guidance: OnnxGuidance | undefined,
  rows: number,
): OnnxDenoiser {
  const { options, network, layout, labelOf } = plan;
  const { schedule, prediction, form, dataDeviation, steps } = options;
  const { dimension } = layout;
  const conditions = conditionList(condition);
  checkGuidance(guidance, layout);
  const without = conditions.map((own) => ({ ...own, ...guidance?.unconditional }));
  const rounds = guidance === undefined ? [conditions] : [without, conditions];
  const call = networkCall(WHERE, network, layout, rounds, guidance?.scale ?? 1, rows);
  const name = `${plan.name}${tell(conditions, guidance)}`;
  const own = {
    network,
    rows: rows * network.sessions,
    precision: layout.x.type === 'float64' ? ('float64' as const) : ('float32' as const),
    place: network.place,
    hold: network.hold,
    ...(Array.isArray(condition) ? { ofRows: conditions.length } : {}),
    conditioned: (other: OnnxConditions | readonly OnnxConditions[], by?: OnnxGuidance) =>
      make(plan, other, by, checkBatch(options.batch === 'measured' ? rows : options.batch, layout, by)),
  };
  if (form !== undefined) {
    const more = {
      ...(dataDeviation === undefined ? {} : { dataDeviation }),
      ...(steps === undefined ? {} : { steps }),
    };
    return { ...preconditionedDenoiser({ name, dimension, schedule, form, network: call, ...more }), ...own };
  }
  const labels = new Map<number, number>();
  const label = (time: number): number => {
    let known = labels.get(time);
    if (known === undefined) {
      if (labels.size > 4096) labels.clear();
      known = labelOf(time);
      labels.set(time, known);
    }
    return known;
  };
  return {
    name,
    dimension,
    schedule,
    prediction: prediction!,
    predict: (x, time, out, first) =>
      call(x, typeof time === 'number' ? label(time) : time.map(label), out, first),
    ...own,
  };
}

/** Candidates for the size of a run. */
const SIZES = [16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192];

/** The denoiser with the number of points in a run that takes the least time for a point; of equals the smallest. */
async function measured(first: OnnxDenoiser, remade: (rows: number) => OnnxDenoiser): Promise<OnnxDenoiser> {
  let best = { denoiser: first, cost: Infinity };
  for (const size of SIZES) {
    const denoiser = remade(size);
    const { dimension: d, rows, ofRows = rows } = denoiser;
    // Conditions of rows are there for as many.
    if (rows > ofRows) break;
    const [x, out] = [new Float64Array(rows * d), new Float64Array(rows * d)];
    const middle = denoiser.schedule.timeOf(0);
    let least = Infinity;
    for (let again = 0; again < 3; again++) {
      const before = performance.now();
      await denoiser.predict(x, middle, out);
      least = Math.min(least, performance.now() - before);
    }
    const cost = least / rows;
    if (cost < 0.95 * best.cost) best = { denoiser, cost };
    // Larger ones would hold up the run for long, or are slower already.
    if (least > 500 || cost > 1.5 * best.cost) break;
  }
  return best.denoiser;
}

function checkBatch(
  batch: OnnxDenoiserOptions['batch'],
  { fixed, dimension }: OnnxLayout,
  guidance: OnnxGuidance | undefined,
): number {
  if (batch !== undefined && batch !== 'measured')
    checkCount(WHERE, 'batch', batch, { min: 1, max: 2 ** 20 });
  if (fixed === undefined) {
    const usual = Math.min(8192, Math.max(64, Math.floor(65536 / dimension)));
    return batch === undefined || batch === 'measured' ? usual : batch;
  }
  const copies = guidance === undefined ? 1 : 2;
  const own = fixed / copies;
  if (Number.isInteger(own) && (batch === undefined || batch === own)) return own;
  throw new OptionError({
    where: WHERE,
    option: 'batch',
    value: batch,
    found: `the network takes ${fixed} rows, no more and no less`,
    expected: `as many${copies > 1 ? ', for pairs an even number,' : ''} in a run`,
    fix: 'Export it with a first dimension that is open (dynamic_axes).',
  });
}

function checkPrediction({ prediction, form, time }: OnnxDenoiserOptions): void {
  if (form === undefined) {
    checkOneOf(WHERE, 'prediction', prediction, ['clean', 'noise', 'score', 'v', 'flow'] as const);
    return;
  }
  const [option, value] = prediction !== undefined ? ['prediction', prediction] : ['time', time];
  if (value === undefined) return;
  throw new OptionError({
    where: WHERE,
    option,
    value,
    found: `options \`form\` and \`${option}\` are given together`,
    expected: 'one of them',
  });
}

function labelOf({ schedule, time, steps, form }: OnnxDenoiserOptions, layout: OnnxLayout): Plan['labelOf'] {
  if (time === undefined && form === undefined && layout.time !== undefined) {
    throw new OptionError({
      where: WHERE,
      option: 'time',
      value: time,
      found: 'option `time` is not there',
      expected: `what the network is told in ${layout.time.value.name}: ${NETWORK_TIMES.join(', ')} or a function`,
      fix: "Networks trained on steps 0 to 999 take time: 'index'.",
    });
  }
  return networkTime(WHERE, schedule, time ?? 'time', steps);
}

/** One for all, or one for each row. */
function conditionList(condition: OnnxConditions | readonly OnnxConditions[]): readonly OnnxConditions[] {
  const list = Array.isArray(condition)
    ? (condition as readonly OnnxConditions[])
    : [condition as OnnxConditions];
  checkCount(WHERE, 'condition.length', list.length, { min: 1 });
  for (const own of list) checkRecord(WHERE, 'condition', own, 'values by the names of inputs');
  return list;
}

function checkGuidance(guidance: OnnxGuidance | undefined, layout: OnnxLayout): void {
  if (guidance === undefined) return;
  checkRecord(WHERE, 'guidance', guidance, '{ scale, unconditional }');
  checkOptionNames(`${WHERE}.guidance`, guidance, ['scale', 'unconditional']);
  checkNumber(WHERE, 'guidance.scale', guidance.scale, Number.isFinite, 'a finite number');
  checkRecord(WHERE, 'guidance.unconditional', guidance.unconditional, 'values by the names of inputs');
  if (layout.rest.length > 0) return;
  throw new OptionError({
    where: WHERE,
    option: 'guidance',
    value: guidance,
    found: 'option `guidance` is given, and the network takes no condition',
    expected: 'an input for the condition',
  });
}

function nameOf({ model }: OnnxDenoiserOptions, { name }: OnnxNetwork): string {
  if (!(model instanceof Uint8Array)) return name;
  let text = '';
  // A digest of texts: enough of the bytes, which are weights.
  const stride = Math.max(1, Math.floor(model.length / 65536));
  for (let at = 0; at < model.length; at += stride) text += String.fromCharCode(model[at]!);
  return `${name} ${digest(text).slice(0, 8)}`;
}

/** ' (y 3, guided 4 from y 10)' */
function tell(conditions: readonly OnnxConditions[], guidance: OnnxGuidance | undefined): string {
  const list = (all: OnnxConditions): string =>
    Object.entries(all)
      .map(
        ([name, value]) =>
          `${name} ${typeof value === 'number' ? value : digest(Array.from(value).join(' '))}`,
      )
      .join(', ');
  const own = conditions.map(list);
  const parts = [own.length === 1 ? own[0]! : `${own.length} conditions ${digest(own.join('; '))}`];
  if (guidance !== undefined) parts.push(`guided ${guidance.scale} from ${list(guidance.unconditional)}`);
  const told = parts.filter((part) => part !== '').join(', ');
  return told === '' ? '' : ` (${told})`;
}
