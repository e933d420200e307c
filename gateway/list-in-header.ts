import type { FastifyReply } from 'fastify';

const longestListHeader = 8_192;

/** Names and ids may contain any character, so they are encoded; a list too long for a header is omitted. */
export function listInHeader(reply: FastifyReply, name: string, values: readonly string[]): void {
  const text = values.map((value) => encodeURIComponent(value.toWellFormed())).join(',');
  if (text.length <= longestListHeader) void reply.header(name, text);
}
