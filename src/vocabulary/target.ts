/** An account as the file of --targets describes it, without its rules. */
export interface DescribedTarget {
  name: string;
  accountId: string;
  /** Absent if the credentials themselves are of the account. */
  roleArn?: string;
  externalId?: string;
  /** The profile of the credentials, those that assume the role if there is one. Absent: the server's own. */
  profile?: string;
  regions: readonly string[];
  /** Whether its sessions get a SourceIdentity, which stays with every role that they assume. */
  sourceIdentity: boolean;
}
