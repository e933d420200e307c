/**
 * Returns a 32-bit seed from a text, by FNV-1a over the text's UTF-16 code units. The same text gives the same seed.
 */
export function seedOfText(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}
