import type { FastifyReply } from 'fastify';

const longestListHeader = 8_192;

/** Names and ids may contain any character, so they are encoded; a list too long for a header is omitted. */
export function listInHeader(reply: FastifyReply, name: string, values: readonly string[]): void {
  const text = encoded(values);
  if (text.length <= longestListHeader) void reply.header(name, text);
}

/** As many values as fit, and in the header `<name>-count` how many there are. */
export function countInHeader(reply: FastifyReply, name: string, values: readonly string[]): void {
  let fitting = values.slice(0, longestListHeader);
  while (encoded(fitting).length > longestListHeader) fitting = fitting.slice(0, fitting.length / 2);
  void reply.header(name, encoded(fitting)).header(`${name}-count`, values.length);
}

function encoded(values: readonly string[]): string {
  return values.map((value) => encodeURIComponent(value.toWellFormed())).join(',');
}
