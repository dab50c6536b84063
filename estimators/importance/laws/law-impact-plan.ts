import { checkNumber, checkOneOf, checkOptionNames, checkPointMemory, show } from '../../../engine/check.ts';
import { type InputSpace, inputDigest, inputSpace } from '../../../engine/distribution/inputs.ts';
import type { Law } from '../../../engine/distribution/law.ts';
import { type Perturbation, perturbed } from '../../../engine/distribution/perturbed.ts';
import { EngineError, OptionError } from '../../../engine/errors.ts';
import { checkOutputs } from '../../../engine/model/evaluator.ts';
import { checkEvent } from '../../../engine/model/event.ts';
import { kernelDigest } from '../../../engine/model/local.ts';
import { checkMissing, type MissingPolicy } from '../../../engine/model/missing.ts';
import { checkPoints } from '../../../engine/random/point-plan.ts';
import type { Warning } from '../../../engine/types.ts';
import type { ImpactQuantity, InputPerturbations, LawImpactOptions } from './law-impact-types.ts';

export const WHERE = 'lawImpact';

/** One perturbed marginal. */
export interface PerturbedInput {
  readonly name: string;
  readonly input: number;
  readonly law: Law;
}

/** Checked options with their defaults. */
export interface Plan {
  readonly space: InputSpace;
  readonly perturbed: readonly PerturbedInput[];
  readonly quantity: ImpactQuantity | undefined;
  /** Whether points come from all laws or from that of the inputs. */
  readonly balance: boolean;
  readonly design: 'sobol' | 'iid';
  readonly points: number;
  readonly replicates: number;
  readonly perReplicate: number;
  readonly warnings: readonly Warning[];
  readonly level: number;
  readonly missing: MissingPolicy;
  readonly fingerprint: string;
  readonly kernel: string | undefined;
}

const OPTIONS: Readonly<Record<keyof LawImpactOptions, true>> = {
  model: true,
  inputs: true,
  dependence: true,
  outputs: true,
  perturbations: true,
  quantity: true,
  sample: true,
  points: true,
  replicates: true,
  design: true,
  level: true,
  missing: true,
};

/** @throws OptionError for the first option that cannot be used. */
export function checkPlan(options: LawImpactOptions): Plan {
  checkOptionNames(WHERE, options, Object.keys(OPTIONS));
  const space = inputSpace(WHERE, options.inputs, options.dependence);
  const laws = perturbedInputs(space, options.perturbations);
  const balance = checkOneOf(WHERE, 'sample', options.sample ?? 'balance', ['balance', 'base']) === 'balance';
  if (balance) checkDependence(space, laws);
  checkOutputs(WHERE, options.outputs);
  checkQuantity(options.quantity, options.outputs);
  const design = checkOneOf(WHERE, 'design', options.design ?? 'sobol', ['sobol', 'iid'] as const);
  const { points, replicates } = options;
  const plan = checkPoints(WHERE, design, { points, replicates, usual: design === 'iid' ? 1 : 8 });
  checkPointMemory(WHERE, plan.total, 8 * (space.dimension + laws.length + (options.outputs?.length ?? 1)));
  const { perReplicate } = plan;
  const missing = checkMissing(WHERE, options.missing ?? 'error');
  const described = laws.map(({ law, input }) => [input, law.describe(), law.parameters]);
  return {
    space,
    perturbed: laws,
    quantity: options.quantity,
    balance,
    design,
    points: plan.total,
    replicates: plan.replicates,
    perReplicate,
    warnings: plan.warnings,
    level: checkNumber(
      WHERE,
      'level',
      options.level ?? 0.95,
      (x) => x > 0 && x < 1,
      'a number between 0 and 1',
    ),
    missing,
    fingerprint: JSON.stringify([
      WHERE,
      design,
      perReplicate,
      plan.replicates,
      inputDigest(space),
      missing,
      balance ? described : [],
    ]),
    kernel: kernelDigest(options.model),
  };
}

