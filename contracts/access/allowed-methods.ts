interface Route {
  readonly method: string | readonly string[];
  /** As Fastify writes it: `/v1/models/:model`. */
  readonly url: string;
}

/**
 * Which methods a path has, for the header `Allow` of a 405. The API and the gateway each tell it their routes.
 * `of` returns none for a path that no route has under any method.
 */
export class AllowedMethods {
  readonly #routes: { readonly pattern: RegExp; readonly methods: readonly string[] }[] = [];

  add({ method, url }: Route): void {
    const pattern = url
      .split('/')
      .map((part) => (part === '*' ? '.*' : part.startsWith(':') ? '[^/]+' : part.replaceAll('.', String.raw`\.`)))
      .join('/');
    this.#routes.push({ pattern: new RegExp(`^${pattern}$`), methods: [method].flat() });
  }

  of(path: string): readonly string[] {
    const methods = this.#routes.filter(({ pattern }) => pattern.test(path)).flatMap((route) => route.methods);
    return [...new Set(methods)].toSorted();
  }
}
