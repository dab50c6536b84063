import { numbersOf, readBody, recordOf, vectorsOf, vectorsText, vectorText } from './numbers.ts';

/*
 * The server's side of UM-Bridge 1.0 without its sockets: a request as text in, a status and a text out.
 *
 *   ModelNotFound       400   no model of that name
 *   UnsupportedFeature  400   the model cannot do that
 *   InvalidInput        400   vectors or indices that do not fit, or no JSON
 *   InvalidOutput       500   the model failed, or returned what is no finite number or other sizes than it declared
 */

/** A model as the protocol sees it. */
export interface Service {
  readonly name: string;
  readonly inputSizes: readonly number[];
  readonly outputSizes: readonly number[];
  /** The outputs at x [d], one vector after the other; rejects with what the client is told. */
  evaluate(x: Float64Array): Promise<ArrayLike<number>>;
  /** The gradient [d] of the only output; absent where there is none. */
  readonly gradient: ((x: Float64Array) => Promise<ArrayLike<number>>) | undefined;
}

export interface Answer {
  readonly status: number;
  readonly body: string;
}

type ErrorType = 'ModelNotFound' | 'UnsupportedFeature' | 'InvalidInput' | 'InvalidOutput';

/** An error that the protocol knows, thrown to the one place that makes an answer of it. */
class Refusal extends Error {
  readonly type: ErrorType;
  constructor(type: ErrorType, message: string) {
    super(message);
    this.type = type;
  }
}

type Request = Readonly<Record<string, unknown>>;

const HANDLERS: Readonly<Record<string, (service: Service, request: Request) => Promise<string> | string>> = {
  '/ModelInfo': modelInfo,
  '/InputSizes': ({ inputSizes }) => JSON.stringify({ inputSizes }),
  '/OutputSizes': ({ outputSizes }) => JSON.stringify({ outputSizes }),
  '/Evaluate': evaluate,
  '/Gradient': gradient,
  '/ApplyJacobian': applyJacobian,
  '/ApplyHessian': () => {
    throw new Refusal('UnsupportedFeature', 'The model has no ApplyHessian.');
  },
};

/** What to answer to a request; `text` is its body. Never rejects. */
export async function answer(service: Service, method: string, path: string, text: string): Promise<Answer> {
  if (path === '/Info' && method === 'GET')
    return { status: 200, body: `{"protocolVersion":1.0,"models":[${JSON.stringify(service.name)}]}` };
  const handle = Object.hasOwn(HANDLERS, path) ? HANDLERS[path]! : undefined;
  if (handle === undefined && path !== '/Info') return { status: 404, body: '' };
  if (handle === undefined || method !== 'POST') return { status: 405, body: '' };
  try {
    const request = requestOf(text);
    if (request.name !== service.name) throw unknownModel(service, request.name);
    return { status: 200, body: await handle(service, request) };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return errorAnswer(error instanceof Refusal ? error.type : 'InvalidOutput', message);
  }
}

function errorAnswer(type: ErrorType, message: string): Answer {
  return { status: type === 'InvalidOutput' ? 500 : 400, body: JSON.stringify({ error: { type, message } }) };
}

/** The answer to a request that cannot be read at all. */
export function invalidInput(message: string): Answer {
  return errorAnswer('InvalidInput', message);
}

function requestOf(text: string): Request {
  let value: unknown;
  try {
    value = readBody(text);
  } catch {
    throw new Refusal('InvalidInput', 'The body is no JSON.');
  }
  const request = recordOf(value);
  if (request === undefined) throw new Refusal('InvalidInput', 'The body is no JSON object.');
  if (request.config !== undefined && recordOf(request.config) === undefined)
    throw new Refusal('InvalidInput', 'config is no JSON object.');
  return request;
}

function unknownModel({ name }: Service, asked: unknown): Refusal {
  return new Refusal(
    'ModelNotFound',
    `There is no model ${JSON.stringify(asked) ?? 'without name'}; there is ${JSON.stringify(name)}.`,
  );
}

