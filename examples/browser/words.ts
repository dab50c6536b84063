import { type Backend, EngineError, ModelError } from 'ensample';
import { explain } from './formula/explain.ts';
import { count, plain } from './numbers.ts';
import type { Task } from './task.ts';

/** Something to know that stops nothing. */
export interface Note {
  readonly text: string;
  /** A line that opens: what it says, and what it opens. */
  readonly more?: { readonly summary: string; readonly text: string };
  /** Only the line is shown. */
  readonly folded?: boolean;
}

const HOW =
  'Chrome and Edge have WebGPU since version 113, Safari since 26, Firefox since 141 on Windows. On Linux, Chrome needs chrome://flags/#enable-unsafe-webgpu. In each of them the settings must allow hardware acceleration, and the page must come by https or from this machine.';

/** 'WASM, 4 threads', 'JavaScript'. */
export function processorWords({ name, threads }: Backend): string {
  if (name === 'js') return 'JavaScript';
  return `WASM, ${threads} ${threads === 1 ? 'thread' : 'threads'}`;
}

/** Why the processor does the work, when there is a reason to tell. */
export function noGpuNote(why: 'no-webgpu' | 'no-adapter', detail: string, host: Backend): Note {
  const lead =
    why === 'no-webgpu'
      ? 'This browser has no WebGPU.'
      : 'This browser offers WebGPU but no graphics card answered.';
  const text = `${lead} Running on the processor (${processorWords(host)}): slower, same answers.`;
  const more = detail === '' ? HOW : `${HOW} What the browser said: ${detail}`;
  return { text, more: { summary: 'How to switch it on', text: more } };
}

/** Why a formula does not run on the graphics card that is there. */
export function refusedNote(reason: string): Note {
  return { text: `The GPU would get this formula wrong (${reason}). Running on the processor.` };
}

/** Said where memory cannot be shared with workers. */
export const ONE_THREAD: Note = {
  text: '',
  folded: true,
  more: {
    summary: 'One thread only: this page is served without isolation headers.',
    text: 'Threads share memory, which browsers allow only when the server sends Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp. Results are the same, only slower.',
  },
};

/** What went wrong with the model, or with anything else, as one sentence for the page. */
export function failureWords(error: unknown, task: Task, gpu: boolean): string {
  if (error instanceof ModelError && error.failures.length > 0) return modelWords(error, task, gpu);
  if (error instanceof EngineError) return error.message;
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

/** 'Your formula gave NaN at 12 of 4 096 points, first at x1 = -1, x2 = 0 (log of a negative number?).' */
function modelWords(error: ModelError, task: Task, gpu: boolean): string {
  const { input, reason } = error.failures[0]!;
  const gave = reason.startsWith('returned ')
    ? reason.replace('returned ', 'gave ').replace('Infinity', 'infinity')
    : reason;
  const [, failed, all] = / at (\d+) of (\d+) points/.exec(error.message) ?? [];
  const where = task.names.map((name, i) => `${name} = ${plain(input[i]!)}`).join(', ');
  const cause = explain(task.tree, input) ?? (gpu ? 'too large or too small for 32-bit numbers' : undefined);
  const share =
    failed === undefined ? 'some points' : `${count(Number(failed))} of ${count(Number(all))} points`;
  return `Your formula ${gave} at ${share}, first at ${where}${cause === undefined ? '' : ` (${cause}?)`}.`;
}
