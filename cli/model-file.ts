import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as v from 'valibot';
import {
  type Dependence,
  EngineError,
  type GpuKernel,
  type Inputs,
  inputSpace,
  loadModule,
  ModelError,
  type ModelLike,
  moduleModel,
  nearestName,
  type RemoteModel,
} from '../estimators/index.ts';
import { checkReadable } from './files.ts';
import type { OutputText } from './format/look.ts';
import { checkSpelling } from './misspelt-export.ts';

/** Outputs that are one quantity along an axis: `export const series = { name, axis, at }`. */
export interface Series {
  readonly name: string;
  readonly unit?: string;
  readonly axis: string;
  readonly axisUnit?: string;
  readonly at: readonly number[];
}

/** What a model module, or a problem file, says about itself. */
export interface Problem {
  /** Base name, never a path: 'flood.ts'. */
  readonly file: string;
  readonly inputs: Inputs;
  readonly dependence: Dependence | undefined;
  readonly groups: Readonly<Record<string, readonly string[]>> | undefined;
  /** Names of the outputs in order; undefined when the file does not say. */
  readonly outputs: readonly string[] | undefined;
  /** Units and labels by output name. */
  readonly texts: Readonly<Record<string, OutputText>>;
  readonly series: Series | undefined;
}

export interface ModelFile extends Problem {
  /** For `moduleModel`; undefined where there is no module: the model is a server's, and its inputs are a SALib problem. */
  readonly url: string | undefined;
  /** SHA-256 of the file, hexadecimal; of a server the address and settings are in it. */
  readonly hash: string;
  /** The model, when it is a `gpuKernel`; any other is loaded again by every worker. */
  readonly kernel: GpuKernel | undefined;
  /** The model, when it is on a server. */
  readonly remote: RemoteModel | undefined;
}

/** The model for a method. */
export function modelOf({ remote, kernel, url }: ModelFile): ModelLike {
  return remote ?? kernel ?? moduleModel(url!);
}

const optionalText = v.optional(v.string());
const namesSchema = v.pipe(v.array(v.pipe(v.string(), v.nonEmpty())), v.nonEmpty());
const outputsSchema = v.union([
  namesSchema,
  v.record(v.string(), v.object({ unit: optionalText, label: optionalText })),
]);
const groupsSchema = v.optional(v.record(v.string(), namesSchema));
const seriesSchema = v.optional(
  v.object({
    name: v.string(),
    unit: optionalText,
    axis: v.string(),
    axisUnit: optionalText,
    at: v.array(v.number()),
  }),
);

/** Files that are modules, and not SALib problems. */
export function isModule(file: string): boolean {
  return /\.(m?[jt]s|c[jt]s)$/.test(file);
}

/**
 * A model module with everything that the command needs to know about it.
 * @throws InputError when there is no such file; ModelError when it cannot be loaded, or exports no `inputs`
 *   or no model, or something of the wrong form.
 */
export async function loadModelFile(where: string, path: string): Promise<ModelFile> {
  checkReadable(where, path);
  if (!isModule(path)) throw noModule(path);
  const problem = await loadModuleProblem(where, path);
  if (problem.model === undefined) {
    throw new ModelError({
      where: problem.file,
      found: 'no default export',
      expected: 'the model as default export, a function of { name: value }',
      fix: `For example export default ({ ${Object.keys(problem.inputs)[0]} }) => ...`,
    });
  }
  return problem;
}

function noModule(path: string): ModelError {
  return new ModelError({
    where: basename(path),
    found: 'this is no module',
    expected: 'a model as .js, .mjs or .ts',
    fix: 'A problem without a model is for `ensample sample` and `ensample analyze`, or for --inputs of a model on a server.',
  });
}

/** The same without asking for a model: a module used as PROBLEM. */
export async function loadModuleProblem(
  where: string,
  path: string,
): Promise<ModelFile & { readonly model: unknown }> {
  checkReadable(where, path);
  const file = basename(path);
  const url = pathToFileURL(resolve(path)).href;
  const hash = createHash('sha256').update(readFileSync(path)).digest('hex');
  const exports = await loadModule(url).catch((error: unknown) => {
    if (error instanceof ModelError)
      error.message = withBaseNames(error.message.replaceAll(resolve(path), file));
    throw error;
  });
  checkSpelling(file, exports, ['inputs', 'dependence', 'groups', 'outputs', 'series']);
  const inputs = checkInputs(file, exports);
  const outputs = checkExport(
    file,
    'outputs',
    v.optional(outputsSchema),
    exports,
    "an array of names, or a record such as { overflow: { unit: 'm' } }",
  );
  return {
    file,
    url,
    hash,
    inputs,
    model: exports.default,
    kernel: kernelOf(exports.default),
    remote: undefined,
    // A foreign object that answers the interface; the estimator checks its dimension.
    dependence: exports.dependence as Dependence | undefined,
    groups: checkGroups(file, exports, Object.keys(inputs)),
    series: checkSeries(file, exports),
    ...outputNames(outputs),
  };
}

