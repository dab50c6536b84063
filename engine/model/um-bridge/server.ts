import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Backend } from '../../backend/backend.ts';
import { defaultBackend } from '../../backend/choose.ts';
import { checkCount, checkOptionNames, show } from '../../check.ts';
import { EngineError, OptionError } from '../../errors.ts';
import type { DensityWithGradient } from '../log-density.ts';
import type { ModelLike } from '../model.ts';
import { type Lanes, openLanes, probedOutputs, type Served } from './lanes.ts';
import { answer, invalidInput, type Service } from './protocol.ts';

export interface ServeOptions {
  /** Any model. Either this or `logDensity`. */
  readonly model?: ModelLike;
  /** A log density, with a gradient or without; -Infinity is sent as the word that Python reads and writes. */
  readonly logDensity?: ModelLike | DensityWithGradient;
  /** [d] names of the inputs in order. */
  readonly inputs: readonly string[];
  /** [k] names of the outputs of a model, or of the parts of its answer. Default: one. */
  readonly outputs?: readonly string[];
  /**
   * [d] in the place of `outputs`: a point at which the model is asked, before anything is served, how many numbers it
   * returns.
   */
  readonly probe?: ArrayLike<number>;
  /** The vectors that the inputs come in. Default: one of all. */
  readonly inputSizes?: readonly number[];
  /** The vectors that the outputs go out in. Default: one of all. */
  readonly outputSizes?: readonly number[];
  /** What clients call it. Default 'forward', of a log density 'posterior'. */
  readonly name?: string;
  /** Default 4242; 0 takes a free one. */
  readonly port?: number;
  /** Address to listen on. Default '127.0.0.1': this machine only. Everybody who reaches another one may call. */
  readonly host?: string;
  /** Pages of this origin, 'http://localhost:3000', may call, too. Default: none, and requests that come from pages are refused. */
  readonly allowOrigin?: string;
  readonly backend?: Backend;
}

/** A model that answers over HTTP. */
export interface ModelServer {
  /** 'http://127.0.0.1:4242' */
  readonly url: string;
  readonly name: string;
  readonly inputSizes: readonly number[];
  readonly outputSizes: readonly number[];
  /** Whether it offers Gradient and ApplyJacobian. */
  readonly gradient: boolean;
  /** Points evaluated so far, and points that failed. */
  readonly counts: { readonly evaluated: number; readonly failed: number };
  /** Take no more requests, answer those under way for at most `grace` milliseconds (default 20 000), and end. */
  close(grace?: number): Promise<void>;
}

const NAMES = [
  ...['model', 'logDensity', 'inputs', 'outputs', 'probe', 'inputSizes', 'outputSizes'],
  ...['name', 'port', 'host', 'allowOrigin', 'backend'],
];

const WHERE = 'serveModel';

/** Time that an idle connection stays open, longer than clients usually keep theirs. */
const IDLE_MILLISECONDS = 65_000;
/** How often a server that ends looks for connections that became idle. */
const SWEEP_MILLISECONDS = 50;

/**
 * Serve a model or a log density by UM-Bridge 1.0, so that clients in any language can call it. Node only. Points of
 * requests that come at the same time are evaluated together, by the workers of the backend where the model can travel.
 * `config` is accepted and means nothing.
 * @throws OptionError for an option that cannot be used; ModelError when the model cannot be loaded; EngineError (code
 * 'serve') when the port cannot be had.
 */
