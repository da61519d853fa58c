import type { Logger } from 'pino';
import type { NatGateway } from '../nat-gateway/model.ts';
import { Ec2Clients, type Ec2Target } from './clients.ts';
import { type NatGatewayPage, type NatGatewayQuery, readGateway, readPage } from './read.ts';
import {
  type DryRun,
  dryRun,
  type Permit,
  type UnassignAnswer,
  type UnassignRequest,
  unassign,
} from './unassign.ts';

/** EC2 as the tools see it. Methods that reach AWS throw `Ec2Failure`, but for the two that say what happened. */
export interface Ec2 {
  /** The region of a call that names `requested` or none. */
  region(requested: string | undefined): Promise<string>;
  readPage(region: string, query: NatGatewayQuery, signal: AbortSignal): Promise<NatGatewayPage>;
  readGateway(region: string, natGatewayId: string, signal: AbortSignal): Promise<NatGateway | undefined>;
  dryRun(request: UnassignRequest, signal: AbortSignal): Promise<DryRun>;
  unassign(permit: Permit): Promise<UnassignAnswer>;
  close(): void;
}

/** Loads nothing and contacts nobody until a method is called. */
export function connectEc2(target: Ec2Target, logger: Logger): Ec2 {
  const clients = new Ec2Clients(target, logger);
  return {
    region: (requested) => clients.region(requested),
    readPage: (region, query, signal) => readPage(clients, region, query, signal),
    readGateway: (region, natGatewayId, signal) => readGateway(clients, region, natGatewayId, signal),
    dryRun: (request, signal) => dryRun(clients, request, signal),
    unassign: (permit) => unassign(clients, permit),
    close: () => clients.close(),
  };
}