function modelInfo(service: Service): string {
  const differentiable = service.gradient !== undefined;
  return JSON.stringify({
    support: { Evaluate: true, Gradient: differentiable, ApplyJacobian: differentiable, ApplyHessian: false },
  });
}

async function evaluate(service: Service, request: Request): Promise<string> {
  const x = pointOf(service, request);
  const y = await service.evaluate(x);
  const declared = service.outputSizes.reduce((sum, size) => sum + size, 0);
  if (y.length !== declared)
    throw new Refusal('InvalidOutput', `The model returned ${y.length} numbers; it declared ${declared}.`);
  return `{"output":${vectorsText(y, service.outputSizes)}}`;
}

/** sens' J, J the derivative of the only output by vector inWrt. */
async function gradient(service: Service, request: Request): Promise<string> {
  const { x, from, to, slope } = derivativeOf(service, request, 'Gradient');
  const [weight] = vectorOf(request, 'sens', 1);
  const all = await slope(x);
  const part = Array.from({ length: to - from }, (_, c) => weight! * all[from + c]!);
  return `{"output":${vectorText(part)}}`;
}

/** J vec. */
async function applyJacobian(service: Service, request: Request): Promise<string> {
  const { x, from, to, slope } = derivativeOf(service, request, 'ApplyJacobian');
  const vec = vectorOf(request, 'vec', to - from);
  const all = await slope(x);
  return `{"output":${vectorText([vec.reduce((sum, v, c) => sum + v * all[from + c]!, 0)])}}`;
}

/** What the two derivatives share; coordinates from..to-1 of x are vector inWrt. */
function derivativeOf(
  service: Service,
  request: Request,
  feature: string,
): {
  readonly x: Float64Array;
  readonly from: number;
  readonly to: number;
  readonly slope: (x: Float64Array) => Promise<ArrayLike<number>>;
} {
  const slope = service.gradient;
  if (slope === undefined) throw new Refusal('UnsupportedFeature', `The model has no ${feature}.`);
  const { inputSizes, outputSizes } = service;
  const x = pointOf(service, request);
  indexOf(request, 'outWrt', outputSizes.length);
  const at = indexOf(request, 'inWrt', inputSizes.length);
  const from = inputSizes.slice(0, at).reduce((sum, size) => sum + size, 0);
  return { x, from, to: from + inputSizes[at]!, slope };
}

function pointOf({ inputSizes }: Service, { input }: Request): Float64Array {
  const vectors = vectorsOf(input);
  if (vectors === undefined) throw new Refusal('InvalidInput', 'input is no list of vectors of numbers.');
  if (vectors.length !== inputSizes.length)
    throw new Refusal(
      'InvalidInput',
      `input has ${vectors.length} vectors; the model takes ${inputSizes.length}.`,
    );
  const wrong = vectors.findIndex((vector, i) => vector.length !== inputSizes[i]);
  if (wrong >= 0)
    throw new Refusal(
      'InvalidInput',
      `Vector ${wrong} of input has length ${vectors[wrong]!.length}; expected ${inputSizes[wrong]}.`,
    );
  const x = Float64Array.from(vectors.flat());
  if (!x.every(Number.isFinite)) throw new Refusal('InvalidInput', 'input has a number that is not finite.');
  return x;
}

function indexOf(request: Request, name: string, count: number): number {
  const value = request[name];
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < count) return value;
  throw new Refusal('InvalidInput', `${name} is ${JSON.stringify(value)}; expected an index below ${count}.`);
}

function vectorOf(request: Request, name: string, length: number): readonly number[] {
  const vector = numbersOf(request[name]);
  if (vector?.length === length) {
    if (vector.every(Number.isFinite)) return vector;
    throw new Refusal('InvalidInput', `${name} has a number that is not finite.`);
  }
  const found = vector === undefined ? 'no vector of numbers' : `a vector of length ${vector.length}`;
  throw new Refusal('InvalidInput', `${name} is ${found}; expected length ${length}.`);
}
