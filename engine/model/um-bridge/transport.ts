import type { Agent, IncomingMessage, RequestOptions } from 'node:http';

/** A request of a client. */
export interface Sent {
  readonly url: string;
  /** Absent for GET. */
  readonly body?: string;
  readonly signal: AbortSignal;
}

/** What came back, or why nothing did. */
export type Received =
  | { readonly kind: 'answer'; readonly status: number; readonly text: string; readonly retryAfter: number }
  /** No connection, or it broke: 'no connection (ECONNREFUSED)'. */
  | { readonly kind: 'broken'; readonly reason: string };

/** HTTP with connections that stay open. */
export interface Transport {
  /** Rejects only with the signal's reason. */
  send(sent: Sent): Promise<Received>;
  close(): void;
}

/** Bytes of an answer that are read, at most. */
const MOST_BYTES = 256 * 2 ** 20;

/**
 * In Node through `node:http`, whose requests may take as long as the model does (its fetch gives up after five minutes);
 * elsewhere through fetch.
 */
export async function openTransport(
  url: string,
  connections: number,
  headers: Readonly<Record<string, string>>,
): Promise<Transport> {
  const node = typeof process === 'object' && process.versions?.node !== undefined;
  return node ? byNode(new URL(url).protocol, connections, headers) : byFetch(headers);
}

type NodeHttp = typeof import('node:http');

async function byNode(
  protocol: string,
  connections: number,
  headers: Readonly<Record<string, string>>,
): Promise<Transport> {
  // A name in a variable keeps bundlers for browsers from following the import.
  const name = protocol === 'https:' ? 'node:https' : 'node:http';
  const http: NodeHttp = await import(/* @vite-ignore */ /* webpackIgnore: true */ name);
  const agent = new http.Agent({ keepAlive: true, maxSockets: connections, maxFreeSockets: connections });
  return {
    send: (sent) => sendByNode(http, agent, headers, sent),
    close: () => agent.destroy(),
  };
}

function sendByNode(
  http: NodeHttp,
  agent: Agent,
  headers: Readonly<Record<string, string>>,
  { url, body, signal }: Sent,
): Promise<Received> {
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException): void => {
      if (signal.aborted) reject(signal.reason);
      else resolve({ kind: 'broken', reason: connectionFault(error) });
    };
    const length = body === undefined ? {} : bodyHeaders(body);
    const method = body === undefined ? 'GET' : 'POST';
    const options: RequestOptions = { agent, method, headers: { ...headers, ...length }, signal };
    const request = http.request(url, options, (response) => {
      response.on('error', failed);
      collect(response, resolve);
    });
    request.on('error', failed);
    request.end(body);
  });
}

function bodyHeaders(body: string): Readonly<Record<string, string | number>> {
  return { 'content-type': 'application/json', 'content-length': new TextEncoder().encode(body).length };
}

function collect(response: IncomingMessage, resolve: (received: Received) => void): void {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  response.on('data', (part: Uint8Array) => {
    parts.push(part);
    bytes += part.length;
    if (bytes > MOST_BYTES) response.destroy(new Error(`an answer of more than ${MOST_BYTES} bytes`));
  });
  response.on('end', () => {
    const text = new TextDecoder().decode(joined(parts, bytes));
    const retryAfter = seconds(response.headers['retry-after']);
    resolve({ kind: 'answer', status: response.statusCode ?? 0, text, retryAfter });
  });
}

function joined(parts: readonly Uint8Array[], bytes: number): Uint8Array {
  if (parts.length === 1) return parts[0]!;
  const all = new Uint8Array(bytes);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function connectionFault({ code, message }: NodeJS.ErrnoException): string {
  if (code === 'ECONNREFUSED' || code === 'ENOTFOUND' || code === 'EHOSTUNREACH')
    return `could not be reached (${code})`;
  return `broke off the connection (${code ?? message})`;
}

/** The seconds of a Retry-After header; 0 for none, or a date. */
function seconds(header: string | null | undefined): number {
  const value = Number(header ?? 0);
  return value > 0 && value < Infinity ? value : 0;
}

function byFetch(headers: Readonly<Record<string, string>>): Transport {
  return {
    async send({ url, body, signal }) {
      const type = body === undefined ? {} : { 'content-type': 'application/json' };
      const post = body === undefined ? {} : { method: 'POST', body };
      try {
        const response = await fetch(url, { ...post, headers: { ...headers, ...type }, signal });
        const text = await response.text();
        const retryAfter = seconds(response.headers.get('retry-after'));
        return { kind: 'answer', status: response.status, text, retryAfter };
      } catch (error) {
        if (signal.aborted) throw signal.reason;
        return { kind: 'broken', reason: `could not be reached (${(error as Error).message})` };
      }
    },
    close() {},
  };
}
