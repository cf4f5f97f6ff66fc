package access

import (
	"errors"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/slipway-cd/slipway"
)

// A Place is where an environment is in AWS.
type Place struct {
	Environment string
	Account     string // twelve digits
	Region      string
	Storage     Storage // what the artifact repository lies in, or the assets
	Deployer    string  // the deployer's role, by name
	DeployerARN string
	Planner     string // the role with which plans are made
	PlannerARN  string
	Plans       bool // the environment names the planner
}

// Storage is a folder of a bucket.
type Storage struct {
	Bucket string
	Prefix string // without slashes around it; may be empty
	Key    string // the KMS key of what lies there: an ARN, an id or an alias; empty: S3's own
}

// A Job is the Glue job that an app becomes.
type Job struct {
	App       string
	Name      string
	Role      string // a name or an ARN
	Python    bool   // a Python shell job, which logs elsewhere
	Bookmarks bool
	Metrics   bool
	// Connections and SecurityConfiguration are names in Glue.
	Connections           []string
	SecurityConfiguration string
	// Arguments are those that are no secrets; Data is guessed from them.
	Arguments map[string]string
}

// Locate finds where an environment is. The roles of the deployer and of the planner
// are the environment's, or named after it.
func Locate(e slipway.Environment) (Place, error) {
	p := Place{Environment: e.Name, Account: e.Account, Region: e.Region, Plans: e.PlanRole != ""}
	switch {
	case !account.MatchString(e.Account):
		return p, lacks(e, "account", `account: "123456789012"`)
	case e.Region == "":
		return p, lacks(e, "region", "region: eu-central-1")
	}
	var err error
	if p.Deployer, p.DeployerARN, err = p.own(e.Role, "role", "deployer"); err != nil {
		return p, err
	}
	if p.Planner, p.PlannerARN, err = p.own(e.PlanRole, "plan_role", "planner"); err != nil {
		return p, err
	}
	if p.Deployer == p.Planner {
		return p, slipway.Errorf(slipway.Invalid, "environment %s has the role %s both to deploy and to plan", e.Name, p.Planner).
			WithFix("give environments.%s in platform.yaml a role and a plan_role of different names", e.Name)
	}
	address := e.Repository
	if !strings.HasPrefix(address, "s3://") {
		address = e.Assets
	}
	p.Storage, err = storage(e, address)
	return p, err
}

// own returns the name and the ARN of a role of the environment's own: that which
// stands at a key of it, or one that is called by what it does.
func (p Place) own(arn, key, does string) (name, full string, err error) {
	if arn == "" {
		name = "slipway-" + p.Environment + "-" + does
		return name, p.Role(name), nil
	}
	id, name := roleOf(arn)
	if id != p.Account {
		return "", "", slipway.Errorf(slipway.Invalid, "environment %s is in the account %s, and its %s %s is in another", p.Environment, p.Account, key, arn).
			WithFix("correct account or %s of environment %s in platform.yaml", key, p.Environment)
	}
	return name, arn, nil
}

func lacks(e slipway.Environment, what, example string) error {
	return slipway.Errorf(slipway.Invalid, "environment %s has no AWS %s", e.Name, what).
		WithFix("write it below environments.%s in platform.yaml, such as: %s", e.Name, example)
}

// storage reads the address of a bucket.
func storage(e slipway.Environment, address string) (Storage, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "s3" || u.Host == "" {
		return Storage{}, slipway.Errorf(slipway.Invalid, "environment %s has no bucket, and Glue fetches its scripts from one", e.Name).
			WithFix("write below environments.%s in platform.yaml: repository: s3://BUCKET/PREFIX, or assets: s3://BUCKET/PREFIX beside a repository that is a folder", e.Name)
	}
	s := Storage{Bucket: u.Host, Prefix: strings.Trim(u.Path, "/"), Key: u.Query().Get("kmskeyid")}
	if !isBucket(s.Bucket) {
		return s, slipway.Errorf(slipway.Invalid, "%q cannot be a bucket's name", s.Bucket).
			WithFix("take 3 to 63 small letters, digits, dots and hyphens")
	}
	return s, exact("the prefix of the bucket", s.Prefix)
}

