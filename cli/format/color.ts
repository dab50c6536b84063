/** How a piece of text is marked; colour is never the only sign. */
export interface Paint {
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  yellow(text: string): string;
}

/** The environment variables that decide about colour. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Whether one stream gets colour: only a terminal, never with NO_COLOR set or TERM=dumb. FORCE_COLOR stands in
 * for the terminal, and wins over nothing else.
 */
export function wantsColor(env: Environment, isTerminal: boolean): boolean {
  if ((env.NO_COLOR ?? '') !== '' || env.TERM === 'dumb') return false;
  const forced = env.FORCE_COLOR;
  if (forced !== undefined && forced !== '') return forced !== '0' && forced !== 'false';
  return isTerminal;
}

/** Functions that mark text, or leave it alone when `on` is false. */
export function painter(on: boolean): Paint {
  const mark = (open: number, close: number) => (text: string) =>
    on && text !== '' ? `\x1b[${open}m${text}\x1b[${close}m` : text;
  return { bold: mark(1, 22), dim: mark(2, 22), red: mark(31, 39), yellow: mark(33, 39) };
}

/** Whether the locale says that UTF-8 can be shown. */
export function speaksUtf8(env: Environment): boolean {
  const locale = env.LC_ALL || env.LC_CTYPE || env.LANG || '';
  return /utf-?8/i.test(locale) || env.WT_SESSION !== undefined;
}
