/** The names of a registry, in its order. */
export function registeredNames<Name extends string>(registry: Readonly<Record<Name, unknown>>): Name[] {
  return Object.keys(registry).filter((name): name is Name => name in registry);
}

/** The registered things in their order, as a union's options. @throws TypeError if there are none. */
export function optionsOf<Option>(registry: Readonly<Record<string, Option>>): [Option, ...Option[]] {
  const [first, ...others] = Object.values(registry);
  if (first === undefined) throw new TypeError('an empty registry has no options');
  return [first, ...others];
}

/** `a`, `a or b`, `a, b or c`. */
export function inWords(names: readonly string[], word: 'and' | 'or'): string {
  const last = names.at(-1) ?? '';
  return names.length < 2 ? last : `${names.slice(0, -1).join(', ')} ${word} ${last}`;
}
