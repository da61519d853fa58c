/** The EC2 Query protocol's requests: form-encoded parameters with numbered lists. */

/** A refusal in EC2's words. */
export class QueryError extends Error {
  readonly code: string;
  readonly status: number;

  constructor(code: string, message: string, status = 400) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

export interface Filter {
  name: string;
  values: string[];
}

/** The parameters of one request; what an action has not read in the end is unknown to it. */
export class Parameters {
  readonly #values: URLSearchParams;
  readonly #read = new Set(['Action', 'Version', 'DryRun']);

  constructor(body: string) {
    this.#values = new URLSearchParams(body);
  }

  get action(): string {
    return this.#values.get('Action') ?? '';
  }

  get dryRun(): boolean {
    return this.boolean('DryRun') ?? false;
  }

  /** Everything as it was sent, for the record. */
  all(): Record<string, string> {
    return Object.fromEntries(this.#values);
  }

  text(name: string): string | undefined {
    this.#read.add(name);
    const value = this.#values.get(name);
    return value === null || value === '' ? undefined : value;
  }

  required(name: string): string {
    const value = this.text(name);
    if (value === undefined) throw missing(name);
    return value;
  }

  integer(name: string, minimum: number, maximum: number): number | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    const number = /^-?\d{1,15}$/.test(value) ? Number(value) : Number.NaN;
    if (!(number >= minimum && number <= maximum)) {
      const expected = number < minimum ? `greater than ${minimum}` : `from ${minimum} to ${maximum}`;
      const spelled = name.charAt(0).toLowerCase() + name.slice(1);
      throw new QueryError(
        'InvalidParameterValue',
        `Value ( ${value} ) for parameter ${spelled} is invalid. Expecting a value ${expected}.`,
      );
    }
    return number;
  }

  boolean(name: string): boolean | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    if (!/^(true|false)$/i.test(value)) {
      throw new QueryError('InvalidParameterValue', `Value (${value}) for parameter ${name} is invalid.`);
    }
    return value.toLowerCase() === 'true';
  }

  /** `name.1`, `name.2`, … in the order of their numbers; gaps are passed over. */
  list(name: string): string[] {
    return this.#numbered(name, /^(\d+)$/)
      .sort(([a], [b]) => a - b)
      .map(([, value]) => value);
  }

  /** `Filter.N.Name` with `Filter.N.Value.M`. */
  filters(): Filter[] {
    const names = this.#numbered('Filter', /^(\d+)\.Name$/);
    return names.map(([index, name]) => ({ name, values: this.list(`Filter.${index}.Value`) }));
  }

  /** Refuses a request with parameters that the action has not asked for. */
  refuseUnknown(): void {
    for (const name of this.#values.keys()) {
      if (!this.#read.has(name)) {
        throw new QueryError('UnknownParameter', `The parameter ${name} is not recognized`);
      }
    }
  }

  #numbered(name: string, rest: RegExp): [number, string][] {
    const found: [number, string][] = [];
    for (const [key, value] of this.#values) {
      const index = key.startsWith(`${name}.`) ? rest.exec(key.slice(name.length + 1))?.[1] : undefined;
      if (index === undefined) continue;
      this.#read.add(key);
      if (Number(index) > 0) found.push([Number(index), value]);
    }
    return found;
  }
}

export function missing(name: string): QueryError {
  return new QueryError('MissingParameter', `The request must contain the parameter ${name}`);
}
