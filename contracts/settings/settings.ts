import { z } from 'zod';
import type { CodeLimits } from '../code/code-limits.ts';
import { Duration } from '../time/duration.ts';
import { canonicalCron } from '../time/cron.ts';
import { PerennialError, reasonOf } from '../errors.ts';
import { limitSettings } from './limit-settings.ts';
import { storeSettings } from './object-stores.ts';
import { proxySettings } from './proxies.ts';
import { trainingQueue } from '../runs/workflows.ts';

const Port = z.coerce.number().int().min(0).max(65_535);

const PackageIndexUrl = z.url({
  protocol: /^https?$/,
  error: 'expected addresses such as https://packages.example/simple',
});

/** An IPv4 address, an IPv4 network, or a host name. */
const AllowedDestination = z
  .string()
  .regex(
    /^(\d{1,3}(\.\d{1,3}){3}(\/([0-9]|[12][0-9]|3[0-2]))?|(?=.*[a-zA-Z])[a-zA-Z0-9]([a-zA-Z0-9.-]{0,251}[a-zA-Z0-9])?)$/,
    'expected IPv4 addresses, networks such as 10.1.0.0/16, or host names, separated by spaces',
  );

/** A cron line in UTC for the platform's own periodic work, or `never`. */
const CronOrNever = z.string().transform((text, context) => {
  if (text === 'never') return text;
  try {
    return canonicalCron(text, '');
  } catch (caught) {
    context.addIssue(reasonOf(caught));
    return z.NEVER;
  }
});

/** All environment variables that any process reads. Only `main.ts` files pass `process.env` to this schema. */
export const Settings = z.object({
  PERENNIAL_HOME: z.string().default('.perennial'),
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/ }),
  TEMPORAL_ADDRESS: z.string().regex(/^[^\s:]+:\d+$/, 'expected host:port'),
  TEMPORAL_NAMESPACE: z.string().default('default'),
  TEMPORAL_TLS_CERT: z.string().optional(),
  TEMPORAL_TLS_KEY: z.string().optional(),
  TEMPORAL_TLS_CA: z.string().optional(),
  TEMPORAL_API_KEY: z.string().optional(),
  /** Without S3 settings, the local-disk store under PERENNIAL_HOME is used. */
  ...storeSettings,
  PERENNIAL_API_HOST: z.string().default('127.0.0.1'),
  PERENNIAL_API_PORT: Port.default(7400),
  PERENNIAL_GATEWAY_HOST: z.string().default('127.0.0.1'),
  PERENNIAL_GATEWAY_PORT: Port.default(7401),
  /** The address at which other processes reach this gateway. Defaults to http://host:port. */
  PERENNIAL_GATEWAY_URL: z.url().optional(),
  /**
   * How long a gateway that is stopping continues to answer requests while it reports that it is not ready, so that
   * load balancers have time to send requests elsewhere.
   */
  PERENNIAL_GATEWAY_DRAIN: Duration.default('5s'),
  PERENNIAL_TEMPORAL_UI_URL: z.url().optional(),
  /** Comma-separated task queues on which a worker trains. `build.resources.queue` may name each of them. */
  PERENNIAL_TRAIN_QUEUES: z
    .string()
    .transform((text) => text.split(',').map((name) => name.trim()))
    .pipe(
      z
        .array(z.string().regex(trainingQueue, 'expected names such as train and train-gpu, separated by commas'))
        .min(1),
    )
    .default(['train']),
  /**
   * The build id of a worker's code, for Temporal's worker versioning: executions then run on the version that is set as
   * current, and continue there when it changes. If absent, every worker takes every execution, which suits one machine,
   * where only one version of the code runs at a time.
   */
  PERENNIAL_BUILD_ID: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,200}$/, 'expected letters, digits, . _ and -, such as 1.4.0 or a commit')
    .optional(),
  /**
   * The address of a worker's health checks. Without a port there are none, so that many workers can run on one
   * machine.
   */
  PERENNIAL_WORKER_HOST: z.string().default('127.0.0.1'),
  PERENNIAL_WORKER_PORT: Port.optional(),
  /**
   * At least 32 characters. The keys of rehearsals, of the services' own requests, of ledger signatures and of stored
   * connections are derived from this secret.
   */
  PERENNIAL_SECRET: z.string().min(32),
  /**
   * Creates an administrator with this API key at the first start, for installations that do not use the embedded
   * stack.
   */
  PERENNIAL_ADMIN_KEY: z.string().min(32).optional(),
  /**
   * Whether data and code may be fetched from private, loopback and link-local addresses that a configuration names, and
   * whether webhooks may have such addresses. Connections to object stores, databases and git repositories always may,
   * because administrators create them.
   */
  PERENNIAL_ALLOW_PRIVATE_SOURCES: z.stringbool().default(false),
  /**
   * Whether user code may run where bubblewrap cannot create a sandbox. `preferred` runs the code without one and
   * reports that; `required` refuses to run it.
   */
  PERENNIAL_SANDBOX: z.enum(['required', 'preferred']).default('preferred'),
  /**
   * Destinations outside the public internet that code with `code.network: true` may reach: IPv4 addresses, networks
   * and host names, separated by spaces.
   */
  PERENNIAL_SANDBOX_ALLOW: z
    .string()
    .transform((text) => text.split(/[\s,]+/).filter((word) => word !== ''))
    .pipe(z.array(AllowedDestination))
    .default([]),
  /** Paths of the sandbox programs. Default: the programs on the PATH. */
  PERENNIAL_BUBBLEWRAP: z.string().optional(),
  PERENNIAL_SLIRP4NETNS: z.string().optional(),
  /**
   * When garbage is collected: five cron fields or a name such as `@daily`, in UTC. With `never`, only `perennial gc`
   * collects garbage.
   */
  PERENNIAL_GC_SCHEDULE: CronOrNever.default('17 4 * * *'),
  /**
   * When ledger heads are signed and copied to the object store: five cron fields or a name such as `@daily`, in UTC.
   * With `never`, they are signed only when what serves has changed.
   */
  PERENNIAL_LEDGER_SCHEDULE: CronOrNever.default('*/15 * * * *'),
  /** Folder of training environments and caches. Default: PERENNIAL_HOME/cache */
  PERENNIAL_CACHE: z.string().optional(),
  /** The package index of pip, including credentials if it needs them. Default: the worker's own pip configuration. */
  PERENNIAL_PIP_INDEX_URL: PackageIndexUrl.optional(),
  /** Additional package indexes, separated by spaces. */
  PERENNIAL_PIP_EXTRA_INDEX_URLS: z
    .string()
    .transform((text) => text.split(/\s+/).filter((url) => url !== ''))
    .pipe(z.array(PackageIndexUrl).max(20))
    .default([]),
  /**
   * Proxies for data sources, webhooks, git repositories and packages on the internet. They are never used to reach
   * this machine or parts of the platform.
   */
  ...proxySettings,
  PERENNIAL_LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
  ...limitSettings,
});
export type Settings = z.infer<typeof Settings>;