// Lengths are not in patterns: repetitions would take a good part of the start of
// every command.
var (
	account    = regexp.MustCompile(`^[0-9]{12}$`)
	bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]+[a-z0-9]$`)
	roleARN    = regexp.MustCompile(`^arn:aws[a-z-]*:iam::([0-9]{12}):role/(?:[!-~]*/)?([A-Za-z0-9+=,.@_-]+)$`)
	roleName   = regexp.MustCompile(`^[A-Za-z0-9+=,.@_-]+$`)
)

// maxRoleName is how long a role's name may be.
const maxRoleName = 64

func isBucket(name string) bool { return len(name) <= 63 && bucketName.MatchString(name) }

func isRole(name string) bool { return len(name) <= maxRoleName && roleName.MatchString(name) }

// roleOf cuts the ARN of a role; both are empty for what is none.
func roleOf(arn string) (account, name string) {
	if m := roleARN.FindStringSubmatch(arn); m != nil && len(m[2]) <= maxRoleName {
		return m[1], m[2]
	}
	return "", ""
}

// Check complains about names in a job that no policy can name exactly.
func (j Job) Check(p Place) error {
	if j.Role == "" {
		return slipway.Errorf(slipway.Invalid, "%s has no role in environment %s, and a Glue job cannot run without", j.App, p.Environment).
			WithFix("write run.role into slipway.yaml, such as: role: slipway-%s-%s", j.App, p.Environment)
	}
	if id, _ := roleOf(j.Role); !isRole(j.Role) && id == "" {
		return slipway.Errorf(slipway.Invalid, "run.role is %q, which is neither a role's name nor its ARN", j.Role).
			WithFix("write run.role into slipway.yaml as a name, or as arn:aws:iam::%s:role/NAME", p.Account)
	} else if id != "" && id != p.Account {
		return slipway.Errorf(slipway.Invalid, "run.role is %s, and environment %s is in the account %s: Glue takes roles of its own account only", j.Role, p.Environment, p.Account).
			WithFix("write a role of that account into environments.%s.run.role of slipway.yaml", p.Environment)
	}
	err := errors.Join(exact("the job's name", j.Name), exact("the security configuration's name", j.SecurityConfiguration))
	for _, name := range j.Connections {
		err = errors.Join(err, exact("the connection's name", name))
	}
	for _, name := range []string{"custom-logGroup-prefix", "continuous-log-logGroup"} {
		err = errors.Join(err, exact("the argument "+name, j.Arguments[name]))
	}
	return err
}

// exact refuses a name that IAM would read as more than one.
func exact(what, name string) error {
	for _, sign := range []string{"*", "?", "${"} {
		if strings.Contains(name, sign) {
			return slipway.Errorf(slipway.Invalid, "%s is %q, and IAM would read %s in it as any text", what, name, sign).
				WithFix("name exactly one thing: a policy that Slipway writes never opens more")
		}
	}
	return nil
}

// arn makes a name of AWS, such as arn:aws:glue:eu-central-1:123456789012:job/etl.
func (p Place) arn(service, resource string) string {
	return strings.Join([]string{"arn", p.partition(), service, p.Region, p.Account, resource}, ":")
}

// partition is the part of AWS in which a region lies.
func (p Place) partition() string {
	for prefix, name := range map[string]string{"cn-": "aws-cn", "us-gov-": "aws-us-gov", "us-iso-": "aws-iso", "us-isob-": "aws-iso-b", "eusc-": "aws-eusc"} {
		if strings.HasPrefix(p.Region, prefix) {
			return name
		}
	}
	return "aws"
}

// Role is the ARN of a role, given by its name or ARN.
func (p Place) Role(role string) string {
	if strings.HasPrefix(role, "arn:") {
		return role
	}
	return "arn:" + p.partition() + ":iam::" + p.Account + ":role/" + role
}

// RoleName is the name of a role, given by its name or ARN.
func RoleName(role string) string { return role[strings.LastIndex(role, "/")+1:] }

// Bucket is the ARN of the storage's bucket.
func (p Place) Bucket() string { return p.bucket(p.Storage.Bucket) }

// bucket is the ARN of a bucket, or of what lies below a prefix in it.
func (p Place) bucket(name string, below ...string) string {
	path := strings.Join(slices.DeleteFunc(slices.Clone(below), func(s string) bool { return s == "" }), "/")
	return strings.TrimSuffix("arn:"+p.partition()+":s3:::"+name+"/"+path, "/")
}

// Provider is the ARN of the OpenID Connect provider of GitHub Actions.
func (p Place) Provider() string {
	return "arn:" + p.partition() + ":iam::" + p.Account + ":oidc-provider/" + GitHubHost
}
