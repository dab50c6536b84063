import { escapeText } from '../escape.ts';

export type Attributes = Readonly<Record<string, string | number | undefined>>;

/** An SVG element as text. Attribute values are escaped; children are markup already. */
export function element(name: string, attributes: Attributes, ...children: readonly string[]): string {
  const open = Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}="${escapeText(typeof value === 'number' ? coordinate(value) : value!)}"`)
    .join('');
  return children.length === 0 ? `<${name}${open}/>` : `<${name}${open}>${children.join('')}</${name}>`;
}

/** A length in pixels with at most two decimals: more cannot be seen and makes files larger. */
export function coordinate(value: number): string {
  const rounded = Math.round(value * 100) / 100;
  return String(rounded === 0 ? 0 : rounded);
}

/** A text element; `content` is plain text. */
export function label(x: number, y: number, content: string, attributes: Attributes = {}): string {
  return element('text', { x, y, ...attributes }, escapeText(content));
}

/** A straight line. */
export function line(x1: number, y1: number, x2: number, y2: number, attributes: Attributes = {}): string {
  return element('line', { x1, y1, x2, y2, ...attributes });
}

/** A group whose first child is a tooltip and the text a screen reader finds. */
export function titled(title: string, ...children: readonly string[]): string {
  return group({}, title, ...children);
}

/** The same with attributes. */
export function group(attributes: Attributes, title: string, ...children: readonly string[]): string {
  return element('g', attributes, element('title', {}, escapeText(title)), ...children);
}

/** The outermost element; `summary` is the sentence read aloud. */
export function drawing(
  width: number,
  height: number,
  summary: string,
  ...children: readonly string[]
): string {
  return element(
    'svg',
    {
      xmlns: 'http://www.w3.org/2000/svg',
      viewBox: `0 0 ${coordinate(width)} ${coordinate(height)}`,
      style: `max-width:${coordinate(width)}px`,
      role: 'img',
      'aria-label': summary,
    },
    ...children,
  );
}

/** A whisker in the ink colour over a halo in the page colour, with caps `cap` px up and down. */
export function whisker(x1: number, x2: number, y: number, cap: number): string {
  const d = `M${coordinate(x1)},${coordinate(y - cap)}V${coordinate(y + cap)}M${coordinate(x1)},${coordinate(y)}H${coordinate(x2)}M${coordinate(x2)},${coordinate(y - cap)}V${coordinate(y + cap)}`;
  return element('path', { d, class: 'halo' }) + element('path', { d, class: 'whisker' });
}
