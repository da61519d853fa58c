"""What boto3 and Python's ipaddress make of an endpoint, to compare the server's evidence with.

evidence.py seed URL     creates gateways, route tables, security groups, prefix lists and metrics, in moto
evidence.py expect URL   prints, by gateway, its addresses and the evidence that there is; reads everything, unfiltered
"""

import datetime
import ipaddress
import json
import sys

import boto3

HOUR = 3600


def clients(url):
    keys = {"aws_access_key_id": "AKIATEST", "aws_secret_access_key": "secret"}
    return [boto3.client(name, region_name="us-east-1", endpoint_url=url, **keys) for name in ("ec2", "cloudwatch")]


def seed(ec2, cloudwatch):
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{index}.0/24")["Subnet"]["SubnetId"] for index in range(6)
    ]
    used, main, idle = (
        ec2.create_nat_gateway(SubnetId=subnets[0], ConnectivityType="private")["NatGateway"]["NatGatewayId"]
        for _ in range(3)
    )
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", NatGatewayId=used)
    for subnet in subnets[1:3]:
        ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
    unused = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    ec2.create_route(RouteTableId=unused, DestinationCidrBlock="192.168.0.0/16", NatGatewayId=used)
    tables = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["RouteTables"]
    (default,) = [each["RouteTableId"] for each in tables if any(a["Main"] for a in each["Associations"])]
    ec2.create_route(RouteTableId=default, DestinationCidrBlock="0.0.0.0/0", NatGatewayId=main)
    address = addresses(ec2)[used][0]
    networks = [str(ipaddress.ip_network(f"{address}/{length}", strict=False)) for length in (32, 24, 8, 0)]
    for index, cidr in enumerate([*networks, "203.0.113.0/24"]):
        group = ec2.create_security_group(GroupName=f"group-{index}", Description="-", VpcId=vpc)["GroupId"]
        rule = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": cidr}]}
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])
    for name, cidrs in {"near": networks[1:3] + ["203.0.113.0/24"], "far": ["203.0.113.0/24"]}.items():
        entries = [{"Cidr": cidr} for cidr in cidrs]
        ec2.create_managed_prefix_list(PrefixListName=name, AddressFamily="IPv4", MaxEntries=9, Entries=entries)
    now = datetime.datetime.now(datetime.timezone.utc)
    for name, values in {"ActiveConnectionCount": [61000, 100, 7], "ErrorPortAllocation": [0, 3, 4]}.items():
        cloudwatch.put_metric_data(
            Namespace="AWS/NATGateway",
            MetricData=[
                {
                    "MetricName": name,
                    "Dimensions": [{"Name": "NatGatewayId", "Value": used}],
                    "Timestamp": now - datetime.timedelta(hours=5 + 20 * index),
                    "Value": value,
                }
                for index, value in enumerate(values)
            ],
        )


def every(ec2, operation, member, **arguments):
    return [each for page in ec2.get_paginator(operation).paginate(**arguments) for each in page[member]]


def addresses(ec2):
    return {
        gateway["NatGatewayId"]: [each["PrivateIp"] for each in gateway["NatGatewayAddresses"] if "PrivateIp" in each]
        for gateway in every(ec2, "describe_nat_gateways", "NatGateways")
    }


def routes(ec2, gateway):
    tables = every(ec2, "describe_route_tables", "RouteTables")
    own = {each["SubnetId"] for table in tables for each in table["Associations"] if "SubnetId" in each}
    subnets = every(ec2, "describe_subnets", "Subnets")
    found, served = set(), set()
    for table in tables:
        if all(route.get("NatGatewayId") != gateway for route in table["Routes"]):
            continue
        found.add(table["RouteTableId"])
        served |= {each["SubnetId"] for each in table["Associations"] if "SubnetId" in each}
        if any(each["Main"] for each in table["Associations"]):
            served |= {each["SubnetId"] for each in subnets if each["VpcId"] == table["VpcId"]} - own
    if not found:
        return {"status": "none"}
    return {"status": "found", "route_table_ids": sorted(found), "subnet_ids": sorted(served)}


def names(ranges, private_ips):
    found = sorted(
        {
            (id, private_ip, cidr)
            for id, cidr in ranges
            for private_ip in private_ips
            if ipaddress.ip_address(private_ip) in ipaddress.ip_network(cidr, strict=False)
        }
    )
    if not found:
        return {"status": "none"}
    return {"status": "found", "ranges": [{"id": i, "private_ip": p, "cidr": c} for i, p, c in found]}


def security_group_ranges(ec2):
    return [
        (group["GroupId"], each["CidrIp"])
        for group in every(ec2, "describe_security_groups", "SecurityGroups")
        for rule in group["IpPermissions"]
        for each in rule["IpRanges"]
    ]


def prefix_list_ranges(ec2):
    lists = every(ec2, "describe_managed_prefix_lists", "PrefixLists")
    return [
        (each["PrefixListId"], entry["Cidr"])
        for each in lists
        if each["OwnerId"] != "AWS" and each["AddressFamily"] == "IPv4"
        for entry in every(
            ec2, "get_managed_prefix_list_entries", "Entries", PrefixListId=each["PrefixListId"]
        )
    ]


def traffic(cloudwatch, gateway):
    end = (int(datetime.datetime.now().timestamp()) // HOUR + 1) * HOUR
    values = {}
    for name, statistic in (
        ("ActiveConnectionCount", "Maximum"),
        ("ErrorPortAllocation", "Sum"),
        ("PacketsDropCount", "Sum"),
    ):
        dimensions = [{"Name": "NatGatewayId", "Value": gateway}]
        metric = {"Namespace": "AWS/NATGateway", "MetricName": name, "Dimensions": dimensions}
        query = {"Id": "one", "MetricStat": {"Metric": metric, "Period": HOUR, "Stat": statistic}}
        results = every(
            cloudwatch,
            "get_metric_data",
            "MetricDataResults",
            MetricDataQueries=[query],
            StartTime=end - 168 * HOUR,
            EndTime=end,
        )
        values[name] = [value for result in results for value in result["Values"]]
    if not any(values.values()):
        return {"status": "no_data"}
    counts, errors, drops = values.values()
    return {
        "status": "found",
        "hours_with_data": len(counts or errors or drops),
        **({"peak_connections": max(counts)} if counts else {}),
        **({"port_allocation_errors": sum(errors)} if errors else {}),
        **({"packets_dropped": sum(drops)} if drops else {}),
    }


def expect(ec2, cloudwatch):
    groups, lists = security_group_ranges(ec2), prefix_list_ranges(ec2)
    return [
        {
            "natGatewayId": gateway,
            "privateIps": private_ips,
            "evidence": {
                "traffic": traffic(cloudwatch, gateway),
                "routes": routes(ec2, gateway),
                "security_groups": names(groups, private_ips),
                "prefix_lists": names(lists, private_ips),
            },
        }
        for gateway, private_ips in addresses(ec2).items()
        if private_ips
    ]


if __name__ == "__main__":
    command, url = sys.argv[1:]
    print(json.dumps({"seed": seed, "expect": expect}[command](*clients(url))))