/** The settings that decide how a process isolates user code. */
export const SandboxSettings = Settings.pick({
  PERENNIAL_SANDBOX: true,
  PERENNIAL_SANDBOX_ALLOW: true,
  PERENNIAL_BUBBLEWRAP: true,
  PERENNIAL_SLIRP4NETNS: true,
});
export type SandboxSettings = z.infer<typeof SandboxSettings>;

/** The settings for the package indexes of pip. */
export const PackageSettings = Settings.pick({ PERENNIAL_PIP_INDEX_URL: true, PERENNIAL_PIP_EXTRA_INDEX_URLS: true });
export type PackageSettings = z.infer<typeof PackageSettings>;

/** The limits on code versions, in every process that packs code. */
export const CodeSettings = Settings.pick({ PERENNIAL_CODE_SIZE: true, PERENNIAL_CODE_FILES: true });

export function codeLimitsOf({
  PERENNIAL_CODE_SIZE: bytes,
  PERENNIAL_CODE_FILES: files,
}: z.infer<typeof CodeSettings>): CodeLimits {
  return { bytes, files };
}

/** Returns the limits of a table engine process. */
export function tableLimitsOf({
  PERENNIAL_TABLE_MEMORY: memoryBytes,
  PERENNIAL_TABLE_DISK: diskBytes,
  PERENNIAL_TABLE_TIMEOUT: timeLimitMs,
}: Pick<Settings, 'PERENNIAL_TABLE_MEMORY' | 'PERENNIAL_TABLE_DISK' | 'PERENNIAL_TABLE_TIMEOUT'>): {
  readonly memoryBytes: number;
  readonly diskBytes: number;
  readonly timeLimitMs: number;
} {
  return { memoryBytes, diskBytes, timeLimitMs };
}

export function pipIndexesOf({
  PERENNIAL_PIP_INDEX_URL: indexUrl,
  PERENNIAL_PIP_EXTRA_INDEX_URLS: extraIndexUrls,
}: PackageSettings): {
  readonly indexUrl: string | undefined;
  readonly extraIndexUrls: readonly string[];
} {
  return { indexUrl, extraIndexUrls };
}

/**
 * The settings of the embedded stack. If the address of a part is given, that part is used and not started. Without a
 * port, a part uses its default port, or a free one if the default is taken. Port 0 means any free port.
 */
export const StackSettings = Settings.partial({
  DATABASE_URL: true,
  TEMPORAL_ADDRESS: true,
  PERENNIAL_SECRET: true,
}).extend({
  PERENNIAL_API_PORT: Port.optional(),
  PERENNIAL_GATEWAY_PORT: Port.optional(),
  PERENNIAL_POSTGRES_PORT: Port.optional(),
  PERENNIAL_TEMPORAL_PORT: Port.optional(),
  PERENNIAL_TEMPORAL_UI_PORT: Port.optional(),
});
export type StackSettings = z.infer<typeof StackSettings>;

/**
 * Parses environment variables. Throws `invalid-setting`, which names every missing or invalid variable. Empty texts
 * count as absent.
 */
export function parseSettings<Shape extends z.ZodObject>(
  schema: Shape,
  environment: Readonly<Record<string, string | undefined>>,
): z.infer<Shape> {
  const parsed = schema.safeParse(variablesGiven(environment));
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  throw new PerennialError('invalid-setting', `the environment variables cannot be used: ${problems.join('; ')}`, {
    problems,
  });
}

/** Returns the variables that are set. Variables with empty values count as absent. */
export function variablesGiven(
  environment: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string | undefined>> {
  return Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== undefined && value !== ''));
}
