type Environment = Readonly<Record<string, string | undefined>>;

export interface Program {
  readonly file: string;
  readonly title: string;
  readonly variable: string;
  readonly says: RegExp;
  readonly cached?: string;
  readonly oldest?: { readonly title: string; readonly pattern: RegExp; readonly version: readonly number[] };
}

export declare const programs: Readonly<Record<'temporal' | 'minio' | 'bubblewrap' | 'slirp4netns', Program>>;
export declare function cachedProgramFolder(env: Environment): string;
export declare function candidatesOf(program: Program, env: Environment): string[];
export declare function findProgram(program: Program, env: Environment): string | undefined;
export declare function searchProgram(
  program: Program,
  env: Environment,
): Promise<{ readonly path: string | undefined; readonly passedOver: readonly string[] }>;
export declare function findWorkingProgram(program: Program, env: Environment): Promise<string | undefined>;
export declare function complaintAbout(program: Program, path: string): Promise<string | undefined>;
