import { checkFlag, show } from '../../../engine/check.ts';
import type { Replace } from '../../../engine/cluster/on-cluster.ts';
import { densityDigest, isDensity } from '../../../engine/distribution/density-digest.ts';
import {
  type Dependence,
  type Inputs,
  inputDigest,
  inputSpace,
} from '../../../engine/distribution/inputs.ts';
import { jointLaw } from '../../../engine/distribution/joint-density.ts';
import { OptionError } from '../../../engine/errors.ts';
import { kernelDigest } from '../../../engine/model/local.ts';
import type { LogDensitySource } from '../../../engine/model/log-density.ts';
import type { ModelLike } from '../../../engine/model/model.ts';
import type { Density } from '../../../engine/types.ts';

/** The law that expectations are taken under, in one of three forms. */
export interface TargetOptions {
  /** The laws of the inputs, by name. Instead of `target`. */
  readonly inputs?: Inputs;
  /** How inputs depend on each other. Default: not at all. */
  readonly dependence?: Dependence;
  /** A law, or a log density; of its normalizing constant nothing need be known. Instead of `inputs`. */
  readonly target?: Density | LogDensitySource;
  /** Whether a log density is normalised. Default false; laws are. */
  readonly normalised?: boolean;
  /** [d] names of the coordinates of `target`. Default x1..xd. */
  readonly names?: readonly string[];
}

/**
 * The same with the model and the target evaluated elsewhere, as far as they are in modules: laws, and functions beside a
 * model that is, stay here.
 * @throws OptionError when neither is.
 */
export function replacedTarget(
  { model, target }: Pick<TargetOptions, 'target'> & { readonly model?: ModelLike },
  replace: Replace,
): { readonly target?: LogDensitySource; readonly model?: ModelLike } {
  const own = isModule(model) ? { model: replace(model) } : {};
  const law = isModule(target) ? { target: replace(target, 'target') } : {};
  if (own.model === undefined && law.target === undefined)
    replace(model ?? target, model === undefined ? 'target' : 'model');
  return { ...own, ...law };
}

function isModule(source: unknown): boolean {
  return (source as { readonly kind?: unknown } | undefined)?.kind === 'module';
}

/** A target, checked. */
export interface Target {
  readonly dimension: number;
  /** [d] */
  readonly names: readonly string[];
  readonly normalised: boolean;
  /** A law that can be drawn from. */
  readonly law: Density | undefined;
  /** A log density that has to be opened; undefined where `law` says all. */
  readonly source: LogDensitySource | undefined;
  /** What must agree before a saved run goes on. */
  readonly digest: string;
}

/**
 * @param dimension d of the proposal.
 * @throws OptionError unless there is one target of that dimension.
 */
export function checkTarget(where: string, options: TargetOptions, dimension: number): Target {
  const { inputs, target, normalised } = options;
  if ((inputs === undefined) === (target === undefined)) throw oneTarget(where, options);
  if (normalised !== undefined) checkFlag(where, 'normalised', normalised);
  const alien = (inputs === undefined ? OF_INPUTS : OF_TARGET).find((name) => options[name] !== undefined);
  if (alien !== undefined) throw doesNothing(where, options, alien);
  const found = inputs === undefined ? ofTarget(where, options, dimension) : ofInputs(where, options, inputs);
  if (found.dimension === dimension) return found;
  throw new OptionError({
    where,
    option: 'proposal',
    value: dimension,
    found: `the proposal has dimension ${dimension}`,
    expected: `${found.dimension}, the dimension of the target`,
  });
}

const OF_INPUTS = ['dependence'] as const;
const OF_TARGET = ['normalised', 'names'] as const;

function doesNothing(where: string, options: TargetOptions, option: keyof TargetOptions): OptionError {
  const other = options.inputs === undefined ? 'target' : 'inputs';
  return new OptionError({
    where,
    option,
    value: options[option],
    found: `option \`${option}\` is given with \`${other}\`, where it does nothing`,
    expected: other === 'target' ? 'a target that has its dependence in it' : 'it only beside `target`',
  });
}

function ofInputs(where: string, options: TargetOptions, inputs: Inputs): Target {
  const space = inputSpace(where, inputs, options.dependence);
  const law = jointLaw(where, space);
  const { names, dimension } = space;
  return { dimension, names, normalised: true, law, source: undefined, digest: inputDigest(space) };
}

function ofTarget(where: string, { target, names, normalised }: TargetOptions, dimension: number): Target {
  const given = names ?? Array.from({ length: dimension }, (_, c) => `x${c + 1}`);
  const named = Array.isArray(given) && given.every((name) => typeof name === 'string' && name !== '');
  if (!named || given.length !== dimension || new Set(given).size !== dimension)
    throw badNames(where, names, dimension);
  if (isDensity(target)) {
    const digest = densityDigest(target, given);
    const shared = { dimension: target.dimension, names: given, source: undefined, digest };
    return { ...shared, law: target, normalised: true };
  }
  const known = normalised ?? false;
  const source = target as LogDensitySource;
  const digest = JSON.stringify([given, known, kernelDigest(source)]);
  return { dimension, names: given, normalised: known, law: undefined, source, digest };
}

function oneTarget(where: string, { inputs, target }: TargetOptions): OptionError {
  const both = inputs !== undefined && target !== undefined;
  return new OptionError({
    where,
    option: 'target',
    value: target,
    found: both ? 'both `inputs` and `target` are given' : 'there is neither `inputs` nor `target`',
    expected: 'one of them: laws of inputs, or a law or log density',
  });
}

function badNames(where: string, names: readonly string[] | undefined, dimension: number): OptionError {
  return new OptionError({
    where,
    option: 'names',
    value: names,
    found: `option \`names\` is ${show(names)}`,
    expected: `${dimension} names, each once`,
  });
}
