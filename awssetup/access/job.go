package access

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// JobRole is what the role of a run may do: fetch its script, write its log, and
// what its connections need. What it reads and writes is not in it; Data guesses
// that.
func JobRole(p Place, j Job) Document {
	s := []Statement{allow("Script", "fetches the script, modules and packages of the app",
		List{p.bucket(p.Storage.Bucket, p.Storage.Prefix, j.App, "*")}, "s3:GetObject")}
	if p.Storage.Key != "" {
		s = append(s, p.key("Decrypt", "reads what the bucket's key encrypts", "kms:Decrypt"))
	}
	s = append(s, allow("Log", "writes what the run prints", j.logGroups(p), "logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"))
	if j.SecurityConfiguration != "" {
		s = append(s, allow("LogKey", "encrypts the log with the key of the security configuration; what else that key encrypts, its own policy has to allow", j.logGroups(p), "logs:AssociateKmsKey"))
	}
	if j.Metrics {
		metrics := allow("Metrics", "writes the run's metrics; AWS knows no resource for them, so the name space narrows it", List{"*"}, "cloudwatch:PutMetricData")
		metrics.Condition = map[string]map[string]List{"StringEquals": {"cloudwatch:namespace": {"Glue"}}}
		s = append(s, metrics)
	}
	if j.Bookmarks {
		s = append(s, allow("Bookmarks", "remembers what was read; AWS checks these calls without a resource", List{"*"}, "glue:GetJobBookmark", "glue:UpdateJobBookmark"))
	}
	if len(j.Connections) > 0 {
		s = append(s, j.network(p)...)
	}
	return Document{Version: version, Statement: s}
}

// network is what a run needs to enter the network of its connections.
func (j Job) network(p Place) []Statement {
	mark := allow("NetworkMark", "marks the network interfaces as Glue's", List{p.arn("ec2", "network-interface/*")}, "ec2:CreateTags", "ec2:DeleteTags")
	mark.Condition = map[string]map[string]List{"ForAllValues:StringEquals": {"aws:TagKeys": {"aws-glue-service-resource"}}}
	return []Statement{
		allow("Connections", "reads the connections of the job", j.connections(p), "glue:GetConnection"),
		allow("NetworkLook", "finds the network of the connections; AWS knows no narrower resource for these calls, which change nothing", List{"*"},
			"ec2:DescribeNetworkInterfaces", "ec2:DescribeRouteTables", "ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcAttribute", "ec2:DescribeVpcEndpoints"),
		allow("NetworkEnter", "puts the workers into that network; which subnet it is stands in the connection",
			List{p.arn("ec2", "network-interface/*"), p.arn("ec2", "security-group/*"), p.arn("ec2", "subnet/*")}, "ec2:CreateNetworkInterface"),
		allow("NetworkLeave", "takes them out again", List{p.arn("ec2", "network-interface/*")}, "ec2:DeleteNetworkInterface"),
		mark,
	}
}

// JobTrust lets Glue become the role of a run, for jobs of the same account only.
func JobTrust(p Place) Document {
	return Document{Version: version, Statement: Statements{{
		Sid: "Glue", Effect: "Allow", Principal: Principal{"Service": {"glue.amazonaws.com"}}, Action: List{"sts:AssumeRole"},
		Condition: map[string]map[string]List{"StringEquals": {"aws:SourceAccount": {p.Account}}},
		Why:       "lets Glue run the job as this role, for this account and no other",
	}}}
}

// outputs is how people call arguments that name what a job writes. It is made when
// it is needed: no other command need wait for it.
//
//nolint:gochecknoglobals // made once
var outputs = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)(^|[-_.])(target|out|output|outputs|dest|destination|sink|write|to|temp|tmp|tempdir|checkpoint|result|results|stage|staging|error|errors)([-_.]|dir$|path$|location$|$)`)
})

// Data guesses from the arguments of the job what it reads and writes. It has no
// statements if no argument names a bucket. It is a suggestion: nobody but the
// script knows.
func Data(p Place, j Job) Document {
	read, write, buckets := List{}, List{}, List{}
	for _, name := range slices.Sorted(maps.Keys(j.Arguments)) {
		for address := range strings.SplitSeq(j.Arguments[name], ",") {
			on, in := p.data(address)
			if outputs().MatchString(name) {
				write = write.and(on)
			} else {
				read = read.and(on)
			}
			buckets = buckets.and(in)
		}
	}
	d := Document{Version: version}
	if len(buckets) > 0 {
		d.Statement = append(d.Statement, allow("DataList", "lists the folders that the arguments name", buckets, "s3:ListBucket"))
	}
	if len(read) > 0 {
		d.Statement = append(d.Statement, allow("DataRead", "reads what the arguments name", read, "s3:GetObject"))
	}
	if len(write) > 0 {
		d.Statement = append(d.Statement, allow("DataWrite", "writes where the arguments say, and removes what it replaces there", write, "s3:DeleteObject", "s3:GetObject", "s3:PutObject"))
	}
	return d
}

// data returns the objects that an address stands for, and their bucket; none if
// it is no address in S3. Nothing tells whether it is a file or a folder, so it is
// both.
func (p Place) data(address string) (objects, bucket List) {
	scheme, rest, _ := strings.Cut(strings.TrimSpace(address), "://")
	name, path, _ := strings.Cut(rest, "/")
	if !slices.Contains([]string{"s3", "s3a", "s3n"}, scheme) || !isBucket(name) || strings.Contains(path, "${") {
		return nil, nil
	}
	if at := strings.IndexAny(path, "*?{["); at >= 0 { // a pattern: its folder
		path = path[:strings.LastIndex(path[:at], "/")+1]
	}
	folder := strings.Trim(path, "/")
	if folder != "" && !strings.HasSuffix(path, "/") {
		objects = List{p.bucket(name, folder)}
	}
	return append(objects, p.bucket(name, folder, "*")), List{p.bucket(name)}
}
