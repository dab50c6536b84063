import { OptionError } from '../errors.ts';
import { beta } from './beta.ts';
import { binomial } from './binomial.ts';
import { categorical } from './categorical.ts';
import { discreteUniform } from './discrete-uniform.ts';
import { empirical } from './empirical.ts';
import { exponential } from './exponential.ts';
import { gamma } from './gamma.ts';
import { type GaussianCopula, gaussianCopula } from './gaussian-copula.ts';
import { gumbel } from './gumbel.ts';
import { type InputSpace, inputDigest, inputSpace } from './inputs.ts';
import type { Law } from './law.ts';
import { logNormal } from './log-normal.ts';
import { logUniform } from './log-uniform.ts';
import { normal } from './normal.ts';
import { pareto } from './pareto.ts';
import { poisson } from './poisson.ts';
import { studentT } from './student-t.ts';
import { triangular } from './triangular.ts';
import { truncated } from './truncated.ts';
import { uniform } from './uniform.ts';
import { weibull } from './weibull.ts';

/** A law by the name of its constructor and its arguments. */
export interface LawSpec {
  readonly law: string;
  readonly of: readonly (number | readonly number[])[];
  /** The law that is cut, of a truncated one. */
  readonly base?: LawSpec;
}

/** Inputs that can travel: what makes the same space again, and a digest by which that is checked. */
export interface InputsSpec {
  readonly names: readonly string[];
  readonly laws: readonly LawSpec[];
  /** Rows of the correlation of a Gaussian copula; absent where inputs are independent. */
  readonly correlation?: readonly (readonly number[])[];
  readonly digest: string;
}

type Make = (...of: never[]) => Law;

/** Constructors whose arguments are their parameters in this order. */
const MAKERS: Readonly<Record<string, readonly [make: Make, ...parameters: string[]]>> = {
  beta: [beta, 'alpha', 'beta', 'low', 'high'],
  binomial: [binomial, 'trials', 'probability'],
  categorical: [categorical, 'weights', 'values'],
  discreteUniform: [discreteUniform, 'low', 'high'],
  empirical: [empirical, 'data'],
  exponential: [exponential, 'rate'],
  gamma: [gamma, 'shape', 'scale'],
  gumbel: [gumbel, 'location', 'scale'],
  logNormal: [logNormal, 'mu', 'sigma'],
  logUniform: [logUniform, 'low', 'high'],
  normal: [normal, 'mean', 'sd'],
  pareto: [pareto, 'shape', 'scale'],
  poisson: [poisson, 'mean'],
  studentT: [studentT, 'degrees', 'location', 'scale'],
  triangular: [triangular, 'low', 'mode', 'high'],
  uniform: [uniform, 'low', 'high'],
  weibull: [weibull, 'shape', 'scale', 'location'],
};

/**
 * Inputs as numbers and names.
 * @throws OptionError for a law, or a dependence, that cannot be made again from its parameters.
 */
export function inputsSpec(where: string, space: InputSpace): InputsSpec {
  const { names, laws, dependence, dimension: d } = space;
  const specs = laws.map((law, c) => lawSpec(law) ?? cannotTravel(where, `inputs.${names[c]}`, law.name));
  const spec = { names, laws: specs, digest: inputDigest(space) };
  if (dependence === undefined) return remade(where, spec, space);
  const { correlation } = dependence as Partial<GaussianCopula>;
  if (correlation?.length !== d * d) return cannotTravel(where, 'dependence', 'a dependence made elsewhere');
  const rows = Array.from({ length: d }, (_, i) => [...correlation.subarray(i * d, (i + 1) * d)]);
  return remade(where, { ...spec, correlation: rows }, space);
}

/** The spec, if it makes the same inputs again. */
function remade(where: string, spec: InputsSpec, { names }: InputSpace): InputsSpec {
  try {
    spaceOf(where, spec);
    return spec;
  } catch {
    return cannotTravel(where, 'inputs', `one of ${names.join(', ')}`);
  }
}

/** The space of a spec. @throws OptionError unless it is the one that the spec was made of. */
export function spaceOf(where: string, spec: InputsSpec): InputSpace {
  const { names, laws, correlation, digest } = spec;
  const inputs = Object.fromEntries(names.map((name, c) => [name, lawOf(where, laws[c]!)]));
  const space = inputSpace(
    where,
    inputs,
    correlation === undefined ? undefined : gaussianCopula(correlation),
  );
  return inputDigest(space) === digest ? space : cannotTravel(where, 'inputs', 'other inputs than planned');
}

function lawSpec(law: Law): LawSpec | undefined {
  const { name, parameters, base } = law;
  if (name === 'truncated' && base !== undefined) {
    const inner = lawSpec(base);
    const of = [parameters.lower!, parameters.upper!];
    return inner === undefined ? undefined : { law: name, of, base: inner };
  }
  if (!Object.hasOwn(MAKERS, name)) return undefined;
  const [, ...order] = MAKERS[name]!;
  const of = order.map((parameter) => parameters[parameter]);
  return of.some((value) => value === undefined) ? undefined : { law: name, of: of as LawSpec['of'] };
}

function lawOf(where: string, { law, of, base }: LawSpec): Law {
  if (law === 'truncated' && base !== undefined)
    return truncated(lawOf(where, base), of[0] as number, of[1] as number);
  if (!Object.hasOwn(MAKERS, law)) return cannotTravel(where, 'inputs', law);
  const [make] = MAKERS[law]!;
  return make(...(of as never[]));
}

function cannotTravel(where: string, option: string, name: string): never {
  throw new OptionError({
    where,
    option,
    value: name,
    found: `\`${option}\` is ${name}, which cannot be made again on another machine`,
    expected: `laws such as ${Object.keys(MAKERS).slice(-4).join(', ')}, and a gaussianCopula`,
    fix: 'Or evaluate the model there alone: model: onCluster(cluster, moduleModel(url)).',
  });
}
