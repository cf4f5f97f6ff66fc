package access

import "strings"

// Deployer is what the role that deploys may do: the calls that Slipway makes, on
// the app's own job and trigger and on the environment's bucket, and no other.
func Deployer(p Place, j Job) Document {
	job, trigger := p.arn("glue", "job/"+j.Name), p.arn("glue", "trigger/"+TriggerName(j.Name))
	s := append(p.storage(),
		allow("Jobs", "makes, changes, starts, stops and removes the job, and reads its runs",
			List{job}, "glue:BatchStopJobRun", "glue:CreateJob", "glue:DeleteJob", "glue:GetJob", "glue:GetJobRun", "glue:GetJobRuns", "glue:StartJobRun", "glue:UpdateJob"),
		allow("Triggers", "keeps the job's schedule",
			List{trigger}, "glue:CreateTrigger", "glue:DeleteTrigger", "glue:GetTrigger", "glue:StartTrigger", "glue:StopTrigger", "glue:UpdateTrigger"),
		everyTrigger(),
		allow("Tags", "marks what is Slipway's, and finds the mark again",
			List{job, trigger}, "glue:GetTags", "glue:TagResource", "glue:UntagResource"),
		passRole(p.Role(j.Role)),
		p.seeJobRole(j),
		allow("Logs", "follows what runs print",
			j.logGroups(p).and(List{p.arn("logs", "log-group:/aws-glue/jobs/*")}), "logs:DescribeLogStreams", "logs:GetLogEvents"),
		allow("LogGroups", "sees how long logs are kept; AWS checks the call against all log groups, of which it shows names and settings and no line",
			List{p.arn("logs", "log-group:*")}, "logs:DescribeLogGroups"))
	if len(j.Connections) > 0 {
		s = append(s, j.seeConnections(p))
	}
	return Document{Version: version, Statement: s}
}

// TriggerName is the name of the trigger that keeps the schedule of a job.
func TriggerName(job string) string { return job + "-schedule" }

func everyTrigger() Statement {
	return allow("EveryTrigger", "sees which other triggers start the job, which a plan mentions; AWS knows no narrower resource for this call, which changes nothing",
		List{"*"}, "glue:GetTriggers")
}

func (p Place) seeJobRole(j Job) Statement {
	return allow("SeeJobRole", "sees, before anything changes, that Glue may become the job's role", List{p.Role(j.Role)}, "iam:GetRole")
}

func (j Job) seeConnections(p Place) Statement {
	return allow("Connections", "sees, before anything changes, that the job's connections are there; their passwords stay hidden", j.connections(p), "glue:GetConnection")
}

func allow(sid, why string, on List, actions ...string) Statement {
	return Statement{Sid: sid, Effect: "Allow", Action: actions, Resource: on, Why: why}
}

// passRole lets a role be given to Glue, and to no other service.
func passRole(role string) Statement {
	s := allow("PassJobRole", "gives the job its role; to Glue alone, since whoever may pass a role has its rights", List{role}, "iam:PassRole")
	s.Condition = map[string]map[string]List{"StringEquals": {"iam:PassedToService": {"glue.amazonaws.com"}}}
	return s
}

// storage lets the artifact repository be read and added to. Nothing is deleted
// from it.
func (p Place) storage() []Statement {
	s := []Statement{
		allow("Artifacts", "reads and writes artifacts, releases and the ledger; nothing is ever deleted",
			List{p.bucket(p.Storage.Bucket, p.Storage.Prefix, "*")}, "s3:GetObject", "s3:PutObject"),
		p.list(),
	}
	if p.Storage.Key != "" {
		s = append(s, p.key("Encryption", "reads and writes what the bucket's key encrypts", "kms:Decrypt", "kms:GenerateDataKey"))
	}
	return s
}

func (p Place) list() Statement {
	return allow("ArtifactList", "lists them; on the whole bucket, because under a condition S3 would say forbidden in the place of not found",
		List{p.bucket(p.Storage.Bucket)}, "s3:ListBucket")
}

// key allows what is done with the key of the storage.
func (p Place) key(sid, why string, actions ...string) Statement {
	key := p.Storage.Key
	switch {
	case strings.HasPrefix(key, "arn:") && !strings.Contains(key, ":alias/"):
		return allow(sid, why, List{key}, actions...)
	case strings.Contains(key, "alias/"):
		s := allow(sid, why+"; by its alias, which is a condition and no resource", List{p.arn("kms", "key/*")}, actions...)
		s.Condition = map[string]map[string]List{"ForAnyValue:StringEquals": {"kms:ResourceAliases": {key[strings.Index(key, "alias/"):]}}}
		return s
	}
	return allow(sid, why, List{p.arn("kms", "key/"+key)}, actions...)
}

// logGroups are the log groups in which a job's runs write: Glue's own, and those
// that its arguments name.
func (j Job) logGroups(p Place) List {
	names := List{"/aws-glue/jobs/*"}
	if j.Python {
		names = List{"/aws-glue/python-jobs/*"}
	}
	if below := strings.TrimRight(j.Arguments["custom-logGroup-prefix"], "/"); below != "" {
		names = append(names, below+"/*")
	}
	if own := j.Arguments["continuous-log-logGroup"]; own != "" {
		names = append(names, own, own+":*")
		if j.SecurityConfiguration != "" {
			own += "-" + j.SecurityConfiguration
			names = append(names, own, own+":*")
		}
	}
	groups := List{}
	for _, name := range names {
		groups = append(groups, p.arn("logs", "log-group:"+name))
	}
	return groups
}

// connections are what reading a connection is checked against.
func (j Job) connections(p Place) List {
	on := List{p.arn("glue", "catalog")}
	for _, name := range j.Connections {
		on = append(on, p.arn("glue", "connection/"+name))
	}
	return on
}
