/** The flags of `check` alone. They have no variables, because they belong to one run. */
export const CHECK_FLAGS = {
  gateway: {
    placeholder: 'ID',
    help: 'Gateway for the dry run. Default: the first private gateway with a secondary address, preferably one that the rules allow to change.',
  },
  json: {
    placeholder: undefined,
    help: 'Print one JSON object: {"ok": …, "checks": [{"name", "status", "message", "hint"?, …}]}.',
  },
} as const;
