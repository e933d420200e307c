/** Returns the JSON Pointer to a member of an object (RFC 6901). */
export function jsonPointerOf(name: string): string {
  return `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}
