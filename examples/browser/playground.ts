/**
 * The playground: Sobol' indices in a page, on the graphics card or on the processor, live.
 *
 *   npm run browser                       builds the page and serves it on 127.0.0.1 with isolation headers
 *   npm run build:browser                 only builds it, into examples/browser/dist: any static host will do
 *
 * In the address, behind #, stand all settings; `?software=1` also takes a software adapter, for tests.
 *
 * form.ts         fields and their errors          settings.ts  what can be set, and the address that carries it
 * task.ts         settings, read and found good    formula/     the grammar of models that are typed in
 * place.ts        graphics card or processor       session.ts   one run: `iterate` over `sobolIndices`
 * live-view.ts    what a run shows while it goes   words.ts     notes and failures in words
 */
import { DeviceLostError, type SobolResult } from 'ensample';
import { drawBars, type Scale } from './bars.ts';
import { byId, watchForm } from './form.ts';
import { type LiveView, liveView, paintResult } from './live-view.ts';
import { count } from './numbers.ts';
import { findPlace, forgetCard, type Place } from './place.ts';
import { type Ending, FIRST_POINTS, refusalOf, type Session, startSession } from './session.ts';
import { fromHash, toHash } from './settings.ts';
import { codeOf, csvOf } from './share.ts';
import { fillTable } from './table.ts';
import { FieldError, shownInputs, type Task, taskOf } from './task.ts';
import { failureWords, type Note, refusedNote } from './words.ts';

const go = byId<HTMLButtonElement>('go');
const page = byId<HTMLElement>('page');
const result = byId<HTMLElement>('result');
const trouble = byId<HTMLElement>('trouble');
const places = {
  chart: byId<SVGSVGElement>('chart'),
  table: byId<HTMLTableElement>('table'),
  progress: byId<HTMLProgressElement>('progress'),
  done: byId<HTMLElement>('done'),
  lead: byId<HTMLElement>('lead'),
  trend: byId<HTMLElement>('trend'),
  warnings: byId<HTMLElement>('warnings'),
  say(words: string): void {
    byId('say').textContent = words;
  },
};

const form = watchForm(fromHash(location.hash), () => void start());
const scale: Scale = { high: 1 };
/** Counts starts: whoever waited and finds another number gives up. */
let turn = 0;
let current: { readonly session: Session; readonly view: LiveView } | undefined;
let shown: { readonly names: readonly string[]; readonly result: SobolResult } | undefined;

/** Read the fields and run, in place of what runs now. */
async function start(): Promise<void> {
  const own = ++turn;
  form.complain(undefined);
  let task: Task;
  try {
    task = taskOf(form.settings);
  } catch (error) {
    if (!(error instanceof FieldError)) throw error;
    await leave();
    if (own === turn) refuse(error);
    return;
  }
  history.replaceState(null, '', `${location.search}${toHash(form.settings)}`);
  await leave();
  if (own !== turn) return;
  prepare(task);
  const place = await placeOf(task);
  if (own === turn) await watch(own, task, place);
}

/** Where the settings want it; on the processor, with a note, when a card would get the formula wrong. */
async function placeOf(task: Task): Promise<Place> {
  const place = await findPlace(form.settings.on);
  const reason = place.gpu ? refusalOf(task) : undefined;
  if (reason === undefined) return place;
  const host = await findPlace('host');
  return { ...host, notes: [refusedNote(reason), ...host.notes] };
}

/** A field cannot be used: the message stands at the field, and the old picture pales. */
function refuse(error: FieldError): void {
  form.complain(error);
  if (shown === undefined) blank(shownInputs(form.settings).map(({ name }) => name));
  result.classList.add('stale');
  places.done.textContent = 'not started';
  byId('where').textContent = '';
  places.say(error.message);
  complainAt(error.message, true);
}

/** Grey blocks for bars and dots for numbers. */
function blank(names: readonly string[]): void {
  shown = undefined;
  scale.high = 1;
  result.classList.remove('stale');
  drawBars(places.chart, names, undefined, scale);
  fillTable(places.table, names, undefined);
  places.lead.textContent = '';
  places.trend.textContent = '';
}

/** The box of what went wrong; `narrow`: only where the form is far away. */
function complainAt(words: string, narrow = false): void {
  trouble.replaceChildren(words);
  trouble.classList.toggle('narrow', narrow);
  trouble.hidden = false;
}

/** The page of a run that is about to begin: old bars pale when they are of the same inputs, else blocks. */
function prepare(task: Task): void {
  setRunning(true);
  trouble.hidden = true;
  byId<HTMLElement>('after').hidden = true;
  places.progress.value = 0;
  places.warnings.replaceChildren();
  if (shown?.names.join() === task.names.join()) result.classList.add('stale');
  else blank(task.names);
}

