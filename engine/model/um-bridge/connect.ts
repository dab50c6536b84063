import { nearestName } from '../../check.ts';
import { ModelError, OptionError } from '../../errors.ts';
import type { RemoteTrouble } from '../model.ts';
import { recordOf } from './numbers.ts';
import { ask, type Patience, type Reply } from './request.ts';
import { openTransport, type Transport } from './transport.ts';

/** The version of the protocol that is spoken here. */
export const PROTOCOL = 1;

/** Options of a client, checked. */
export interface ConnectOptions {
  /** Without a slash at its end. */
  readonly url: string;
  readonly name: string | undefined;
  /** As JSON. */
  readonly config: string;
  readonly concurrency: number | undefined;
  readonly patience: Patience;
  readonly stop: boolean;
  readonly headers: Readonly<Record<string, string>>;
}

/** A server that was asked who it is. */
export interface Connected {
  readonly name: string;
  readonly inputSizes: readonly number[];
  readonly outputSizes: readonly number[];
  readonly supports: { readonly gradient: boolean };
  readonly transport: Transport;
  readonly concurrency: number;
}

/** A server that is not there is told of soon: nobody has worked for it yet. */
const FIRST_CONTACT: Patience = { timeout: 30_000, retries: 2 };

/**
 * Ask a server for its version, its models, and the sizes of the one that is wanted.
 * @throws ModelError when nobody answers, the version is another one, or there is no such model; OptionError when it takes
 * another number of inputs.
 */
export async function connect(
  options: ConnectOptions,
  where: string,
  inputs: readonly string[],
  signal: AbortSignal,
): Promise<Connected> {
  const concurrency = options.concurrency ?? (await defaultConcurrency(options.url));
  const transport = await openTransport(options.url, concurrency, options.headers);
  try {
    const name = chosenName(options, await info(options, transport, signal));
    const question = JSON.stringify({ name });
    const withConfig = `{"name":${JSON.stringify(name)},"config":${options.config}}`;
    const get = (path: string, body: string): ReturnType<typeof first> =>
      first(options, transport, path, body, signal);
    const support = recordOf((await get('ModelInfo', question)).support) ?? {};
    if (support.Evaluate !== true)
      throw unusable(options, `model ${name} does not evaluate`, 'one that supports Evaluate');
    const inputSizes = sizesOf(options, 'inputSizes', (await get('InputSizes', withConfig)).inputSizes);
    const outputSizes = sizesOf(options, 'outputSizes', (await get('OutputSizes', withConfig)).outputSizes);
    checkInputs(where, name, inputSizes, inputs);
    const supports = { gradient: support.Gradient === true };
    return { name, inputSizes, outputSizes, supports, transport, concurrency };
  } catch (error) {
    transport.close();
    throw error;
  }
}

/** A point that has no answer. */
export function trouble(reply: Exclude<Reply, { readonly kind: 'value' }>): RemoteTrouble {
  return { reason: reply.reason, lost: reply.kind === 'lost' };
}

async function info(
  options: ConnectOptions,
  transport: Transport,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const { protocolVersion, models } = await first(options, transport, 'Info', undefined, signal);
  if (protocolVersion !== PROTOCOL) {
    const found = `the server speaks version ${String(protocolVersion)} of the protocol`;
    throw unusable(options, found, 'UM-Bridge 1.0');
  }
  if (Array.isArray(models) && models.every((name) => typeof name === 'string')) return models;
  throw unusable(options, 'the server does not list its models', 'a UM-Bridge 1.0 server');
}

/** A question before the first point, which must be answered. */
async function first(
  options: ConnectOptions,
  transport: Transport,
  path: string,
  body: string | undefined,
  signal: AbortSignal,
): Promise<Readonly<Record<string, unknown>>> {
  const { timeout, retries } = options.patience;
  const patience = {
    timeout: Math.min(FIRST_CONTACT.timeout, timeout),
    retries: Math.min(FIRST_CONTACT.retries, retries),
  };
  const reply = await ask(transport, `${options.url}/${path}`, body, patience, signal);
  if (reply.kind === 'value') return reply.body;
  const subject = path === 'Info' ? 'the server' : `asked for ${path}, the server`;
  throw unusable(options, `${subject} ${reply.reason}`, 'a UM-Bridge 1.0 server', 'Is it running there?');
}

function unusable({ url }: ConnectOptions, found: string, expected: string, fix?: string): ModelError {
  return new ModelError({ where: url, found, expected, ...(fix === undefined ? {} : { fix }) });
}

function chosenName(options: ConnectOptions, models: readonly string[]): string {
  const { name } = options;
  if (name !== undefined && models.includes(name)) return name;
  if (name === undefined && models.length === 1) return models[0]!;
  const near = name === undefined ? undefined : nearestName(name, models);
  throw unusable(
    options,
    name === undefined ? `the server has ${models.length} models` : `the server has no model "${name}"`,
    models.length === 0 ? 'one with a model' : `\`name\` to be one of ${models.join(', ')}`,
    near === undefined ? undefined : `Did you mean ${near}?`,
  );
}

function sizesOf(options: ConnectOptions, what: string, value: unknown): readonly number[] {
  const sizes = Array.isArray(value) ? value : [];
  const right = sizes.length > 0 && sizes.every((size) => Number.isInteger(size) && size >= 0);
  if (right && sizes.some((size) => size > 0)) return sizes;
  throw unusable(options, `the server declares ${what} ${JSON.stringify(value)}`, 'a list of counts');
}

function checkInputs(where: string, name: string, sizes: readonly number[], inputs: readonly string[]): void {
  const total = sizes.reduce((sum, size) => sum + size, 0);
  if (total === inputs.length) return;
  const vectors = sizes.length === 1 ? '' : ` (vectors of ${sizes.join(', ')})`;
  throw new OptionError({
    where,
    option: 'model',
    value: total,
    found: `the model \`${name}\` takes ${total} number${total === 1 ? '' : 's'}${vectors}, and there ${inputs.length === 1 ? 'is 1 input' : `are ${inputs.length} inputs`}`,
    expected: 'one input for each number it takes',
  });
}

/** Least requests at the same time to a server elsewhere, behind which there may be many machines. */
const ELSEWHERE = 16;

async function defaultConcurrency(url: string): Promise<number> {
  const twice = 2 * (await cores());
  return isLoopback(new URL(url).hostname) ? twice : Math.max(ELSEWHERE, twice);
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || /^127\./.test(host);
}

async function cores(): Promise<number> {
  if (typeof navigator === 'object' && navigator.hardwareConcurrency > 0)
    return navigator.hardwareConcurrency;
  const name = 'node:os';
  const os: typeof import('node:os') = await import(/* @vite-ignore */ /* webpackIgnore: true */ name);
  return os.availableParallelism();
}
