/** What went wrong, in the three parts every message has. */
export interface Fault {
  /** The function or option the reader knows: 'sobolIndices', 'resample', 'flood.ts'. */
  readonly where: string;
  /** What was found, with its value: 'option `points` is 2.5'. */
  readonly found: string;
  /** What was expected: 'an integer >= 2'. */
  readonly expected: string;
  /** What to do, as a sentence with its full stop. */
  readonly fix?: string;
  /** The error this one explains. */
  readonly cause?: unknown;
}

/** Base of every error thrown on purpose. `code` is stable; `where` names the function or file. */
export class EngineError extends Error {
  readonly code: string;
  readonly where: string;
  constructor(code: string, fault: Fault) {
    const fix = fault.fix === undefined ? '' : ` ${fault.fix}`;
    super(`${fault.where}: ${fault.found}; expected ${fault.expected}.${fix}`, { cause: fault.cause });
    this.name = new.target.name;
    this.code = code;
    this.where = fault.where;
  }
}

/** A setting is not usable. Thrown before any work. */
export class OptionError extends EngineError {
  readonly option: string;
  readonly value: unknown;
  constructor(fault: Fault & { readonly option: string; readonly value: unknown }) {
    super('option', fault);
    this.option = fault.option;
    this.value = fault.value;
  }
}

/** Lengths or shapes do not fit together. */
export class ShapeError extends EngineError {
  constructor(fault: Fault) {
    super('shape', fault);
  }
}

/** A user function returned a number that cannot be used (NaN, +Infinity). */
export class ValueError extends EngineError {
  /** The point at which it happened, [d]; absent when there is none. */
  readonly point: Float64Array | undefined;
  readonly index: number | undefined;
  constructor(fault: Fault & { readonly point?: Float64Array; readonly index?: number }) {
    super('value', fault);
    this.point = fault.point;
    this.index = fault.index;
  }
}

/** No mass is left at all, so no estimate exists. */
export class DegeneracyError extends EngineError {
  constructor(fault: Fault) {
    super('degeneracy', fault);
  }
}

/** A requested device or technology is not there. `tried` lists what was looked for and why it failed. */
export class BackendError extends EngineError {
  readonly tried: readonly string[];
  constructor(fault: Fault & { readonly tried: readonly string[] }) {
    super('backend', fault);
    this.tried = fault.tried;
  }
}

/**
 * The graphics card went away in mid-run. `run` and `iterate` reject with the last checkpoint: `resume(method,
 * error.snapshot, { seed: error.seed, backend })` goes on from there, on any backend.
 */
export class DeviceLostError extends BackendError {
  /** What the device said: 'device was destroyed'. */
  readonly reason: string;
  /** The seed of the run; absent outside one. */
  readonly seed: number | undefined;
  /** The last checkpoint; absent when the card went away before there was one. */
  readonly snapshot: Uint8Array | undefined;
  constructor(fault: {
    readonly where: string;
    readonly reason: string;
    readonly seed?: number;
    readonly snapshot?: Uint8Array | undefined;
    readonly cause?: unknown;
  }) {
    const { where, reason, seed, snapshot, cause } = fault;
    super({
      where,
      found: `the graphics card went away (${reason})`,
      expected: 'a card that stays until the end',
      fix: wayOn(seed, snapshot),
      cause,
      tried: [],
    });
    this.reason = reason;
    this.seed = seed;
    this.snapshot = snapshot;
    // Megabytes, which a console would print where nobody caught the error.
    Object.defineProperty(this, 'snapshot', { enumerable: false });
  }
}

function wayOn(seed: number | undefined, snapshot: Uint8Array | undefined): string {
  if (seed === undefined) return 'Start again, here or on another backend.';
  if (snapshot === undefined) return `There is no checkpoint yet: start again with seed: ${seed}.`;
  return `To go on from the last checkpoint: resume(method, error.snapshot, { seed: ${seed}, backend }).`;
}

/** One point at which a model failed. */
export interface PointFailure {
  /** Row of the batch, counted from 0 over the whole run. */
  readonly index: number;
  /** The inputs there, [d]. */
  readonly input: Float64Array;
  /** 'returned NaN', 'threw Error: ...', 'returned 3 numbers, expected 2'. */
  readonly reason: string;
}

/** A model that could not be loaded, threw, or returned something unusable. */
export class ModelError extends EngineError {
  /** The points at which it failed (the first 1000), empty when it could not be loaded. */
  readonly failures: readonly PointFailure[];
  constructor(fault: Fault & { readonly failures?: readonly PointFailure[] }) {
    super('model', fault);
    this.failures = fault.failures ?? [];
    // Up to a thousand points, which a console would print where nobody caught the error.
    Object.defineProperty(this, 'failures', { enumerable: false });
  }
}

/** The content of a file is not what it should be. `line` counts from 1. */
export class InputError extends EngineError {
  readonly file: string;
  readonly line: number | undefined;
  constructor(fault: Fault & { readonly file: string; readonly line?: number }) {
    super('input', fault);
    this.file = fault.file;
    this.line = fault.line;
  }
}