/** One run from its beginning, or from a snapshot, to its end. */
async function watch(own: number, task: Task, place: Place, from?: Uint8Array): Promise<void> {
  setRunning(true);
  trouble.hidden = true;
  byId('where').textContent = place.words;
  byId('where').setAttribute('title', place.backend.adapter);
  showNotes(place.notes);
  const { names, target, points } = task;
  const view = liveView(places, { names, target, points, first: FIRST_POINTS }, scale, (fresh) => {
    shown = { names, result: fresh };
    result.classList.remove('stale');
  });
  const session = startSession(task, place, view, from);
  current = { session, view };
  const ending = await session.ended;
  view.close();
  if (own !== turn) return;
  current = undefined;
  setRunning(false);
  conclude(task, place, view, ending);
}

function conclude(task: Task, place: Place, view: LiveView, ending: Ending): void {
  if (ending.kind === 'left') view.end(undefined, 'stopped');
  else if (ending.kind === 'failed') fail(task, place, view, ending.error);
  else {
    view.end(ending.result, ending.kind);
    share(task, ending.result, place.gpu);
  }
}

function fail(task: Task, place: Place, view: LiveView, error: unknown): void {
  if (!(error instanceof DeviceLostError)) {
    result.classList.add('stale');
    complainAt(failureWords(error, task, place.gpu));
    view.end(undefined, 'failed');
    return;
  }
  const reached = `${count(view.reached)} of ${count(task.points)} points`;
  view.end(undefined, 'interrupted');
  const head = document.createElement('b');
  head.textContent = 'The GPU went away';
  const on = document.createElement('button');
  on.type = 'button';
  on.textContent = 'Continue on the processor';
  on.addEventListener('click', async () => {
    const own = ++turn;
    await forgetCard();
    const host = await findPlace('host');
    const note = { text: `The first ${count(view.reached)} points were computed on the GPU, in float32.` };
    if (own === turn) await watch(own, task, { ...host, notes: [note, ...host.notes] }, error.snapshot);
  });
  complainAt('');
  trouble.replaceChildren(head, ` after ${reached}. What was computed is kept.`, on);
}

/** What can be done with a result. */
function share(task: Task, done: SobolResult, gpu: boolean): void {
  byId<HTMLAnchorElement>('csv').href = `data:text/csv;charset=utf-8,${encodeURIComponent(csvOf(done))}`;
  byId('code').querySelector('code')!.textContent = codeOf(task, done, gpu);
  byId('copied').textContent = '';
  byId<HTMLElement>('after').hidden = false;
}

/** End what runs now and wait until it has ended. */
async function leave(): Promise<void> {
  const running = current;
  if (running === undefined) return;
  running.session.stop();
  await running.session.ended;
  if (current === running) current = undefined;
  setRunning(false);
}

/** The user's wish to stop: keeps what is known. */
function stop(): void {
  if (current !== undefined) {
    places.done.textContent = 'stopping ...';
    current.session.stop();
  } else if (go.getAttribute('data-running') === 'true') {
    turn++;
    setRunning(false);
    places.done.textContent = 'stopped';
  }
}

function setRunning(running: boolean): void {
  go.textContent = running ? 'Stop' : 'Run';
  go.setAttribute('data-running', String(running));
}

function showNotes(notes: readonly Note[]): void {
  byId('notes').replaceChildren(
    ...notes.map(({ text, more, folded }) => {
      const note = document.createElement('div');
      note.className = folded === true ? 'note folded' : 'note';
      note.append(text);
      if (more === undefined) return note;
      const details = document.createElement('details');
      const summary = document.createElement('summary');
      summary.textContent = more.summary;
      const rest = document.createElement('p');
      rest.textContent = more.text;
      details.append(summary, rest);
      note.append(details);
      return note;
    }),
  );
}

/** On a narrow page the result comes first, for the eye, the Tab key and whoever listens alike. */
function arrange(narrow: boolean): void {
  if (narrow) page.prepend(result);
  else page.append(result);
}

const narrow = matchMedia('(max-width: 760px)');
narrow.addEventListener('change', () => arrange(narrow.matches));
arrange(narrow.matches);

go.addEventListener('click', () => (go.getAttribute('data-running') === 'true' ? stop() : void start()));
byId('form').addEventListener('submit', (event) => event.preventDefault());
byId('form').addEventListener('keydown', (event) => {
  const { key, shiftKey, target } = event as KeyboardEvent;
  const field =
    target instanceof HTMLInputElement ||
    target instanceof HTMLSelectElement ||
    target instanceof HTMLTextAreaElement;
  if (key !== 'Enter' || shiftKey || !field) return;
  event.preventDefault();
  void start();
});
document.addEventListener('keydown', ({ key }) => {
  if (key === 'Escape') stop();
});
byId('link').addEventListener('click', async () => {
  await navigator.clipboard.writeText(location.href);
  byId('copied').textContent = 'Copied.';
});
addEventListener('hashchange', () => {
  form.write(fromHash(location.hash));
  void start();
});
new ResizeObserver(() => {
  if (shown !== undefined) paintResult(places, shown.names, shown.result, scale);
}).observe(byId('figure'));

void start();
