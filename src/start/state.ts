import type { Ec2 } from '../aws/ec2.ts';
import { memoryState } from '../changes/memory-state.ts';
import type { Release } from '../changes/releases.ts';
import type { Clocks, State } from '../changes/state.ts';
import type { Settings } from '../config/options.ts';
import type { Logger } from '../vocabulary/logger.ts';

/** The state of all changes: of this process alone or, with --state-table, of every process that shares the table. */
export async function openState(
  settings: Settings,
  clocks: Clocks,
  earlier: readonly Release[],
  ec2: () => Promise<Ec2>,
  logger: Logger,
): Promise<State> {
  const { stateTable: name, stateRegion, stateEndpoint: endpoint, maxChangesPerHour } = settings;
  if (name === undefined) return memoryState({ clocks, maxChangesPerHour, earlier });
  const { openStateTable } = await import('../state-table/state-table.ts');
  return openStateTable({
    name,
    clocks,
    maxChangesPerHour,
    client: async () => {
      const config = await (await ec2()).tableConfig(stateRegion);
      return endpoint === undefined ? config : { ...config, endpoint };
    },
    onTrouble: (message) => logger.warn({ table: name }, message),
  });
}
