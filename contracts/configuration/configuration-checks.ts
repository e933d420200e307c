import { classKey } from '../models/classes.ts';
import type { Configuration } from './configuration.ts';
import { hasBounds } from './gates.ts';
import type { ConfigurationProblem, KeyPath } from './configuration-problem.ts';
import { declaredTypesAgree } from './declared-type-checks.ts';
import { durationMs, isCertainlyShorter } from '../time/duration.ts';
import { reservedColumns } from '../data/reserved-columns.ts';
import type { MetricName } from '../models/metrics.ts';
import { isMetricOf, metricNames } from '../models/metrics.ts';
import { inWords } from '../registered-names.ts';
import { relativePathProblem } from '../code/relative-path.ts';
import { driftTestNames, hasPValue } from '../monitoring/drift-tests.ts';
import { estimatedMetrics } from '../monitoring/report.ts';

type Check = (configuration: Configuration) => ConfigurationProblem[];

/**
 * Returns the problems of a configuration that is valid by its schema, such as bounds that no value can meet and keys
 * that have no effect.
 */
export function configurationProblems(configuration: Configuration): ConfigurationProblem[] {
  return checks.flatMap((check) => check(configuration));
}

const checks: readonly Check[] = [
  codeHasOnePlace,
  pathsStayInside,
  columnsAreConsistent,
  namesCanBeColumns,
  declaredTypesAgree,
  fillsAreOfFeatures,
  timesNeedTimestamp,
  holdoutLeavesTrainingRows,
  lengthsAreLonger,
  expectationsCanHold,
  upsertsNeedKey,
  gatesCanPass,
  metricsFitTask,
  answersFitTask,
  classesAreTold,
  driftCanBeFound,
  performanceIsBounded,
  performanceCanBeEstimated,
  canaryCanStop,
];

function codeHasOnePlace({ code: { path, git } }: Configuration): ConfigurationProblem[] {
  if ((path === undefined) !== (git === undefined)) return [];
  return [
    {
      path: path === undefined ? ['code'] : ['code', 'git'],
      message:
        path === undefined
          ? 'needs path (a folder that the command line uploads) or git (a repository that the server fetches)'
          : 'cannot be combined with code.path; remove one of the two',
    },
  ];
}

/**
 * Checks the paths of code and notebooks. `data.source` may lie outside the folder, because its files are uploaded from
 * the user's machine, so only its characters are checked.
 */
function pathsStayInside({ data: { source }, code, build }: Configuration): ConfigurationProblem[] {
  const inside: readonly (readonly [KeyPath, string | undefined])[] = [
    [['code', 'path'], code.path],
    [['code', 'environment'], code.environment],
    [['code', 'command', 1], notebookOf(code.command)],
    ...build.gates.map((gate, index): readonly [KeyPath, string | undefined] => [
      ['build', 'gates', index, 'command', 1],
      'command' in gate ? notebookOf(gate.command) : undefined,
    ]),
  ];
  const leaving = inside.flatMap(([path, text]) => {
    const message = text === undefined ? undefined : relativePathProblem(text);
    return message === undefined ? [] : [{ path, message }];
  });
  const [key, files] = 'path' in source ? ['path', source.path] : ['glob', 'glob' in source ? source.glob : ''];
  if (!/\p{Cc}/u.test(files)) return leaving;
  return [...leaving, { path: ['data', 'source', key], message: 'contains a control character; rename the file' }];
}

function notebookOf([program, file]: readonly string[]): string | undefined {
  return program === 'notebook' ? file : undefined;
}

/** Returns column names that ingestion would refuse. */
function namesCanBeColumns({ data: { features, target, key } }: Configuration): ConfigurationProblem[] {
  const named: (readonly [KeyPath, string])[] = [
    [['data', 'target'], target],
    ...(key === undefined ? [] : [[['data', 'key'], key] as const]),
    ...features.map((name, index): [KeyPath, string] => [['data', 'features', index], name]),
  ];
  const seen = new Map<string, string>();
  return named.flatMap(([path, name]) => {
    const lower = name.toLowerCase();
    const twin = seen.get(lower);
    seen.set(lower, name);
    if (reservedColumns.has(lower))
      return [{ path, message: `"${name}" is a name that is reserved for Perennial; rename the column in the source` }];
    if (twin === undefined || twin === name) return [];
    return [
      {
        path,
        message: `"${name}" differs from "${twin}" only in case, and column names are not case-sensitive; rename one of them`,
      },
    ];
  });
}

function columnsAreConsistent({ data: { features, target } }: Configuration): ConfigurationProblem[] {
  const seen = new Set<string>();
  return features.flatMap((feature, index) => {
    const path = ['data', 'features', index];
    if (feature === target)
      return [
        {
          path,
          message: `"${feature}" is the target, and a model that receives the answer learns nothing; remove it from the features`,
        },
      ];
    if (seen.has(feature)) return [{ path, message: `"${feature}" is listed twice; remove one` }];
    seen.add(feature);
    return [];
  });
}

