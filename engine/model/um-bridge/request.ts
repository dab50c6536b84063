import { readBody, recordOf } from './numbers.ts';
import type { Received, Transport } from './transport.ts';

/** How often and how long a request is tried. */
export interface Patience {
  /** Milliseconds that one request may take; Infinity for as long as it needs. */
  readonly timeout: number;
  /** Further tries where nobody answered or a balancer had no server to hand it to. */
  readonly retries: number;
}

/** What the server made of a request. */
export type Reply =
  | { readonly kind: 'value'; readonly body: Readonly<Record<string, unknown>> }
  /** It refused, failed or took too long: 'answered 400 InvalidInput: ...'. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** Nobody answered, however often it was tried: 'could not be reached (ECONNREFUSED), 7 times in 6.3 s'. */
  | { readonly kind: 'lost'; readonly reason: string };

/** Answers of balancers that have no server just now. Evaluations are pure, so asking again does no harm. */
const BUSY: ReadonlySet<number> = new Set([502, 503, 504]);

/** Milliseconds before the second try; doubled for each further one, up to the second number. */
const BACKOFF = { first: 100, most: 10_000 };

/** Longest wait that a Retry-After header is given, in milliseconds. */
const LONGEST_WAIT = 60_000;

/** Characters of an answer that is no JSON, in messages. */
const SHOWN = 200;

/**
 * Ask, and ask again after growing pauses where the connection failed or the status was 502, 503 or 504; never after
 * another status.
 * @param body undefined for GET.
 * @throws the signal's reason when aborted.
 */
export async function ask(
  transport: Transport,
  url: string,
  body: string | undefined,
  { timeout, retries }: Patience,
  signal: AbortSignal,
): Promise<Reply> {
  const start = performance.now();
  let pause = BACKOFF.first;
  for (let attempt = 0; ; attempt++) {
    const received = await once(transport, url, body, timeout, signal);
    if (received.kind === 'late')
      return { kind: 'refused', reason: `took longer than the timeout of ${timeout} ms` };
    const again = received.kind === 'broken' || BUSY.has(received.status);
    if (!again) return replyOf(received);
    if (attempt >= retries) {
      const reason =
        received.kind === 'broken' ? received.reason : statusText(received.status, received.text);
      const tries = `${attempt + 1} time${attempt === 0 ? '' : 's'}`;
      const spent = ((performance.now() - start) / 1000).toFixed(1);
      return { kind: 'lost', reason: `${reason}, ${tries}${attempt === 0 ? '' : ` in ${spent} s`}` };
    }
    const asked = received.kind === 'answer' ? Math.min(LONGEST_WAIT, 1000 * received.retryAfter) : 0;
    await sleep(Math.max(pause, asked), signal);
    pause = Math.min(BACKOFF.most, 2 * pause);
  }
}

/** One try, ended by the signal or after `timeout`. */
async function once(
  transport: Transport,
  url: string,
  body: string | undefined,
  timeout: number,
  signal: AbortSignal,
): Promise<Received | { readonly kind: 'late' }> {
  signal.throwIfAborted();
  const sent = { url, ...(body === undefined ? {} : { body }) };
  if (timeout === Infinity) return transport.send({ ...sent, signal });
  const own = new AbortController();
  const stop = (): void => own.abort(signal.reason);
  signal.addEventListener('abort', stop);
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    own.abort(new Error('late'));
  }, timeout);
  try {
    return await transport.send({ ...sent, signal: own.signal });
  } catch (error) {
    if (late && !signal.aborted) return { kind: 'late' };
    throw error;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
  }
}

function replyOf({ status, text }: Received & { readonly kind: 'answer' }): Reply {
  if (status !== 200) return { kind: 'refused', reason: statusText(status, text) };
  const body = bodyOf(text);
  if (body === undefined)
    return { kind: 'refused', reason: `answered with what is no JSON object: ${short(text)}` };
  // Some servers send errors with status 200.
  return body.error === undefined
    ? { kind: 'value', body }
    : { kind: 'refused', reason: errorText(200, body) };
}

function bodyOf(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return recordOf(readBody(text));
  } catch {
    return undefined;
  }
}

function statusText(status: number, text: string): string {
  const body = bodyOf(text);
  if (body?.error !== undefined) return errorText(status, body);
  return `answered ${status}${text === '' ? '' : `: ${short(text)}`}`;
}

/** 'answered 400 InvalidInput: Input parameter 0 has invalid length!' */
function errorText(status: number, body: Readonly<Record<string, unknown>>): string {
  const { type, message } = recordOf(body.error) ?? {};
  return `answered ${status} ${short(String(type ?? 'error'))}: ${short(String(message ?? ''))}`;
}

/** One line, at most 200 characters, without its full stop. */
function short(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim().replace(/[.!]$/, '');
  return line.length > SHOWN ? `${line.slice(0, SHOWN - 3)}...` : line;
}

/** @throws the signal's reason when it is aborted meanwhile. */
function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop);
      resolve();
    }, milliseconds);
    signal.addEventListener('abort', stop, { once: true });
  });
}
