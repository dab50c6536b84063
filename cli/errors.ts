import { EngineError, ModelError, OptionError } from '../estimators/index.ts';
import { count, plain } from './format/number.ts';
import { printable, wrap } from './format/text.ts';
import type { Stream } from './terminal.ts';

/** Exit codes: 1 the run failed, 2 wrong usage, 130 interrupted. */
export const EXIT = { failed: 1, usage: 2, interrupted: 130 } as const;

/** 2 for a setting that cannot be used, 1 for everything else. */
export function exitCode(error: unknown): number {
  return error instanceof OptionError ? EXIT.usage : EXIT.failed;
}

/** A setting of the command line that cannot be used: exit code 2. */
export function usageError(
  where: string,
  option: string,
  value: string,
  expected: string,
  fix?: string,
): OptionError {
  const found = `option ${option} is ${/^-?[\d.]+(e[+-]?\d+)?$/i.test(value) ? value : JSON.stringify(value)}`;
  return new OptionError({ where, option, value, found, expected, ...(fix === undefined ? {} : { fix }) });
}

/** Settings that the method calls by its option names and the command line by flags. */
const FLAG_OF =
  /\b(points|replicates|seed|secondOrder|estimator|design|interval|resamples|level|until|missing|backend|threads|stages|proposal|space|controls|preset): ('[\w-]+'|\d+(?:\.\d+)?)/g;

/** Functions that the commands call, by the names their messages begin with. */
const OWN_NAME =
  /^(expectations|serveModel|umBridge|importanceSobol|sobolIndices|sobolDesign|sobolAnalyze|chooseBackend|hostBackend|webgpu|run|bullmq|cluster|files|submit)(?=: )/;

/** A message or warning of the engine in the words of the command line: `--missing drop-row`, not `missing: 'drop-row'`. */
export function inFlagWords(text: string): string {
  return text
    .replace(
      /option `(\w+)((?:\.[^`]+)?)`/g,
      (_, name: string, part: string) => `option ${flag(name)}${part}`,
    )
    .replace(FLAG_OF, (_, name: string, value: string) => `${flag(name)} ${value.replaceAll("'", '')}`)
    .replace(/\ballowSoftware(: true)?/g, flag('allowSoftware'))
    .replace(/\bdesign '(\w+)'/g, '--design $1')
    .replace(/, or 'iid'/g, ', or iid')
    .replace('use monteCarlo.', 'there is no command; the package has monteCarlo for scripts.')
    .replace('sobolIndices gives them.', 'without --method importance they have values.')
    .replace(' See error.point.', '')
    .replace('a larger `timeout`', 'a larger --timeout, or `timeout` of umBridge in a module')
    .replace('`name` to be one of', '--model-name to be one of')
    .replace('with port, or 0 for', 'with --port, or 0 for')
    .replace('Use defensive: 0.1, or more points.', 'Leave out --preset published, or use more points.')
    .replace('listed in `failures`', 'listed under `failures` by --json');
}

/** How a run ends whose server nobody reaches any more; the commands say more. */
export const LOST_SERVER = 'Start the server again, and the run, or go on from its last snapshot.';

function flag(name: string): string {
  if (name === 'allowSoftware') return '--allow-software-gpu';
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/**
 * Prints an error: one message wrapped at the width, its first words in red, no stack.
 * ENSAMPLE_DEBUG=1 adds the stack and those of its causes.
 *
 * @param command 'ensample sobol', put in the place of the names that functions call themselves by.
 */
export function printError(error: unknown, command: string, err: Stream, debug: boolean): void {
  const known = error instanceof EngineError;
  const text = known ? inOwnWords(error, command) : unexpected(error, command);
  const { width, paint } = err.look;
  const message = text
    .split('\n')
    .map((line) => wrap(cleanLine(line), width))
    .join('\n');
  const colon = message.indexOf(':') + 1;
  err.write(`${paint.red(message.slice(0, colon))}${message.slice(colon)}\n`);
  if (debug) err.write(`${stackOf(error)}\n`);
}

/** What a model module got wrong in its own code stays in the words of that code. */
function inOwnWords(error: EngineError, command: string): string {
  if (error instanceof ModelError && error.cause instanceof EngineError) return error.message;
  return inFlagWords(error.message.replace(OWN_NAME, command));
}

function cleanLine(line: string): string {
  return printable(line.replaceAll('\t', ' '));
}

/** Something nobody foresaw: said plainly, with the way to see more. */
function unexpected(error: unknown, command: string): string {
  const what = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return `${command}: unexpected ${what}\nSet ENSAMPLE_DEBUG=1 to see where; please report it.`;
}

function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? '' : `\ncaused by ${stackOf(error.cause)}`;
  return `${error.stack ?? error.message}${cause}`;
}

/** What to do with failed points beside mending the model, where rows may be left out, and where weights count on all. */
const DROP_ROWS = 'leave those rows out with --missing drop-row';
export const GIVE_NUMBER = 'give the output a number there with --missing 0';

/**
 * A model that failed at points, in three lines: what and how often; the first point and where the list is;
 * what to do. The totals come from the error's own message.
 * @param otherwise than mending the model.
 */
export function modelFailureText(
  error: ModelError,
  file: string,
  names: readonly string[],
  listFile: string | undefined,
  otherwise: string = DROP_ROWS,
): string {
  const first = error.failures[0];
  const totals = /at (\d+) of (\d+) points/.exec(error.message);
  if (first === undefined || totals === null) return error.message;
  const point = Array.from(first.input, (value, i) => `${names[i] ?? `x${i + 1}`} = ${plain(value)}`);
  const shown = point.length > 8 ? [...point.slice(0, 8), `and ${point.length - 8} more`] : point;
  const list = listFile === undefined ? '(the list: --csv FILE)' : `(the list: ${listFile})`;
  const [failed, tried] = [Number(totals[1]), Number(totals[2])];
  const wanted = / points; expected (.+?)\. First: /.exec(error.message)?.[1] ?? 'finite numbers';
  const expected = first.reason.includes(', expected ') ? '' : `; expected ${wanted}`;
  return [
    `${file}: the model ${first.reason} at ${count(failed)} of ${count(tried)} points${expected}.`,
    `First: point ${count(first.index)}, ${shown.join(', ')}.  ${list}`,
    failureAdvice(error.message, first.reason, failed === tried, otherwise),
  ].join('\n');
}

const FIX = 'Fix the model there';

/** Leaving rows out helps a model that fails here and there, not one that never answers. What else helps the error says. */
function failureAdvice(message: string, reason: string, everywhere: boolean, otherwise: string): string {
  const act = / ([A-Z][^.]*), or (?:leave those rows|give the output) /.exec(message)?.[1] ?? FIX;
  if (!everywhere) return `${act}, or ${otherwise}.`;
  if (act !== FIX) return `${act}.`;
  if (reason === 'returned undefined') return 'Does the function end in return?';
  if (reason === 'returned an object') return 'Return a number, or an array with one number for each output.';
  return 'It failed at every point tried, so the model itself needs fixing.';
}