function fillsAreOfFeatures({ data: { features, fill = {} } }: Configuration): ConfigurationProblem[] {
  return Object.keys(fill)
    .filter((name) => !features.includes(name))
    .map((name) => ({ path: ['data', 'fill', name], message: `"${name}" is not one of data.features` }));
}

function timesNeedTimestamp({ data, build: { holdout } }: Configuration): ConfigurationProblem[] {
  if (data.timestamp !== undefined) return [];
  const message = 'needs data.timestamp, a column or expression with the time of a row';
  return [
    ...(data.window === undefined ? [] : [{ path: ['data', 'window'], message }]),
    ...('last' in holdout
      ? [
          {
            path: ['build', 'holdout', 'last'],
            message: `${message}; if the rows have no time, use { fraction: 0.2, by: KEY }`,
          },
        ]
      : []),
  ];
}

function holdoutLeavesTrainingRows({ data: { window }, build: { holdout } }: Configuration): ConfigurationProblem[] {
  if (!('last' in holdout) || window === undefined || isCertainlyShorter(holdout.last, window) !== false) return [];
  const message = `a holdout of ${holdout.last} leaves no training rows in data.window, which is ${window}`;
  return [{ path: ['build', 'holdout', 'last'], message }];
}

/** Refuses durations of zero, which would make an empty window or a timer that fires continuously. */
function lengthsAreLonger({ data, build, deploy, monitor }: Configuration): ConfigurationProblem[] {
  const lengths: readonly (readonly [KeyPath, string | undefined])[] = [
    [['data', 'window'], data.window],
    [['build', 'timeout'], build.timeout],
    [['build', 'block'], build.block],
    [['build', 'holdout', 'last'], 'last' in build.holdout ? build.holdout.last : undefined],
    [['deploy', 'approval', 'expires'], deploy.approval.expires],
    [['monitor', 'every'], monitor.every],
    [['monitor', 'window'], monitor.window],
  ];
  const nothing = lengths
    .filter(([, length]) => length !== undefined && durationMs(length) === 0)
    .map(([path, length]) => ({ path, message: `must be longer than zero, and is ${length}` }));
  // Very short blocks would exhaust memory, because each block of a holdout is a boundary in memory.
  const blockMs = durationMs(build.block);
  const tiny = { path: ['build', 'block'], message: `${build.block} is shorter than 1m, the minimum` };
  return blockMs > 0 && blockMs < 60_000 ? [...nothing, tiny] : nothing;
}

function expectationsCanHold({ data: { expectations, timestamp } }: Configuration): ConfigurationProblem[] {
  return expectations.flatMap((expectation, index) => {
    const path = ['data', 'expectations', index];
    const { range, rowCount, freshness } = expectation;
    const [low, high] = range ?? [];
    const isReversed = low !== undefined && high !== undefined && low >= high;
    return [
      ...crossed(expectation, path),
      ...crossed(rowCount ?? {}, [...path, 'rowCount']),
      ...(isReversed
        ? [
            {
              path: [...path, 'range'],
              message: `${JSON.stringify(range)} is not a range; the first value must be lower than the second`,
            },
          ]
        : []),
      ...(freshness !== undefined && timestamp === undefined
        ? [
            {
              path: [...path, 'freshness'],
              message: 'needs data.timestamp, a column or expression with the time of a row',
            },
          ]
        : []),
    ];
  });
}

function upsertsNeedKey({ data: { mode, key } }: Configuration): ConfigurationProblem[] {
  if (mode !== 'upsert' || key !== undefined) return [];
  return [{ path: ['data', 'mode'], message: 'upsert needs data.key, the column that identifies a row' }];
}

function gatesCanPass({ build: { gates } }: Configuration): ConfigurationProblem[] {
  return gates.flatMap((gate, index) => {
    const path = ['build', 'gates', index];
    return hasBounds(gate) ? [...unbounded(gate, path), ...crossed(gate, path)] : [];
  });
}

function metricsFitTask({ task, build, monitor, deploy }: Configuration): ConfigurationProblem[] {
  const { performance } = monitor;
  const { metric: canary } = deploy.strategy.abortOn;
  const named: readonly (readonly [KeyPath, MetricName | undefined])[] = [
    [['build', 'metric'], build.metric],
    ...build.gates.map((gate, index): readonly [KeyPath, MetricName | undefined] => [
      ['build', 'gates', index, 'metric'],
      'metric' in gate ? gate.metric : undefined,
    ]),
    [['monitor', 'performance', 'metric'], performance?.metric],
    [['deploy', 'strategy', 'abortOn', 'metric', 'name'], canary?.name],
  ];
  return named.flatMap(([path, metric]) =>
    metric === undefined || isMetricOf(task, metric)
      ? []
      : [{ path, message: `"${metric}" is not a metric of task ${task}; use one of ${metricNames[task].join(', ')}` }],
  );
}

