import type { TLSConfig } from '@temporalio/client';
import { readFile } from 'node:fs/promises';
import { PerennialError, reasonOf } from '../../contracts/errors.ts';
import type { Settings } from '../../contracts/settings/settings.ts';

type TlsSettings = Pick<Settings, 'TEMPORAL_TLS_CERT' | 'TEMPORAL_TLS_KEY' | 'TEMPORAL_TLS_CA'>;

/**
 * Returns the TLS configuration for Temporal from the PEM files that the settings name, or undefined if they name none.
 * Throws `invalid-setting`, which names the wrong setting.
 */
export async function readTemporalTls(settings: TlsSettings): Promise<TLSConfig | undefined> {
  const { TEMPORAL_TLS_CERT: cert, TEMPORAL_TLS_KEY: key, TEMPORAL_TLS_CA: ca } = settings;
  if (cert === undefined && key === undefined && ca === undefined) return undefined;
  if ((cert === undefined) !== (key === undefined)) {
    throw new PerennialError(
      'invalid-setting',
      'only one of TEMPORAL_TLS_CERT and TEMPORAL_TLS_KEY is set, but a certificate needs its key; set both or neither',
      { variable: cert === undefined ? 'TEMPORAL_TLS_CERT' : 'TEMPORAL_TLS_KEY' },
    );
  }
  const tls: TLSConfig = {};
  if (ca !== undefined) tls.serverRootCACertificate = await pem('TEMPORAL_TLS_CA', ca);
  if (cert !== undefined && key !== undefined)
    tls.clientCertPair = { crt: await pem('TEMPORAL_TLS_CERT', cert), key: await pem('TEMPORAL_TLS_KEY', key) };
  return tls;
}

async function pem(variable: string, path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (caught) {
    throw new PerennialError(
      'invalid-setting',
      `${variable} names a PEM file that cannot be read: ${reasonOf(caught)}`,
      { variable },
      { cause: caught },
    );
  }
}
