import type { Backend } from './backend.ts';
import { jsBackend } from './js.ts';

let shared: Promise<Backend> | undefined;

/** The best host backend of this machine, made once and shared by all runs. */
export function defaultBackend(): Promise<Backend> {
  shared ??= Promise.resolve(jsBackend());
  return shared;
}
