import type { Configuration } from './configuration.ts';
import type { ConfigurationProblem, KeyPath } from './configuration-problem.ts';
import { reservedColumns } from '../data/reserved-columns.ts';

/**
 * Returns the problems of `data.columns`: names that no column can have, ignored columns that another setting uses, and
 * types that contradict an expectation.
 */
export function declaredTypesAgree({ data }: Configuration): ConfigurationProblem[] {
  const { columns = {} } = data;
  const seen = new Map<string, string>();
  return Object.entries(columns).flatMap(([name, type]) => {
    const path = ['data', 'columns', name];
    const lower = name.toLowerCase();
    const twin = seen.get(lower);
    seen.set(lower, name);
    if (reservedColumns.has(lower))
      return [{ path, message: `"${name}" is a name that is reserved for Perennial; rename the column in the source` }];
    if (twin !== undefined)
      return [
        {
          path,
          message: `"${name}" differs from "${twin}" only in case, and column names are not case-sensitive; remove one of them`,
        },
      ];
    return type === 'ignore' ? ignoredYetRead(data, name, path) : contradicted(data, name, type);
  });
}

function ignoredYetRead(data: Configuration['data'], name: string, path: KeyPath): ConfigurationProblem[] {
  const { target, key, timestamp, features, expectations } = data;
  const reader = [
    [target, 'data.target'] as const,
    [key, 'data.key'] as const,
    [timestamp, 'data.timestamp'] as const,
    ...features.map((feature) => [feature, 'data.features'] as const),
    ...expectations.map(({ column }) => [column, 'data.expectations'] as const),
  ].find(([column]) => column === name);
  return reader === undefined
    ? []
    : [{ path, message: `"${name}" cannot be ignored, because ${reader[1]} uses it; remove it here or there` }];
}

function contradicted({ expectations }: Configuration['data'], name: string, declared: string): ConfigurationProblem[] {
  if (declared === 'category') return [];
  return expectations.flatMap(({ column, type }, index) =>
    column !== name || type === undefined || type === declared
      ? []
      : [
          {
            path: ['data', 'expectations', index, 'type'],
            message: `declares "${name}" as ${type}, but data.columns declares it as ${declared}; use the same type, or remove one`,
          },
        ],
  );
}
