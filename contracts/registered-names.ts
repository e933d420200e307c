/** Returns the names in a registry, in the registry's order. @throws TypeError if the registry is empty. */
export function registeredNames<Name extends string>(registry: Readonly<Record<Name, unknown>>): [Name, ...Name[]] {
  return notEmpty(Object.keys(registry).filter((name): name is Name => name in registry));
}

/**
 * Returns the values in a registry, in the registry's order, as the options of a union. @throws TypeError if the
 * registry is empty.
 */
export function optionsOf<Option>(registry: Readonly<Record<string, Option>>): [Option, ...Option[]] {
  return notEmpty(Object.values(registry));
}

function notEmpty<Item>([first, ...others]: readonly Item[]): [Item, ...Item[]] {
  if (first === undefined) throw new TypeError('a registry must have at least one entry');
  return [first, ...others];
}

/** Returns names as an enumeration: `a`, `a or b`, `a, b or c`. */
export function inWords(names: readonly string[], word: 'and' | 'or'): string {
  const last = names.at(-1) ?? '';
  return names.length < 2 ? last : `${names.slice(0, -1).join(', ')} ${word} ${last}`;
}
