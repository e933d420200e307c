import { describe, expect, test } from 'vitest';
import { PerennialError } from '../../contracts/errors.ts';
import { parseRequirements, requirementsText, withoutHash } from '../../contracts/code/requirements.ts';

const sha256 = `sha256:${'a'.repeat(64)}`;
const sha512 = `sha512:${'b'.repeat(128)}`;

function refusalOf(text: string): string {
  try {
    parseRequirements(text, 'requirements.txt');
  } catch (caught) {
    if (caught instanceof PerennialError) return caught.message;
    throw caught;
  }
  throw new Error(`it was accepted: ${text}`);
}

describe('a requirement', () => {
  test.each([
    ['pandas', 'pandas'],
    ['pandas==2.3.3', 'pandas==2.3.3'],
    ['  Scikit_Learn >= 1.5 , < 2 # a comment', 'Scikit_Learn>=1.5,<2'],
    ['torch==2.3.0+cpu', 'torch==2.3.0+cpu'],
    ['torch===2.3.0', 'torch===2.3.0'],
    ['a!=1.*,~=1.2', 'a!=1.*,~=1.2'],
    ['requests[socks, use_chardet] (>=2.8.1)', 'requests[socks,use_chardet]>=2.8.1'],
    ['requests[]', 'requests'],
    ['numpy==2.2.6 ; python_full_version < "3.11"', 'numpy==2.2.6 ; python_full_version < "3.11"'],
    [
      `a; (python_version<'3.9' or extra == "x y") and sys_platform not in "win32 cygwin"`,
      `a ; ( python_version < '3.9' or extra == "x y" ) and sys_platform not in "win32 cygwin"`,
    ],
  ])('%s is read', (line, text) => {
    expect(parseRequirements(line, 'requirements.txt').requirements.map((one) => one.text)).toEqual([text]);
  });

  test('is written from its parts with its hashes, and nothing else of the file is', () => {
    const file = `\uFEFF# lock\r\npandas==2.3.3 \\\r\n    --hash=${sha256} \\\r\n    --hash ${sha512.toUpperCase().replace('SHA', 'sha')}\r\n    # via -r requirements.in\n--only-binary :all:\n\nsix\n`;
    const parsed = parseRequirements(file, 'requirements.txt');
    expect(requirementsText(parsed.requirements)).toBe(`pandas==2.3.3 --hash=${sha256} --hash=${sha512}\nsix\n`);
    expect(withoutHash(parsed).map(({ name, line }) => ({ name, line }))).toEqual([{ name: 'six', line: 8 }]);
  });
});

describe('only package names can be installed', () => {
  test.each([
    ['x @ https://example.org/x-1.0.tar.gz', /names an address/],
    ['x@file:///tmp/x', /names an address/],
    ['x[extra]@ file:///tmp/x ; python_version > "3"', /names an address/],
    ['https://example.org/x-1.0-py3-none-any.whl', /names an address/],
    ['file:./x', /names an address/],
    ['x @ git+https://example.org/x.git', /version control/],
    ['git+ssh://git@example.org/x.git@main#egg=x', /version control/],
    ['hg+static-http://example.org/x', /version control/],
    ['./x', /names a file or folder/],
    ['.', /names a file or folder/],
    ['~/x', /names a file or folder/],
    ['/tmp/x', /names a file or folder/],
    ['..\\x', /names a file or folder/],
    ['x-1.0-py3-none-any.whl', /names a file or folder/],
    ['x-1.0.tar.gz', /names a file or folder/],
    ['-e .', /installs a folder/],
    ['--editable=git+https://example.org/x', /installs a folder/],
    ['-r /etc/passwd', /reads another file/],
    ['-r/etc/passwd', /reads another file|is an option/],
    ['--requirement other.txt', /reads another file/],
    ['-c constraints.txt', /reads another file/],
    ['--no-binary :all:', /only wheels are installed/],
    ['--only-binary x', /only wheels are installed/],
    ['--prefer-binary', /only wheels are installed/],
    ['--pre', /name the version/],
    ['--no-index', /is an option/],
    ['--index https://example.org', /is an option/],
    ['--global-option=build_ext', /is an option/],
    ['--config-settings x=y', /is an option/],
    ['x --config-settings=y', /has the option/],
    ['x --global-option="--x"', /has the option/],
    [`x --hash=${sha256} --install-option=y`, /has the option/],
    ['x --hash=md5:d41d8cd98f00b204e9800998ecf8427e', /not sha256, sha384 or sha512/],
    ['x==${VERSION}', /names an environment variable/],
    ['--index-url https://${USER}:${TOKEN}@example.org/simple', /names an environment variable/],
    ['x==1.0\u0000', /control characters/],
    ['x==1.0\u2028-r other.txt', /control characters/],
    ['x==1.0 y==2.0', /is not a requirement/],
    ['x==1.0; python_version < "3" -r other.txt', /has the option|is not a requirement/],
    ['x; os.system("id")', /is not a requirement/],
    ['x; python_version < "\\"', /is not a requirement/],
    [`x; ${'('.repeat(30)}extra == "a"${')'.repeat(30)}`, /is not a requirement/],
    ['x==1.0 \\\n-r other.txt', /has the option|is not a requirement/],
    ['==1.0', /is not a requirement/],
    ['!x', /is not a requirement/],
  ])('%s', (line, why) => {
    const message = refusalOf(`# first\n${line}\n`);
    expect(message).toMatch(/^requirements\.txt:2 cannot be installed: `/);
    expect(message).toMatch(why);
  });

  test('the quotation in a refusal is cut, and contains no password', () => {
    expect(refusalOf(`x @ https://example.org/${'a'.repeat(5000)}`).length).toBeLessThan(500);
    expect(refusalOf('x @ https://me:hunter2@example.org/x.zip')).not.toContain('hunter2');
  });

  test('endless files are refused', () => {
    expect(refusalOf('x\n'.repeat(10_001))).toMatch(/more than 10000 requirements/);
    expect(refusalOf('#'.repeat(11 * 2 ** 20))).toMatch(/characters/);
    expect(refusalOf(`x==${'1'.repeat(200_001)}`)).toMatch(/longer than/);
  });
});

test('lines that name package sources are kept for the worker to compare', () => {
  const text =
    '-i https://a.example/simple\n--extra-index-url=https://b.example/simple/\n-f /wheels\n--trusted-host c.example\n';
  expect(
    parseRequirements(text, 'requirements.txt').sources.map(({ kind, value, line }) => [kind, value, line]),
  ).toEqual([
    ['index', 'https://a.example/simple', 1],
    ['index', 'https://b.example/simple/', 2],
    ['find-links', '/wheels', 3],
    ['trusted-host', 'c.example', 4],
  ]);
});