/** Refuses keys about the interpretation of predictions that have no effect for the task. */
function answersFitTask({ task, build }: Configuration): ConfigurationProblem[] {
  const keys = [
    ['positive', 'binary'],
    ['threshold', 'binary'],
    ['quantile', 'regression'],
  ] as const;
  return keys.flatMap(([key, of]) =>
    build[key] === undefined || task === of
      ? []
      : [{ path: ['build', key], message: `is only for task ${of}, but the task is ${task}; remove it` }],
  );
}

function classesAreTold({ task, build: { classes, positive } }: Configuration): ConfigurationProblem[] {
  if (classes === undefined) return [];
  const path = ['build', 'classes'];
  if (task === 'regression')
    return [{ path, message: 'is only for classifiers, but the task is regression; remove it' }];
  const keys = classes.map(classKey);
  const twice = keys.findIndex((key, index) => keys.indexOf(key) !== index);
  if (twice >= 0)
    return [{ path: [...path, twice], message: `${JSON.stringify(classes[twice])} is listed twice; remove one` }];
  if (task === 'binary' && classes.length !== 2)
    return [{ path, message: `lists ${classes.length} classes, but task binary has two` }];
  if (positive === undefined || keys.includes(classKey(positive))) return [];
  return [{ path: ['build', 'positive'], message: `${JSON.stringify(positive)} is not one of build.classes` }];
}

function driftCanBeFound({ data: { features, target }, monitor: { drift } }: Configuration): ConfigurationProblem[] {
  const known = new Set([...features, target]);
  const unknown = drift.exclude.flatMap((column, index) =>
    known.has(column)
      ? []
      : [{ path: ['monitor', 'drift', 'exclude', index], message: `"${column}" is neither a feature nor the target` }],
  );
  const tested = features.filter((feature) => !drift.exclude.includes(feature)).length;
  const tooMany = {
    path: ['monitor', 'drift', 'minFeatures'],
    message: `${drift.minFeatures} features can never drift, because only ${tested} are tested`,
  };
  const withPValues = driftTestNames.filter(hasPValue);
  const usesPValue = hasPValue(drift.numeric) || hasPValue(drift.categorical);
  const certain = {
    path: ['monitor', 'drift', 'threshold'],
    message: `for ${inWords(withPValues, 'and')} the threshold is a p-value, and every p-value is below ${drift.threshold}; set a threshold such as 0.01`,
  };
  const noneToAdjust = (key: 'fdr' | 'minEffect') => ({
    path: ['monitor', 'drift', key],
    message: `applies only to tests with p-values, and neither "numeric: ${drift.numeric}" nor "categorical: ${drift.categorical}" is one; use ${inWords(withPValues, 'or')}, or remove this key`,
  });
  return [
    ...unknown,
    ...(tested > 0 && drift.minFeatures > tested ? [tooMany] : []),
    ...(usesPValue && drift.fdr === undefined && drift.threshold > 1 ? [certain] : []),
    ...(!usesPValue && drift.fdr !== undefined ? [noneToAdjust('fdr')] : []),
    ...(!usesPValue && drift.minEffect !== undefined ? [noneToAdjust('minEffect')] : []),
  ];
}

function performanceIsBounded({ monitor: { performance }, retrain }: Configuration): ConfigurationProblem[] {
  const path = ['monitor', 'performance'];
  if (performance !== undefined) return [...unbounded(performance, path), ...crossed(performance, path)];
  const index = retrain.on.indexOf('performance');
  if (index < 0) return [];
  return [
    {
      path: ['retrain', 'on', index],
      message: 'this trigger never occurs, because monitor.performance is not set; set a metric and a bound there',
    },
  ];
}

function performanceCanBeEstimated({
  task,
  monitor: { performance, estimate },
}: Configuration): ConfigurationProblem[] {
  if (performance?.estimated !== true) return [];
  const path = ['monitor', 'performance', 'estimated'];
  if (estimate === false) return [{ path, message: 'has no effect, because monitor.estimate is false' }];
  const told: readonly string[] = estimatedMetrics[task];
  // `metricsFitTask` already reports a metric of another task.
  if (!isMetricOf(task, performance.metric) || told.includes(performance.metric)) return [];
  const message = `has no effect, because ${performance.metric} cannot be estimated without labels; use one of ${told.join(', ')}`;
  return [{ path, message }];
}

interface Bounds {
  readonly min?: number;
  readonly max?: number;
}

function unbounded({ min, max }: Bounds, path: KeyPath): ConfigurationProblem[] {
  return min === undefined && max === undefined ? [{ path, message: 'has no bound; set max or min' }] : [];
}

function crossed({ min, max }: Bounds, path: KeyPath): ConfigurationProblem[] {
  if (min === undefined || max === undefined || min <= max) return [];
  return [{ path: [...path, 'min'], message: `${min} is above max (${max}), so no value is within the bounds` }];
}

function canaryCanStop({ deploy: { strategy } }: Configuration): ConfigurationProblem[] {
  const { metric } = strategy.abortOn;
  if (metric === undefined) return [];
  const path = ['deploy', 'strategy', 'abortOn', 'metric'];
  return [...unbounded(metric, path), ...crossed(metric, path)];
}
