/** The CloudFormation template of the table. Its description names the command that prints it. */
export function tableTemplate(tableName: string) {
  return {
    AWSTemplateFormatVersion: '2010-09-09',
    Description: 'The state that replicas of nat-gateway-mcp share (nat-gateway-mcp state-table).',
    Resources: {
      State: {
        Type: 'AWS::DynamoDB::Table',
        // Without its records a yes could be used again, and a change be made twice.
        DeletionPolicy: 'Retain',
        UpdateReplacePolicy: 'Retain',
        Properties: {
          TableName: tableName,
          BillingMode: 'PAY_PER_REQUEST',
          AttributeDefinitions: [
            { AttributeName: 'pk', AttributeType: 'S' },
            { AttributeName: 'sk', AttributeType: 'S' },
          ],
          KeySchema: [
            { AttributeName: 'pk', KeyType: 'HASH' },
            { AttributeName: 'sk', KeyType: 'RANGE' },
          ],
          TimeToLiveSpecification: { AttributeName: 'ttl', Enabled: true },
          DeletionProtectionEnabled: true,
        },
      },
    },
  };
}
