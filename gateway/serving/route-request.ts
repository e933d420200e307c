import { hash } from 'node:crypto';
import { PerennialError } from '../../contracts/errors.ts';
import type { ServedScope, ServedSlot } from './serving-table.ts';

/** Where in [0, 100) a routing key falls: always the same for one model and environment, and independent between models. */
export function positionOfKey(label: string, key: string): number {
  const digits = hash('sha256', `${label}\n${key}`, 'hex').slice(0, 12);
  return (Number.parseInt(digits, 16) / 2 ** 48) * 100;
}

function routingValue(routingKey: string | null, parameters: Readonly<Record<string, unknown>>): string | undefined {
  if (routingKey === null) return undefined;
  const name = routingKey.slice(routingKey.indexOf('.') + 1);
  const value = Object.hasOwn(parameters, name) ? parameters[name] : undefined;
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? String(value)
    : undefined;
}

/**
 * The slot that answers: canary for `weight` percent, by the hash of the routing key so that a caller who has met the
 * canary stays with it as its weight rises, else at random a request.
 */
export function chooseSlot(
  served: ServedScope,
  parameters: Readonly<Record<string, unknown>>,
  random: () => number,
): ServedSlot {
  const { champion, canary } = served;
  if (canary === undefined) return champion;
  const key = routingValue(served.routingKey, parameters);
  const position = key === undefined ? random() * 100 : positionOfKey(served.label, key);
  return position < canary.weight ? canary : champion;
}

/** The slot that a replay names. */
export function slotOfRole(served: ServedScope, role: 'champion' | 'canary'): ServedSlot {
  const slot = role === 'champion' ? served.champion : served.canary;
  if (!slot)
    throw new PerennialError('not-found', `no canary serves ${served.label} in generation ${served.generation}`, {
      generation: served.generation,
    });
  return slot;
}
