const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** Width of a text in the fonts of the report, in pixels: an upper estimate, as no font is at hand to measure. */
export function textWidth(text: string, size = 12): number {
  let ems = 0;
  for (const { segment } of segmenter.segment(text)) ems += charWidth(segment.codePointAt(0)!);
  return ems * size;
}

function charWidth(code: number): number {
  if (code === 0x2009 || code === 0x202f) return 0.25;
  if (code === 0x2026) return 1;
  if (code >= 0x1100) return code >= 0x2000 && code < 0x2e80 ? 0.7 : 1.05;
  if (code >= 0x41 && code <= 0x5a) return code === 0x4d || code === 0x57 ? 0.95 : 0.72;
  if (code === 0x6d || code === 0x77) return 0.95;
  return /[ijlIftr.,:;'|()[\] ]/.test(String.fromCodePoint(code)) ? 0.4 : 0.63;
}

/**
 * Names cut in the middle so that each fits `room` pixels, never so that two look alike: where cutting makes
 * twins, their column number is put behind ('soil…ty 12').
 */
export function fitNames(names: readonly string[], room: number, size = 12): readonly string[] {
  const cut = names.map((name) => shorten(name, room, size));
  const count = new Map<string, number>();
  for (const text of cut) count.set(text, (count.get(text) ?? 0) + 1);
  return cut.map((text, i) => {
    if (count.get(text) === 1) return text;
    const tail = ` ${i + 1}`;
    return shorten(names[i]!, room - textWidth(tail, size), size) + tail;
  });
}

/** A text cut in the middle to fit `room` pixels. */
export function shorten(text: string, room: number, size = 12): string {
  if (textWidth(text, size) <= room) return text;
  const characters = Array.from(segmenter.segment(text), (part) => part.segment);
  for (let keep = characters.length - 1; keep > 1; keep--) {
    const head = Math.ceil(keep / 2);
    const short = `${characters.slice(0, head).join('')}…${characters.slice(characters.length - (keep - head)).join('')}`;
    if (textWidth(short, size) <= room) return short;
  }
  return `${characters[0] ?? ''}…`;
}
