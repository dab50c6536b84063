const NAME = /[A-Za-z_][\w:.-]*/y;
const ATTRIBUTE = /\s+([A-Za-z_][\w:.-]*)="([^"<]*)"/y;
const ENTITY = /&(?!(?:amp|lt|gt|quot|apos|#\d+|#x[\da-fA-F]+);)/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters XML forbids
const FORBIDDEN = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF\uD800-\uDFFF]/u;

/**
 * What keeps a text from being one well-formed XML element; undefined when nothing does. Stricter than XML where the
 * library needs no more: no comments, processing instructions or single-quoted attributes.
 */
export function xmlFault(text: string): string | undefined {
  if (FORBIDDEN.test(text)) return 'a character that XML forbids';
  const open: string[] = [];
  let at = 0;
  while (at < text.length) {
    const next = text.indexOf('<', at);
    const content = text.slice(at, next < 0 ? undefined : next);
    if (ENTITY.test(content)) return `a bare & in ${content}`;
    if (open.length === 0 && content.trim() !== '') return `text outside the root: ${content}`;
    if (next < 0) break;
    const tag = readTag(text, next, open);
    if (typeof tag === 'string') return tag;
    at = tag;
    if (open.length === 0 && at < text.length) return 'something after the root';
  }
  return open.length === 0 ? undefined : `${open.join(' > ')} not closed`;
}

/** Reads one tag; the position after it, or the fault. */
function readTag(text: string, start: number, open: string[]): number | string {
  const closing = text[start + 1] === '/';
  const name = match(NAME, text, start + (closing ? 2 : 1))?.[0];
  if (name === undefined) return `no name after < in ${text.slice(start, start + 30)}`;
  let at = start + name.length + (closing ? 2 : 1);
  if (closing) {
    if (open.pop() !== name) return `</${name}> closes nothing`;
    return text[at] === '>' ? at + 1 : `</${name} is not ended`;
  }
  const seen = new Set<string>();
  for (let found = match(ATTRIBUTE, text, at); found !== undefined; found = match(ATTRIBUTE, text, at)) {
    if (seen.has(found[1]!)) return `attribute ${found[1]} twice in <${name}`;
    if (ENTITY.test(found[2]!)) return `a bare & in attribute ${found[1]}`;
    seen.add(found[1]!);
    at += found[0].length;
  }
  if (text.startsWith('/>', at)) return at + 2;
  if (text[at] !== '>') return `<${name}> has something else: ${text.slice(at, at + 30)}`;
  open.push(name);
  return at + 1;
}

function match(pattern: RegExp, text: string, at: number): RegExpExecArray | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text) ?? undefined;
}
