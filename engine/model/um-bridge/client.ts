import { checkCount, checkNumber, checkOneOf, checkOptionNames, checkRecord, show } from '../../check.ts';
import { OptionError } from '../../errors.ts';
import type { RemoteConnection, RemoteModel, RemoteTrouble } from '../model.ts';
import { type Connected, type ConnectOptions, connect, trouble } from './connect.ts';
import { numbersOf, vectorsOf, vectorsText, vectorText } from './numbers.ts';
import { ask } from './request.ts';

/*
 * A model behind HTTP that speaks UM-Bridge 1.0 (Seelinger et al., JOSS 8 (2023) 4748), as a model like any other. A point
 * is one request, so as many requests are under way as the server, or the cluster behind it, can work on.
 */

export interface UmBridgeOptions {
  /** 'http://localhost:4242'; https and a path before the names of the protocol are welcome. */
  readonly url: string | URL;
  /** Which of the server's models. Default: its only one. */
  readonly name?: string;
  /** Sent along with every request; what it means is the model's business. Default {}. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Requests under way at the same time. Default: twice the processor cores, where the server is elsewhere at least 16. */
  readonly concurrency?: number;
  /** Milliseconds that an evaluation may take before its point has failed. Default: as long as it needs. */
  readonly timeout?: number;
  /**
   * Further tries, after growing pauses from 0.1 s on, of a request that found no server or was answered 502, 503 or 504.
   * Default 6: about six seconds. No other answer is asked for again.
   */
  readonly retries?: number;
  /**
   * What follows from a point that the server refuses, that takes too long, or that has no finite answer. 'drop-row': it is
   * a failed point like that of any model, and `missing` of the method says what becomes of it. 'stop': the first one ends
   * the run at once. Default 'drop-row'. A server that nobody reaches any more ends the run in both.
   */
  readonly onError?: 'stop' | 'drop-row';
  /** Sent along with every request: `{ authorization: 'Bearer ...' }`. */
  readonly headers?: Readonly<Record<string, string>>;
}

const NAMES = ['url', 'name', 'config', 'concurrency', 'timeout', 'retries', 'onError', 'headers'] as const;

const WHERE = 'umBridge';

/**
 * A model, or a log density, on a UM-Bridge 1.0 server. Its inputs are the vectors of the protocol one after the other,
 * its outputs likewise. As a log density it has a gradient where the server offers `Gradient`. Nothing is asked before a
 * run starts; then the run fails with a ModelError when there is no server, it speaks another version of the protocol,
 * has no such model, or one with another number of inputs.
 * @throws OptionError for an option that cannot be used.
 */
export function umBridge(options: UmBridgeOptions): RemoteModel {
  const checked = checkOptions(options);
  return {
    kind: 'remote',
    async open(where, inputs, signal) {
      const connected = await connect(checked, where, inputs, signal);
      return connectionOf(checked, connected);
    },
  };
}

function checkOptions(options: UmBridgeOptions): ConnectOptions {
  checkOptionNames(WHERE, options, NAMES);
  const {
    name,
    config = {},
    concurrency,
    timeout,
    retries = 6,
    onError = 'drop-row',
    headers = {},
  } = options;
  if (name !== undefined && (typeof name !== 'string' || name === ''))
    throw badOption('name', name, 'the name of one of its models');
  checkRecord(WHERE, 'config', config, 'an object { setting: value }');
  checkRecord(WHERE, 'headers', headers, 'an object { name: text }');
  for (const [header, text] of Object.entries(headers))
    if (
      !/^[\w!#$%&'*+.^`|~-]+$/.test(header) ||
      typeof text !== 'string' ||
      !/^[\t\x20-\x7e\x80-\xff]*$/.test(text)
    )
      // Its text may be a secret.
      throw badOption(
        'headers',
        `an object with ${JSON.stringify(header)}`,
        'names and texts that HTTP allows',
      );
  if (concurrency !== undefined) checkCount(WHERE, 'concurrency', concurrency, { min: 1, max: 100_000 });
  if (timeout !== undefined)
    checkNumber(WHERE, 'timeout', timeout, (ms) => ms > 0 && ms < 2 ** 31, 'milliseconds, above 0');
  checkCount(WHERE, 'retries', retries, { min: 0, max: 1000 });
  checkOneOf(WHERE, 'onError', onError, ['stop', 'drop-row']);
  return {
    url: baseOf(options.url),
    name,
    config: JSON.stringify(config),
    concurrency,
    patience: { timeout: timeout ?? Infinity, retries },
    stop: onError === 'stop',
    headers,
  };
}

/** The address without a slash at its end. */
function baseOf(url: string | URL): string {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    throw badOption('url', url, "an address such as 'http://localhost:4242'");
  }
  if (parsed.protocol !== 'http:' && parsed.protocol !== 'https:')
    throw badOption('url', parsed.href, "an address such as 'http://localhost:4242'");
  if (parsed.username !== '' || parsed.password !== '')
    throw badOption(
      'url',
      'an address with a password',
      "one without, and headers: { authorization: '...' }",
    );
  return `${parsed.origin}${parsed.pathname.replace(/\/+$/, '')}`;
}

