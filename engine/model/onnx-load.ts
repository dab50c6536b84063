import { checkCount, checkList, show } from '../check.ts';
import { BackendError, ModelError, OptionError } from '../errors.ts';
import { threadSessions } from './onnx-threads.ts';
import type { OnnxArray, OnnxOptions, OnnxProvider, OnnxRuntime, Runtime, Session } from './onnx-types.ts';

/*
 * A runtime that is there, and sessions on a provider that is there.
 */

/** A network that can run. */
export interface Loaded {
  readonly session: Session;
  tensor(type: string, data: OnnxArray, dims: readonly number[]): object;
  readonly place: string;
}

/** A runtime in use. */
export interface FoundRuntime {
  readonly runtime: Runtime;
  /** 'onnxruntime-node' */
  readonly name: string;
  readonly version: string | undefined;
  tensor: Loaded['tensor'];
}

/** Else its threads wait busily for tens of milliseconds after each run, while the engine and other sessions want the processors. */
const NO_SPINNING = { session: { force_spinning_stop: '1' } };

/**
 * Sessions on the first of the providers that is there.
 * @throws BackendError when none is; ModelError when the file is no ONNX file, or cannot be loaded.
 */
export async function load(
  where: string,
  found: FoundRuntime,
  { model, providers, threads, sessions }: OnnxOptions,
): Promise<Loaded> {
  const { runtime, name, version } = found;
  // `onnxNetwork` has looked.
  const file = placeOf(model as string | URL | Uint8Array);
  const own = sessions === undefined ? threads : (threads ?? 1);
  const tried: { readonly provider: string; readonly cause: unknown }[] = [];
  for (const provider of providers ?? [undefined]) {
    const settings = {
      ...(provider === undefined ? {} : { executionProviders: [provider] }),
      ...(own === undefined ? {} : { intraOpNumThreads: own }),
      ...(name === 'onnxruntime-node' ? { extra: NO_SPINNING } : {}),
    };
    try {
      const session = await (sessions === undefined
        ? runtime.InferenceSession.create(file, settings)
        : threadSessions(sessions, name, file, settings));
      const used = `${provider === undefined ? defaultOf(name) : told(provider)} by ${name}${version === undefined ? '' : ` ${version}`}`;
      if (sessions === undefined) return { session, tensor: found.tensor, place: used };
      return {
        session,
        tensor: (type, data, dims) => ({ type, data, dims }),
        place: `${used}, in ${sessions} thread${sessions > 1 ? 's' : ''}`,
      };
    } catch (cause) {
      const failure = notLoaded(where, nameOf(model), cause, provider);
      if (failure !== undefined) throw failure;
      tried.push({ provider: provider === undefined ? 'its default' : told(provider), cause });
    }
  }
  throw noProvider(where, found, tried);
}

const told = (provider: OnnxProvider): string => (typeof provider === 'string' ? provider : provider.name);
const defaultOf = (name: string): string => (name === 'onnxruntime-web' ? 'wasm' : 'cpu');

/** A file: address is a path in Node. */
function placeOf(model: string | URL | Uint8Array): string | Uint8Array {
  if (!(model instanceof URL)) return model;
  if (model.protocol !== 'file:') return model.href;
  // '/C:/network.onnx' where there are drives.
  return decodeURIComponent(model.pathname).replace(/^\/([A-Za-z]:\/)/, '$1');
}

/** What is wrong with the file; undefined when it is the provider that is missing. */
function notLoaded(
  where: string,
  name: string,
  cause: unknown,
  provider: OnnxProvider | undefined,
): ModelError | undefined {
  const reason = firstLine(cause);
  const missing = /exist|no such file|404|fetch/i.test(reason);
  const notOnnx = /protobuf|data pointer is null|no graph/i.test(reason);
  const ofProvider = /provider|backend not found|no available backend|adapter/i.test(reason);
  if (ofProvider || (provider !== undefined && !missing && !notOnnx)) return undefined;
  return new ModelError({
    where,
    found: missing
      ? `${name} is not there`
      : notOnnx
        ? `${name} is not an ONNX file`
        : `${name} could not be loaded: ${reason}`,
    expected: 'a network as torch.onnx.export writes it',
    ...(missing ? { fix: 'Give its path, or its bytes.' } : {}),
    cause,
  });
}

