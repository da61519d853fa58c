import type { Ec2Target } from '../aws/settings.ts';
import type { State } from '../changes/state.ts';
import type { Settings } from '../config/options.ts';
import { stricter } from '../nat-gateway/stricter.ts';
import { type Dependencies, TargetAccounts } from '../server.ts';
import type { Logger } from '../vocabulary/logger.ts';
import { loadAws } from './aws.ts';
import { rulesOf } from './rules.ts';

/** Does something with the file of --targets, and exits with every mistake, a line each, if the file is refused. */
export async function withTargets<T>(file: string, use: (file: string) => Promise<T>): Promise<T> {
  const { RefusedTargets } = await import('../config/targets.ts');
  try {
    return await use(file);
  } catch (error) {
    if (!(error instanceof RefusedTargets)) throw error;
    const lines = error.mistakes.map((mistake) => `nat-gateway-mcp: --targets ${file}: ${mistake}\n`);
    process.stderr.write(lines.join(''));
    return process.exit(2);
  }
}

/** The accounts of --targets, which are read again when the file changes; `undefined` without it. */
export async function openTargets(
  settings: Settings,
  ofServer: () => Promise<Ec2Target>,
  state: State,
  version: string,
  logger: Logger,
): Promise<Dependencies['targets']> {
  if (settings.targets === undefined) return undefined;
  const file = await withTargets(settings.targets, async (path) => {
    const { TargetsFile } = await import('../config/targets-file.ts');
    return new TargetsFile(path, rulesOf(settings), logger);
  });
  file.watch();
  return new TargetAccounts({
    current: () => file.current(),
    rulesOf: (target) => stricter(rulesOf(settings), target.rules),
    open: async (target) => {
      const { connectEc2, inTarget } = await loadAws();
      return connectEc2(inTarget(await ofServer(), target), version, logger);
    },
    state,
  });
}
