/** A short text that changes with a text: two FNV-1a hashes of 32 bits from different starts, in hexadecimal. */
export function digest(text: string): string {
  let h0 = 0x811c9dc5;
  let h1 = 0x9747b28c;
  for (let i = 0; i < text.length; i++) {
    h0 = Math.imul(h0 ^ text.charCodeAt(i), 0x01000193);
    h1 = Math.imul(h1 ^ text.charCodeAt(i), 0x01000193) ^ (h1 >>> 15);
  }
  return [h0, h1].map((h) => (h >>> 0).toString(16).padStart(8, '0')).join('');
}
