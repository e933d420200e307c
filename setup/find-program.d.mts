type Environment = Readonly<Record<string, string | undefined>>;

export interface Program {
  readonly file: string;
  readonly title: string;
  readonly variable: string;
  readonly says: RegExp;
}

export declare const programs: { readonly temporal: Program; readonly minio: Program };
export declare function cachedProgramFolder(env: Environment): string;
export declare function candidatesOf(program: Program, env: Environment): string[];
export declare function findProgram(program: Program, env: Environment): string | undefined;
export declare function findWorkingProgram(program: Program, env: Environment): Promise<string | undefined>;
export declare function runsAs(program: Program, path: string): Promise<boolean>;
