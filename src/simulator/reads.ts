/** How describes deviate from the state. Tests set these options; no flag does. */
export interface ReadOptions {
  /** Simulated seconds by which describes lag behind writes. Default: 0. */
  readLagSeconds?: number;
  /**
   * Called once for every describe that is not refused and is no dry run; decides how this answer deviates. Real
   * describes lag and flap (terraform-provider-aws #47476). Answers are deterministic if the function is, for example
   * by drawing from a seeded generator. Default: no deviation beyond `readLagSeconds`.
   */
  reads?: (read: Read) => ReadDeviation | undefined;
  /**
   * Largest number of gateways on page `index`, which starts at 0; `undefined` sets no limit. AWS's pages hold 0 to
   * `MaxResults` items, and a client goes on until there is no token (EC2 API, Query requests, pagination; aws-sdk-ruby
   * #689 shows an empty page). A page filled to this number has a token even if nothing is left (seen in aws-sdk-js #939),
   * so the last page can be empty. Default: full pages, and no token on the last page with gateways.
   */
  pages?: (index: number) => number | undefined;
  /** Whether `Filter.N` is ignored, valid or not, as some emulators do. Default: false. */
  ignoresFilters?: boolean;
}

/** A describe about to be answered. */
export interface Read {
  /** Gateways that match the request, on this page and later ones. */
  natGatewayIds: readonly string[];
  /** Simulated time in milliseconds since the epoch. */
  at: number;
}

/** How the answer to one describe deviates from the state. */
export interface ReadDeviation {
  /** Simulated seconds by which this answer lags behind writes. Default: `readLagSeconds`. */
  lagSeconds?: number | undefined;
  /** Whether to leave an address out; called once for each one with a private IP. */
  omitAddress?: ((natGatewayId: string, privateIp: string) => boolean) | undefined;
  /** Whether to leave a gateway out, called once for each; one requested by id is then `NatGatewayNotFound`. */
  omitGateway?: ((natGatewayId: string) => boolean) | undefined;
}
