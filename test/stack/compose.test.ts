import Ajv from 'ajv';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { composeDocument, composeFile, composeText, interpolate, wanted } from './compose-file.ts';

// Checks the content of the Compose file. test/how-to/cluster.test.ts runs it.

/** The schema uses an old draft, in which an `id` is a name and not an address, so both keywords are removed. */
const schema = JSON.parse(
  readFileSync(new URL('../fixtures/compose/compose-spec.json', import.meta.url), 'utf8'),
  (key, value: unknown) => (key === '$schema' || (key === 'id' && typeof value === 'string') ? undefined : value),
) as Record<string, unknown>;
const { services, volumes } = composeFile();
const ours = ['worker', 'api', 'gateway', 'gateway-2'] as const;

describe('docker-compose.yml', () => {
  const duration = /^(\d+(\.\d+)?(us|ms|s|m|h))+$/;
  const formats = { duration, ports: true, expose: true, subnet_ip_address: true } as const;
  const validate = new Ajv.Ajv({ strict: false, allErrors: true, formats }).compile(schema);

  it('satisfies the schema of Compose files', () => {
    expect(validate(composeDocument()), JSON.stringify(validate.errors)).toBe(true);
  });

  it('is checked by a schema that can fail', () => {
    expect(validate({ services: { api: { image: 1 } } })).toBe(false);
    expect(validate({ services: { api: { image: 'a', imge: 'b' } } })).toBe(false);
  });

  it('pins every image, and none to the latest version', () => {
    for (const [name, { image }] of Object.entries(services))
      expect(interpolate(image, { PERENNIAL_BUILD_ID: '0.2.0' }), name).toMatch(
        /:[A-Za-z]*\.?\d[^:]*\.\d[^:]*$|:RELEASE\.\d{4}-/,
      );
  });

  it('pins a Temporal server that accepts no signals from other namespaces, and its tools in the same version', () => {
    const imageOf = (name: string) => services[name]!.image.split(':');
    const [image, version = ''] = imageOf('temporal');
    expect(image).toBe('temporalio/server');
    const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number);
    expect(major * 1e6 + minor * 1e3 + patch).toBeGreaterThanOrEqual(1_030_003);
    for (const name of ['temporal-schema', 'temporal-namespace', 'temporal-cli'])
      expect(imageOf(name), name).toEqual(['temporalio/admin-tools', version]);
  });

  it('has a Temporal server that does not check for newer versions', () => {
    expect(services['temporal']!.environment.TEMPORAL_VERSION_CHECK_DISABLED).toBe('1');
  });

  it('has an image with the sandbox programs, and works without them if the host forbids sandboxes', () => {
    const dockerfile = readFileSync(new URL('../../Dockerfile', import.meta.url), 'utf8');
    for (const name of ['bubblewrap', 'slirp4netns', 'iproute2'])
      expect(dockerfile).toMatch(new RegExp(`install .*\\b${name}\\b`));
    for (const name of ours) expect(services[name]!.environment.PERENNIAL_SANDBOX, name).toBe('preferred');
  });

  it("passes the administrator's settings for package indexes and networks to the worker", () => {
    for (const name of ['PERENNIAL_PIP_INDEX_URL', 'PERENNIAL_PIP_EXTRA_INDEX_URLS', 'PERENNIAL_SANDBOX_ALLOW'])
      expect(composeDocument(), name).toHaveProperty(['services', 'worker', 'environment', name], null);
  });

  it('publishes every port only on loopback', () => {
    const ports = Object.values(services).flatMap((service) => service.ports);
    expect(ports.length).toBeGreaterThan(2);
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
  });

  it('contains no secret, and does not start without the required ones', () => {
    expect(composeText.replaceAll(wanted, '')).not.toContain('${');
    expect(composeText).not.toMatch(/(PASSWORD|SECRET|KEY|PWD): (?!\$\{|&)\S*[^\s{]/);
  });

  const mounts = (name: string): string[] => services[name]!.volumes.filter((mount) => !mount.startsWith('./'));

  it('keeps data that must not be lost in named volumes', () => {
    const used = Object.keys(services).flatMap((name) => mounts(name).map((mount) => mount.split(':')[0]!));
    expect([...new Set(used)].sort()).toEqual(Object.keys(volumes).sort());
  });

  it('backs up every volume except those of the worker and the API, which may be lost', () => {
    const lasting = Object.keys(volumes).filter((name) => !['worker', 'api'].includes(name));
    expect(mounts('backup').sort()).toEqual(lasting.map((name) => `${name}:/volumes/${name}`).sort());
  });

  it('has a health check for every long-running service', () => {
    const staying = Object.entries(services).filter(([, service]) => service.restart === 'unless-stopped');
    expect(staying.map(([name]) => name).sort()).toEqual([
      'api',
      'gateway',
      'gateway-2',
      'postgres',
      's3',
      'temporal',
      'temporal-ui',
      'worker',
    ]);
    for (const [name, service] of staying) expect(service.healthcheck, name).toBeDefined();
  });

  it.each(ours)('runs %s with a command of this checkout', (name) => {
    expect(services[name]!.build).toBe('.');
    expect(services[name]!.command).toEqual(['node', `${name.replace('-2', '')}/main.ts`]);
  });
});