function badOption(option: string, value: unknown, expected: string): OptionError {
  const found = `option \`${option}\` is ${show(value)}`;
  return new OptionError({ where: WHERE, option, value, found, expected });
}

function connectionOf(options: ConnectOptions, connected: Connected): RemoteConnection {
  const { name, inputSizes, outputSizes, supports, transport, concurrency } = connected;
  const start = `{"name":${JSON.stringify(name)},"config":${options.config},"input":`;
  const call = (path: string, x: Float64Array, more: string, signal: AbortSignal): ReturnType<typeof ask> => {
    const body = `${start}${vectorsText(x, inputSizes)}${more}}`;
    return ask(transport, `${options.url}/${path}`, body, options.patience, signal);
  };
  const evaluate: RemoteConnection['evaluate'] = async (x, signal) => {
    const unsendable = x.find((value) => !Number.isFinite(value));
    if (unsendable !== undefined) return { reason: `cannot be sent ${unsendable}`, lost: false };
    const reply = await call('Evaluate', x, '', signal);
    return reply.kind === 'value' ? flatOutput(reply.body.output, outputSizes) : trouble(reply);
  };
  const outputs = outputSizes.reduce((sum, size) => sum + size, 0);
  return {
    label: options.url,
    outputs,
    concurrency,
    stop: options.stop,
    evaluate,
    ...(supports.gradient ? { gradient: (x, signal) => gradientOf(call, connected, x, signal) } : {}),
    gradientCost: inputSizes.length,
    close: () => transport.close(),
  };
}

/** The output vectors one after the other, when they have the sizes that were declared. */
function flatOutput(output: unknown, sizes: readonly number[]): Float64Array | RemoteTrouble {
  const vectors = vectorsOf(output);
  if (vectors === undefined) return failed('returned what is no list of vectors');
  if (vectors.length !== sizes.length)
    return failed(`returned ${vectors.length} vectors, declared ${sizes.length}`);
  const wrong = vectors.findIndex((vector, i) => vector.length !== sizes[i]);
  if (wrong >= 0)
    return failed(`returned ${vectors[wrong]!.length} numbers in output ${wrong}, declared ${sizes[wrong]}`);
  return Float64Array.from(vectors.flat());
}

function failed(reason: string): RemoteTrouble {
  return { reason, lost: false };
}

/** sens' J of the first output for every input vector, with sens = (1, 0, ...). */
async function gradientOf(
  call: (path: string, x: Float64Array, more: string, signal: AbortSignal) => ReturnType<typeof ask>,
  { inputSizes, outputSizes }: Connected,
  x: Float64Array,
  signal: AbortSignal,
): Promise<Float64Array | RemoteTrouble> {
  const sens = vectorText(Array.from({ length: outputSizes[0]! }, (_, j) => (j === 0 ? 1 : 0)));
  const gradient = new Float64Array(x.length);
  let at = 0;
  for (const [wrt, size] of inputSizes.entries()) {
    const reply = await call('Gradient', x, `,"outWrt":0,"inWrt":${wrt},"sens":${sens}`, signal);
    if (reply.kind !== 'value') return trouble(reply);
    const part = numbersOf(reply.body.output);
    if (part?.length !== size)
      return failed(`returned ${part?.length ?? 'no'} numbers as gradient by input ${wrt}, declared ${size}`);
    gradient.set(part, at);
    at += size;
  }
  return gradient;
}