function perturbedInputs(
  space: InputSpace,
  perturbations: Readonly<Record<string, InputPerturbations>>,
): readonly PerturbedInput[] {
  const laws = Object.entries(perturbations ?? {}).flatMap(([input, wanted]) => {
    checkOneOf(WHERE, 'perturbations', input, space.names);
    const option = `perturbations.${input}`;
    checkOptionNames(`${WHERE}: ${option}`, wanted, ['means', 'shifts', 'variances', 'space']);
    const at = space.names.indexOf(input);
    const law = space.laws[at]!;
    const sd = Math.sqrt(law.variance);
    const { space: where = 'auto' } = wanted;
    const changes: Perturbation[] = [
      ...(wanted.means ?? []).map((mean) => ({ mean, space: where })),
      ...(wanted.shifts ?? []).map((shift) => ({ mean: law.mean + shift * sd, space: where })),
      ...(wanted.variances ?? []).map((variance) => ({ variance, space: where })),
    ];
    return changes.map((to): PerturbedInput => {
      const name = to.mean === undefined ? `variance ${short(to.variance!)}` : `mean ${short(to.mean)}`;
      return { name: `${input} to ${name}`, input: at, law: perturbedAt(option, law, to) };
    });
  });
  if (laws.length > 0) return laws;
  throw new OptionError({
    where: WHERE,
    option: 'perturbations',
    value: perturbations,
    found: `option \`perturbations\` is ${show(perturbations)}`,
    expected: 'at least one new mean, shift or variance, such as { x: { shifts: [-1, 1] } }',
  });
}

/** `perturbed`, with the input named in its errors. */
function perturbedAt(option: string, law: Law, to: Perturbation): Law {
  try {
    return perturbed(law, to);
  } catch (cause) {
    if (!(cause instanceof EngineError)) throw cause;
    throw new OptionError({
      where: WHERE,
      option,
      value: to,
      found: `\`${option}\` asks for what cannot be (${cause.message})`,
      expected: 'moments that the law can be given',
      cause,
    });
  }
}

/** At most six significant digits, for a name. */
function short(x: number): string {
  return String(Number(x.toPrecision(6)));
}

function checkQuantity(quantity: ImpactQuantity | undefined, outputs: readonly string[] | undefined): void {
  if (quantity === undefined) return;
  checkOptionNames(`${WHERE}: quantity`, quantity, ['mean', 'event', 'quantile', 'output']);
  const kinds = ['mean', 'event', 'quantile'].filter((kind) => kind in quantity);
  if (kinds.length !== 1) {
    throw new OptionError({
      where: WHERE,
      option: 'quantity',
      value: quantity,
      found: `option \`quantity\` is ${show(quantity)}`,
      expected: '{ mean: output }, { event: { above: number } } or { quantile: p }',
    });
  }
  if ('event' in quantity) checkEvent(WHERE, quantity.event, outputs, 'quantity.event');
  const named = 'mean' in quantity ? quantity.mean : 'quantile' in quantity ? quantity.output : undefined;
  if (named !== undefined && outputs !== undefined) checkOneOf(WHERE, 'quantity', named, outputs);
  if ('quantile' in quantity)
    checkNumber(
      WHERE,
      'quantity.quantile',
      quantity.quantile,
      (p) => p > 0 && p < 1,
      'a number between 0 and 1',
    );
}

/** Points of a perturbed law need the others given the one, which is at hand for correlated normals. */
function checkDependence(
  { dependence, names, dimension }: InputSpace,
  laws: readonly PerturbedInput[],
): void {
  if (dependence === undefined) return;
  const linked = laws.find(({ input }) =>
    Array.from({ length: dimension }, (_, j) => j).some((j) => j !== input && dependence.linked(input, j)),
  );
  if (linked === undefined) return;
  const gaussian = dependence.correlate !== undefined && 'correlation' in dependence;
  if (gaussian && !linked.law.discrete) return;
  throw new OptionError({
    where: WHERE,
    option: 'sample',
    value: 'balance',
    found: `input \`${names[linked.input]}\` depends on others in a way that points of its new laws cannot be drawn from`,
    expected: "continuous inputs with a gaussianCopula, or sample: 'base'",
    fix: "Use sample: 'base'.",
  });
}
