import type { FastifyReply } from 'fastify';

/** Maximum number of characters. */
export const longestListHeader = 8_192;

/**
 * Sets a header to a comma-separated list. Values are percent-encoded, because names and ids may contain any character.
 * A list too long for a header is omitted.
 */
export function listInHeader(reply: FastifyReply, name: string, values: readonly string[]): void {
  const text = encoded(values);
  if (text.length <= longestListHeader) void reply.header(name, text);
}

/** Sets a header to as many of the values as fit, and the header `<name>-count` to the number of all. */
export function countInHeader(reply: FastifyReply, name: string, values: readonly string[], count: number): void {
  let fitting = values.slice(0, longestListHeader);
  while (encoded(fitting).length > longestListHeader) fitting = fitting.slice(0, fitting.length / 2);
  void reply.header(name, encoded(fitting)).header(`${name}-count`, count);
}

function encoded(values: readonly string[]): string {
  return values.map((value) => encodeURIComponent(value.toWellFormed())).join(',');
}