export async function serveModel(options: ServeOptions): Promise<ModelServer> {
  const { inputs, inputSizes, name } = checkOptions(options);
  const { host = '127.0.0.1', port = 4242, allowOrigin } = options;
  const backend = options.backend ?? (await defaultBackend());
  const ended = new AbortController();
  const served = await servedOf(options, backend, ended.signal);
  const k = 'model' in served ? served.outputs.length : 1;
  const outputSizes = checkSizes('outputSizes', options.outputSizes, k);
  const lanes = await openLanes(WHERE, served, inputs, backend, ended.signal);
  const counts = { evaluated: 0, failed: 0 };
  const service = serviceOf({ name, inputSizes, outputSizes }, lanes, counts);
  const most = 2 ** 20 + 64 * inputs.length;
  const { createServer } = await nodeHttp();
  const server = createServer({ keepAliveTimeout: IDLE_MILLISECONDS }, (request, response) => {
    void respond(service, request, response, most, allowOrigin);
  });
  try {
    await listening(server, host, port);
  } catch (error) {
    lanes.dispose();
    throw error;
  }
  const { port: taken } = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${taken}`,
    ...{ name, inputSizes, outputSizes, gradient: lanes.gradient, counts },
    async close(grace = 20_000) {
      await ending(server, grace, () => ended.abort(new Error('The server ends.')));
      lanes.dispose();
    },
  };
}

/** A name in a variable keeps bundlers for browsers from following the import. */
function nodeHttp(): Promise<typeof import('node:http')> {
  const module = 'node:http';
  return import(/* @vite-ignore */ /* webpackIgnore: true */ module);
}

function checkOptions(options: ServeOptions): Pick<ModelServer, 'name' | 'inputSizes'> & {
  readonly inputs: readonly string[];
} {
  checkOptionNames(WHERE, options, NAMES);
  const { model, logDensity, inputs, outputs = ['y'], probe, port = 4242, allowOrigin } = options;
  if ((model === undefined) === (logDensity === undefined))
    throw badOption('model', model, 'either `model` or `logDensity`');
  checkNames('inputs', inputs);
  checkNames('outputs', outputs);
  checkCount(WHERE, 'port', port, { min: 0, max: 65_535 });
  if (allowOrigin !== undefined && !isOrigin(allowOrigin))
    throw badOption(
      'allowOrigin',
      allowOrigin,
      "one origin as browsers write it, such as 'http://localhost:3000'",
    );
  if (probe !== undefined && probe.length !== inputs.length)
    throw badOption('probe', probe, `one number for each of the ${inputs.length} inputs`);
  if (probe === undefined)
    checkSizes('outputSizes', options.outputSizes, logDensity === undefined ? outputs.length : 1);
  const { name = logDensity === undefined ? 'forward' : 'posterior' } = options;
  if (typeof name !== 'string' || name === '') throw badOption('name', name, 'a name');
  return { inputs, inputSizes: checkSizes('inputSizes', options.inputSizes, inputs.length), name };
}

async function servedOf(options: ServeOptions, backend: Backend, signal: AbortSignal): Promise<Served> {
  const { model, logDensity, inputs, outputs, probe } = options;
  if (logDensity !== undefined) return { logDensity };
  if (outputs !== undefined || probe === undefined) return { model: model!, outputs: outputs ?? ['y'] };
  return { model: model!, outputs: await probedOutputs(WHERE, model!, inputs, probe, backend, signal) };
}

/** Whether a browser would send exactly this: scheme, host and port, no path. */
function isOrigin(text: unknown): boolean {
  return typeof text === 'string' && URL.canParse(text) && new URL(text).origin === text;
}

function checkNames(option: string, names: unknown): void {
  const right = Array.isArray(names) && names.length > 0 && names.every((name) => typeof name === 'string');
  if (!right || new Set(names).size !== names.length)
    throw badOption(option, names, 'at least one name, each once');
}

function checkSizes(option: string, given: readonly number[] | undefined, total: number): readonly number[] {
  if (given === undefined) return [total];
  const right = Array.isArray(given) && given.every((size) => Number.isInteger(size) && size >= 0);
  if (right && given.reduce((sum, size) => sum + size, 0) === total) return given;
  throw badOption(option, right ? given.join(', ') : given, `counts that add up to ${total}`);
}

function badOption(option: string, value: unknown, expected: string): OptionError {
  const found = `option \`${option}\` is ${show(value)}`;
  return new OptionError({ where: WHERE, option, value, found, expected });
}

function serviceOf(
  declared: Pick<Service, 'name' | 'inputSizes' | 'outputSizes'>,
  lanes: Lanes,
  counts: { evaluated: number; failed: number },
): Service {
  const counted =
    (ask: (x: Float64Array) => Promise<Float64Array>) =>
    async (x: Float64Array): Promise<Float64Array> => {
      try {
        return await ask(x);
      } catch (error) {
        counts.failed++;
        throw error;
      } finally {
        counts.evaluated++;
      }
    };
  return {
    ...declared,
    evaluate: counted(lanes.value),
    gradient: lanes.gradient ? counted(lanes.slope) : undefined,
  };
}

async function respond(
  service: Service,
  request: IncomingMessage,
  response: ServerResponse,
  most: number,
  allowOrigin: string | undefined,
): Promise<void> {
  const { origin } = request.headers;
  // Browsers name the page that asks; it may be any page that a user of this machine looks at.
  if (origin !== undefined && origin !== allowOrigin) return end(response, 403, '');
  if (origin !== undefined) {
    response.setHeader('access-control-allow-origin', origin);
    response.setHeader('access-control-allow-headers', 'content-type');
    if (request.method === 'OPTIONS') return end(response, 204, '');
  }
  const text = await bodyOf(request, most);
  if (text === undefined) {
    response.setHeader('connection', 'close');
    const { status, body } = invalidInput(`The body has more than ${most} bytes.`);
    return end(response, status, body);
  }
  const { status, body } = await answer(service, request.method ?? '', request.url ?? '', text);
  end(response, status, body);
}

function end(response: ServerResponse, status: number, body: string): void {
  const type = body === '' ? {} : { 'content-type': 'application/json' };
  response.writeHead(status, { ...type, 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

/** The body; undefined when it is larger than `most` bytes or breaks off. */
async function bodyOf(request: IncomingMessage, most: number): Promise<string | undefined> {
  const parts: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const part of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      bytes += part.length;
      if (bytes > most) return undefined;
      parts.push(part);
    }
  } catch {
    return undefined;
  }
  return Buffer.concat(parts).toString();
}

function listening(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const taken = cause.code === 'EADDRINUSE';
      reject(
        new EngineError('serve', {
          where: WHERE,
          found: `port ${port} of ${host} ${taken ? 'is taken by another program' : `cannot be had (${cause.code ?? cause.message})`}`,
          expected: 'a free port',
          fix: 'Choose another with port, or 0 for any free one.',
          cause,
        }),
      );
    });
    server.listen(port, host, resolve);
  });
}

function ending(server: Server, grace: number, abort: () => void): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      abort();
      server.closeAllConnections();
    }, grace);
    // Clients keep connections open, which become idle as their requests are answered.
    const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_MILLISECONDS);
    server.close(() => {
      clearTimeout(timer);
      clearInterval(sweep);
      abort();
      resolve();
    });
    server.closeIdleConnections();
  });
}
