import { pino } from 'pino';
import { STS_SILENT } from '../aws/identity.ts';
import { openSetUp, type SetUp } from '../aws/set-up.ts';
import type { Ec2Target } from '../aws/settings.ts';
import type { State } from '../changes/state.ts';
import type { Settings } from '../config/options.ts';
import type { Policy } from '../nat-gateway/policy.ts';
import type { Logger } from '../vocabulary/logger.ts';
import type { Timeouts } from '../vocabulary/timeouts.ts';
import { checkAuditLog } from './audit-log.ts';
import {
  AwsAnswers,
  checkAccount,
  checkClock,
  checkCredentials,
  checkDescribe,
  checkEndpoint,
  checkRegion,
  type SilentSts,
} from './aws.ts';
import { bounded } from './bounded.ts';
import { checkDryRun } from './dry-run.ts';
import { checkEvidence } from './evidence.ts';
import { checkHttp, checkTokens } from './http.ts';
import { checkPlaces, type Place, targetsOf } from './places.ts';
import { type Check, type Finding, type Report, reportOn } from './report.ts';
import { checkConfirmation, checkRules } from './rules.ts';
import { checkStateTable } from './state-table.ts';

export interface SetUpToCheck {
  settings: Settings;
  policy: Policy;
  /** Of the dry run. Default: one is chosen. */
  gateway: string | undefined;
  version: string;
  /** Whom the server would talk to. */
  target: () => Promise<Ec2Target>;
  /** Opens the state that replicas share. */
  openState: (logger: Logger) => Promise<State>;
  timeouts?: Timeouts;
}

/** Is told which checks have no result yet. */
export type Progress = (waitingFor: readonly string[]) => void;

/** Checks every part of a set-up. Checks that need nothing of each other run at the same time. */
export async function checkSetUp(options: SetUpToCheck, progress: Progress): Promise<Report> {
  const { settings, policy, gateway, version, target, timeouts } = options;
  const warnings: Warning[] = [];
  const logger = pino({ level: 'warn' }, { write: (line: string) => void warnings.push(JSON.parse(line)) });
  const rules = { ...policy, maxChangesPerHour: settings.maxChangesPerHour };
  const file = settings.targets === undefined ? undefined : targetsOf(settings.targets, rules);
  const ofServer = target();
  const setUp =
    file === undefined ? ofServer.then((each) => openSetUp(each, version, logger, timeouts)) : undefined;
  const { http, stateTable } = settings;
  const names = file?.targets.map(({ name }) => name);
  const runs: Record<string, () => Finding | Promise<Finding>> = {
    ...(setUp === undefined ? {} : ofAws(setUp, options, warnings)),
    ...(file === undefined ? {} : { targets: () => file.finding }),
    ...(stateTable === undefined
      ? {}
      : { state_table: () => checkStateTable(stateTable, options.openState(logger)) }),
    audit_log: () => checkAuditLog(settings),
    confirmation: () => checkConfirmation(settings),
    rules: () => checkRules(settings),
    ...(http === undefined
      ? {}
      : { http: () => checkHttp(http, settings), tokens: () => checkTokens(settings, logger, names) }),
  };
  const places = (file?.targets ?? []).flatMap((each) =>
    each.regions.map((region) => ({ target: each, region })),
  );
  const waitingFor = new Set([...places.map(shownPlace), ...Object.keys(runs)]);
  const ended = (what: string): void => {
    waitingFor.delete(what);
    progress([...waitingFor]);
  };
  progress([...waitingFor]);
  const ofPlaces = { ofServer, rules, gateway: file && gateway, version, logger, timeouts };
  const [checked, ...checks] = await Promise.all([
    checkPlaces(places, ofPlaces, (place) => ended(shownPlace(place))),
    ...Object.entries(runs).map(async ([name, run]) => {
      const check = await bounded(name, run);
      ended(name);
      return check;
    }),
  ]);
  await setUp?.then(
    (each) => each.close(),
    () => {},
  );
  const all = [...checked, ...checks];
  return reportOn([...all, ...checksOfLog(warnings, all)]);
}

/** The checks of AWS where the server has one target, its own. */
function ofAws(
  setUp: Promise<SetUp>,
  { settings, policy, gateway }: SetUpToCheck,
  warnings: readonly Warning[],
): Record<string, () => Promise<Finding>> {
  const aws = new AwsAnswers(setUp);
  return {
    region: () => checkRegion(aws, settings),
    endpoint: () => checkEndpoint(aws),
    clock: () => checkClock(aws),
    credentials: () => checkCredentials(aws),
    account: () => checkAccount(aws, settings, () => silenceOfSts(warnings)),
    describe: () => checkDescribe(aws, settings),
    dry_run: () => checkDryRun(aws, policy, settings, gateway),
    evidence: () => checkEvidence(aws, policy, gateway),
  };
}

function shownPlace({ target, region }: Place): string {
  return `${target.name} ${region}`;
}

/** A line that the server would log. */
interface Warning {
  level: number;
  msg: string;
  aws_code?: string;
  codes?: string[];
  status?: number;
  name?: string;
}

const WARN = 40;

function silenceOfSts(warnings: readonly Warning[]): SilentSts {
  const found = warnings.find(({ msg }) => msg === STS_SILENT);
  const { aws_code, codes: [code] = [], status, name } = found ?? {};
  if (aws_code !== undefined) return { reason: aws_code, cause: 'refused' };
  if (code?.startsWith('HPE_')) return { reason: 'something that is not HTTP', cause: 'replaced' };
  if (status === undefined || code !== undefined) return { reason: code ?? name, cause: 'unreached' };
  return { reason: `HTTP ${status} without its XML`, cause: 'replaced' };
}

/** What the server would warn of while it starts to talk to AWS, and no check has said: a source that was passed over. */
function checksOfLog(warnings: readonly Warning[], checks: readonly Check[]): Check[] {
  const texts = new Set(warnings.filter(({ level }) => level === WARN).map(({ msg }) => msg));
  texts.delete(STS_SILENT);
  return [...texts]
    .filter((text) => !checks.some(({ message }) => text.startsWith(message)))
    .map((message) => ({ name: 'log', status: 'warning', message }));
}