function noProvider(
  where: string,
  { runtime, name }: FoundRuntime,
  tried: readonly { readonly provider: string; readonly cause: unknown }[],
): BackendError {
  const reasons = tried.map(({ provider, cause }) => `${provider}: ${firstLine(cause)}`);
  const there = runtime.listSupportedBackends?.().filter(({ bundled }) => bundled);
  const list = there?.map((each) => each.name).join(', ') ?? defaultOf(name);
  return new BackendError({
    where,
    found: `no session could be made on ${tried.map(({ provider }) => provider).join(', ')} (${reasons.join('; ')})`,
    expected: `a provider that is there: ${name} comes with ${list}`,
    fix: `Name '${defaultOf(name)}' last to do without, or leave \`providers\` out.`,
    cause: tried.at(-1)?.cause,
    tried: reasons,
  });
}

/** What the package says of itself, or of what was handed over. */
function foundRuntime(runtime: Runtime, name: string): FoundRuntime {
  const versions = runtime.env?.versions ?? {};
  const { Tensor } = runtime;
  return {
    runtime,
    name,
    version: versions[name.replace('onnxruntime-', '')] ?? versions.common,
    tensor: (type, data, dims) => new Tensor(type, data, dims),
  };
}

/**
 * The runtime that was handed over, or the package that is installed.
 * @throws BackendError when there is none; OptionError when `sessions` cannot be.
 */
export async function runtimeOf(
  where: string,
  { runtime: given, threads, sessions, providers }: OnnxOptions,
): Promise<FoundRuntime> {
  if (threads !== undefined) checkCount(where, 'threads', threads, { min: 1, max: 1024 });
  if (sessions !== undefined) checkCount(where, 'sessions', sessions, { min: 1, max: 1024 });
  if (providers !== undefined) checkList(where, 'providers', providers, "a list such as ['cuda', 'cpu']");
  if (given !== undefined) {
    // The types of the packages are not there where they are not installed.
    const runtime = checkRuntime(where, given) as unknown as Runtime;
    if (sessions !== undefined) throw noThreads(where, sessions, 'option `runtime` is given with `sessions`');
    const web = runtime.env?.versions?.web !== undefined;
    return foundRuntime(runtime, web ? 'onnxruntime-web' : 'onnxruntime-node');
  }
  const node = typeof process !== 'undefined' && process.versions?.node !== undefined;
  const tried: string[] = [];
  for (const name of node ? ['onnxruntime-node', 'onnxruntime-web'] : ['onnxruntime-web']) {
    try {
      // A name in a variable, so that bundlers for browsers leave this import alone.
      const found = (await import(name)) as { readonly default?: Runtime } & Runtime;
      if (sessions !== undefined && name !== 'onnxruntime-node')
        throw noThreads(where, sessions, `${name} has no sessions in threads of their own`);
      return foundRuntime(found.InferenceSession === undefined ? found.default! : found, name);
    } catch (cause) {
      if (cause instanceof OptionError) throw cause;
      tried.push(`${name}: ${firstLine(cause)}`);
    }
  }
  const name = node ? 'onnxruntime-node' : 'onnxruntime-web';
  throw new BackendError({
    where,
    found: `there is nothing to run networks with (${tried.join('; ')})`,
    expected: `the package ${name}`,
    fix: node
      ? `Install it: npm install ${name}.`
      : `Install it, and hand it over: import * as runtime from '${name}'.`,
    tried,
  });
}

function noThreads(where: string, sessions: number, found: string): OptionError {
  return new OptionError({
    ...{ where, option: 'sessions', value: sessions, found },
    expected: 'the package onnxruntime-node, in Node',
    fix: 'Leave `sessions` out; in browsers see `threads`.',
  });
}

function checkRuntime(where: string, runtime: OnnxRuntime): OnnxRuntime {
  if (typeof runtime?.InferenceSession?.create === 'function' && typeof runtime.Tensor === 'function')
    return runtime;
  throw new OptionError({
    where,
    option: 'runtime',
    value: runtime,
    found: `option \`runtime\` is ${show(runtime)}`,
    expected: 'a runtime with InferenceSession and Tensor',
    fix: "Try import * as runtime from 'onnxruntime-web'.",
  });
}

/** The file's, or 'network'. */
export function nameOf(model: OnnxOptions['model']): string {
  if (typeof model !== 'string' && !(model instanceof URL)) return 'network';
  return String(model).split(/[\\/]/).pop()!;
}

function firstLine(cause: unknown): string {
  return (cause instanceof Error ? cause.message : String(cause)).split('\n')[0]!;
}
