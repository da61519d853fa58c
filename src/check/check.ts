import { pino } from 'pino';
import { STS_SILENT } from '../aws/identity.ts';
import { openSetUp } from '../aws/set-up.ts';
import type { Ec2Target } from '../aws/settings.ts';
import type { Settings } from '../config/options.ts';
import type { Policy } from '../nat-gateway/policy.ts';
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
} from './aws.ts';
import { bounded } from './bounded.ts';
import { checkDryRun } from './dry-run.ts';
import { checkHttp, checkTokens } from './http.ts';
import { type Check, type Finding, type Report, reportOn } from './report.ts';
import { checkConfirmation, checkRules } from './rules.ts';

export interface SetUpToCheck {
  settings: Settings;
  policy: Policy;
  /** Of the dry run. Default: one is chosen. */
  gateway: string | undefined;
  version: string;
  /** Whom the server would talk to. */
  target: () => Promise<Ec2Target>;
  timeouts?: Timeouts;
}

/** Is told which checks have no result yet. */
export type Progress = (waitingFor: readonly string[]) => void;

/** Checks every part of a set-up. Checks that need nothing of each other run at the same time. */
export async function checkSetUp(options: SetUpToCheck, progress: Progress): Promise<Report> {
  const { settings, policy, gateway, version, target, timeouts } = options;
  const warnings: Warning[] = [];
  const logger = pino({ level: 'warn' }, { write: (line: string) => void warnings.push(JSON.parse(line)) });
  const opening = target().then((each) => openSetUp(each, version, logger, timeouts));
  const aws = new AwsAnswers(opening);
  const { http } = settings;
  const runs: Record<string, () => Finding | Promise<Finding>> = {
    region: () => checkRegion(aws, settings),
    endpoint: () => checkEndpoint(aws),
    clock: () => checkClock(aws),
    credentials: () => checkCredentials(aws),
    account: () => checkAccount(aws, settings, () => reasonOfSts(warnings)),
    describe: () => checkDescribe(aws, settings),
    dry_run: () => checkDryRun(aws, policy, settings, gateway),
    audit_log: () => checkAuditLog(settings),
    confirmation: () => checkConfirmation(settings),
    rules: () => checkRules(settings),
    ...(http === undefined
      ? {}
      : { http: () => checkHttp(http, settings), tokens: () => checkTokens(settings, logger) }),
  };
  const waitingFor = new Set(Object.keys(runs));
  progress([...waitingFor]);
  const checks = await Promise.all(
    Object.entries(runs).map(async ([name, run]) => {
      const check = await bounded(name, run);
      waitingFor.delete(name);
      progress([...waitingFor]);
      return check;
    }),
  );
  await opening.then(
    (setUp) => setUp.close(),
    () => {},
  );
  return reportOn([...checks, ...checksOfLog(warnings, checks)]);
}

/** A line that the server would log. */
interface Warning {
  level: number;
  msg: string;
  aws_code?: string;
  codes?: string[];
  name?: string;
}

const WARN = 40;

function reasonOfSts(warnings: readonly Warning[]): string | undefined {
  const found = warnings.find(({ msg }) => msg === STS_SILENT);
  return found?.aws_code ?? found?.codes?.[0] ?? found?.name;
}

/** What the server would warn of while it starts to talk to AWS, and no check has said: a source that was passed over. */
function checksOfLog(warnings: readonly Warning[], checks: readonly Check[]): Check[] {
  const texts = new Set(warnings.filter(({ level }) => level === WARN).map(({ msg }) => msg));
  texts.delete(STS_SILENT);
  return [...texts]
    .filter((text) => !checks.some(({ message }) => text.startsWith(message)))
    .map((message) => ({ name: 'log', status: 'warning', message }));
}
