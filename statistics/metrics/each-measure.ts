/** Returns the result of `of` for each measure, under the measure's name. */
export function eachMeasure<Name extends string, Result>(
  measures: Readonly<Record<Name, unknown>>,
  of: (name: Name) => Result,
): Record<Name, Result> {
  const results: Partial<Record<Name, Result>> = {};
  for (const name in measures) results[name] = of(name);
  if (!hasAll(measures, results)) throw new TypeError('a measure has no result');
  return results;
}

function hasAll<Name extends string, Result>(
  measures: Readonly<Record<Name, unknown>>,
  results: Partial<Record<Name, Result>>,
): results is Record<Name, Result> {
  return Object.keys(measures).every((name) => Object.hasOwn(results, name));
}
