import { hash } from 'node:crypto';
import { PerennialError } from '../../contracts/errors.ts';
import type { ServedScope, ServedSlot } from './serving-table.ts';

/**
 * Returns the position of a routing key in [0, 100). It is stable for one model and environment, and independent
 * between models.
 */
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
 * Chooses the slot for a request: the canary gets `weight` percent. With a routing key, the key's hash decides, so that
 * a caller who was routed to the canary stays there as its weight rises; otherwise the choice is random.
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

/** Returns the slot that a replay names; throws `not-found` if there is no canary. */
export function slotOfRole(served: ServedScope, role: 'champion' | 'canary'): ServedSlot {
  const slot = role === 'champion' ? served.champion : served.canary;
  if (!slot)
    throw new PerennialError('not-found', `no canary serves ${served.label} in generation ${served.generation}`, {
      generation: served.generation,
    });
  return slot;
}
