import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** Creates a certificate for this machine's loopback address in the folder. */
export async function selfSigned(
  folder: string,
): Promise<{ readonly key: Buffer; readonly certificate: Buffer; readonly certificatePath: string }> {
  const [keyPath, certificatePath] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')];
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  const files = ['-keyout', keyPath, '-out', certificatePath];
  await promisify(execFile)('openssl', [
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-days',
    '2',
    ...subject,
    ...files,
  ]);
  return { key: await readFile(keyPath), certificate: await readFile(certificatePath), certificatePath };
}