/** A value made by `gpuKernel`, of whichever copy of this package. */
function kernelOf(value: unknown): GpuKernel | undefined {
  const kind = (value as { readonly kind?: unknown } | null | undefined)?.kind;
  return kind === 'gpu-kernel' ? (value as GpuKernel) : undefined;
}

/** A message in which files and packages stand by their base names, not by where they lie on this machine. */
export function withBaseNames(message: string): string {
  return message
    .replace(/(['"])(?:file:\/\/|[A-Za-z]:)?[\\/][^'"]*?([^'"\\/]+)[\\/]?\1/g, '$1$2$1')
    .replace(/(^|[\s(])(?:file:\/\/|[A-Za-z]:)?[\\/](?:[^\s'"()\\/]+[\\/])+([^\s'"()\\/]+)/g, '$1$2');
}

function outputNames(
  outputs: v.InferOutput<typeof outputsSchema> | undefined,
): Pick<Problem, 'outputs' | 'texts'> {
  if (outputs === undefined) return { outputs: undefined, texts: {} };
  if (Array.isArray(outputs)) return { outputs, texts: {} };
  const texts = Object.entries(outputs).map(([name, { unit, label }]) => {
    const text = { ...(unit === undefined ? {} : { unit }), ...(label === undefined ? {} : { label }) };
    return [name, text] as const;
  });
  return { outputs: Object.keys(outputs), texts: Object.fromEntries(texts) };
}

function checkInputs(file: string, exports: Readonly<Record<string, unknown>>): Inputs {
  if (exports.inputs === undefined) {
    throw new ModelError({
      where: file,
      found: 'no export `inputs`',
      expected: 'export const inputs = { name: law, ... }',
      fix: 'For example export const inputs = { x: uniform(0, 1) }.',
    });
  }
  try {
    const inputs = exports.inputs as Inputs; // inputSpace checks every entry
    inputSpace(file, inputs);
    return inputs;
  } catch (error) {
    // A setting in code, but the content of a file on the command line: exit code 1, not 2.
    if (!(error instanceof EngineError)) throw error;
    throw asModelError(error);
  }
}

function asModelError(error: EngineError): ModelError {
  const told = new ModelError({ where: error.where, found: '', expected: '', cause: error });
  told.message = error.message;
  return told;
}

/** Groups of inputs that exist, each input in one group: a fault of the file, not of the flags. */
function checkGroups(
  file: string,
  exports: Readonly<Record<string, unknown>>,
  inputs: readonly string[],
): v.InferOutput<typeof groupsSchema> {
  const form = "a record such as { soil: ['k1', 'k2'] }";
  const groups = checkExport(file, 'groups', groupsSchema, exports, form);
  const seen = new Map<string, string>();
  for (const [group, members] of Object.entries(groups ?? {})) {
    for (const member of members) {
      const place = `export \`groups.${group}\``;
      if (!inputs.includes(member)) {
        const near = nearestName(member, inputs);
        const fix = near === undefined ? {} : { fix: `Did you mean ${near}?` };
        throw new ModelError({
          where: file,
          found: `${place} names "${member}"`,
          expected: 'names of inputs',
          ...fix,
        });
      }
      const before = seen.get(member);
      if (before !== undefined) {
        const found = `${place} names ${member}, which is in \`${before}\` already`;
        throw new ModelError({ where: file, found, expected: 'each input in one group, once' });
      }
      seen.set(member, group);
    }
  }
  return groups;
}

function checkSeries(file: string, exports: Readonly<Record<string, unknown>>): Series | undefined {
  const form = '{ name, axis, at } with one number in `at` for each output';
  const series = checkExport(file, 'series', seriesSchema, exports, form);
  if (series === undefined) return undefined;
  const { unit, axisUnit, ...rest } = series;
  return {
    ...rest,
    ...(unit === undefined ? {} : { unit }),
    ...(axisUnit === undefined ? {} : { axisUnit }),
  };
}

function checkExport<const S extends v.GenericSchema>(
  file: string,
  name: string,
  schema: S,
  exports: Readonly<Record<string, unknown>>,
  expected: string,
): v.InferOutput<S> {
  const parsed = v.safeParse(schema, exports[name]);
  if (parsed.success) return parsed.output;
  const issue = parsed.issues[0];
  const path = v.getDotPath(issue);
  const place = path === null ? name : `${name}.${path}`;
  throw new ModelError({
    where: file,
    found: `export \`${place}\` is ${issue.received}`,
    expected,
  });
}
