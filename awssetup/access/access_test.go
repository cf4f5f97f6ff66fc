package access_test

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/awssetup/access"
)

func environment() slipway.Environment {
	return slipway.Environment{
		Name: "prod", Runtime: "glue", Account: "123456789012", Region: "eu-central-1", Repository: "s3://artifacts-prod/slipway",
	}
}

func place(t *testing.T, e slipway.Environment) access.Place {
	t.Helper()
	p, err := access.Locate(e)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func job() access.Job {
	return access.Job{App: "traffic-etl", Name: "Traffic ETL", Role: "traffic", Arguments: map[string]string{
		"source": "s3://raw/traffic.csv", "target": "s3://curated/traffic/", "date": "today",
	}}
}

func gitHub() access.GitHub {
	return access.GitHub{Repository: "Acme/etl", Environments: []string{"prod"}}
}

// everything is a job with all that documents know.
func everything() access.Job {
	j := job()
	j.Connections, j.SecurityConfiguration, j.Bookmarks, j.Metrics = []string{"redshift"}, "at-rest", true, true
	j.Arguments["continuous-log-logGroup"], j.Arguments["custom-logGroup-prefix"] = "/acme/etl", "/acme/runs/"
	return j
}

func TestDocuments(t *testing.T) {
	keyed := environment()
	keyed.Repository += "?kmskeyid=1234abcd-12ab-34cd-56ef-1234567890ab"
	for file, w := range map[string]access.Wanted{
		"least": {Place: place(t, environment()), Job: job(), GitHub: gitHub()},
		"most": {
			Place: place(t, keyed), Job: everything(),
			GitHub: access.GitHub{Repository: "Acme/etl", OwnerID: 11, RepositoryID: 22, Environments: []string{"prod", "eu:west"}},
			People: []string{"arn:aws:iam::123456789012:role/platform"},
		},
	} {
		t.Run(file, func(t *testing.T) {
			documents, err := access.Documents(w)
			if err != nil {
				t.Fatal(err)
			}
			var got bytes.Buffer
			for _, d := range documents {
				got.WriteString("# " + d.Name + ": " + d.Title + "\n")
				for _, s := range d.Document.Statement {
					got.WriteString("#   " + s.Sid + ": " + s.Why + "\n")
				}
				got.Write(d.Document.JSON())
			}
			golden(t, "testdata/"+file+".txt", got.Bytes())
		})
	}
}

func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(file, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got), UPDATE=1 writes it:\n%s", file, diff)
	}
}

// unnarrowed are the actions for which AWS knows no resource, by its Service
// Authorization Reference.
var unnarrowed = []string{
	"glue:GetTriggers", "glue:GetJobBookmark", "glue:UpdateJobBookmark", "cloudwatch:PutMetricData",
	"ec2:DescribeNetworkInterfaces", "ec2:DescribeRouteTables", "ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcAttribute", "ec2:DescribeVpcEndpoints",
}

func TestNothingIsOpen(t *testing.T) {
	documents, err := access.Documents(access.Wanted{Place: place(t, environment()), Job: everything(), GitHub: gitHub()})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range documents {
		for _, s := range d.Document.Statement {
			if s.Why == "" || s.Sid == "" {
				t.Errorf("%s: no reason or no name: %+v", d.Name, s)
			}
			if s.Effect == "Deny" {
				continue
			}
			for _, action := range s.Action {
				if strings.ContainsAny(action, "*?") {
					t.Errorf("%s allows %s", d.Name, action)
				}
				open := len(s.Resource) > 0 && s.Resource[0] == "*"
				if known := strings.Contains(strings.Join(unnarrowed, " ")+" ", action+" "); open != known {
					t.Errorf("%s allows %s on %s", d.Name, action, s.Resource)
				}
				if open && !strings.Contains(s.Why, "AWS") {
					t.Errorf("%s does not say why %s is on every resource: %s", d.Name, action, s.Why)
				}
			}
		}
	}
}

func TestPartitionsRolesAndKeys(t *testing.T) {
	e := environment()
	e.Region, e.Role = "cn-north-1", "arn:aws-cn:iam::123456789012:role/ci/deployer"
	e.Repository, e.Assets = "/srv/artifacts", "s3://assets"
	p := place(t, e)
	if p.Deployer != "deployer" {
		t.Errorf("the deployer is %s", p.Deployer)
	}
	d := access.Deployer(p, job())
	if got := d.Statement[0].Resource[0]; got != "arn:aws-cn:s3:::assets/*" {
		t.Errorf("artifacts are %s", got)
	}
	if got := p.Role("arn:aws:iam::1:role/service-role/x"); got != "arn:aws:iam::1:role/service-role/x" || access.RoleName(got) != "x" {
		t.Errorf("a role by its ARN is %s", got)
	}
	for key, want := range map[string]access.Statement{
		"arn:aws:kms:eu-central-1:123456789012:key/k": {Resource: access.List{"arn:aws:kms:eu-central-1:123456789012:key/k"}},
		"alias/artifacts": {
			Resource:  access.List{"arn:aws:kms:eu-central-1:123456789012:key/*"},
			Condition: map[string]map[string]access.List{"ForAnyValue:StringEquals": {"kms:ResourceAliases": {"alias/artifacts"}}},
		},
	} {
		e := environment()
		e.Repository += "?kmskeyid=" + key
		s := access.Deployer(place(t, e), job()).Statement[2]
		if diff := cmp.Diff(want, access.Statement{Resource: s.Resource, Condition: s.Condition}); diff != "" {
			t.Errorf("%s (-want +got):\n%s", key, diff)
		}
	}
}

func TestData(t *testing.T) {
	tests := map[string]struct {
		arguments map[string]string
		want      map[string]access.List // by Sid
	}{
		"nothing that is in S3": {map[string]string{"a": "b", "c": "https://x/y", "d": "s3://"}, map[string]access.List{}},
		"a file is read": {map[string]string{"in": "s3://raw/a.csv"}, map[string]access.List{
			"DataList": {"arn:aws:s3:::raw"}, "DataRead": {"arn:aws:s3:::raw/a.csv", "arn:aws:s3:::raw/a.csv/*"},
		}},
		"a pattern is its folder": {map[string]string{"in": "s3a://raw/2026/*/x?.csv"}, map[string]access.List{
			"DataList": {"arn:aws:s3:::raw"}, "DataRead": {"arn:aws:s3:::raw/2026/*"},
		}},
		"a bucket is all of it": {map[string]string{"TempDir": "s3://tmp-bucket"}, map[string]access.List{
			"DataList": {"arn:aws:s3:::tmp-bucket"}, "DataWrite": {"arn:aws:s3:::tmp-bucket/*"},
		}},
		"several, by what they are called": {map[string]string{"paths": "s3://one/a/, s3://two/b/", "output_path": "s3://one/c/", "extra-py-files": "s3://libs/x.zip"}, map[string]access.List{
			"DataList":  {"arn:aws:s3:::libs", "arn:aws:s3:::one", "arn:aws:s3:::two"},
			"DataRead":  {"arn:aws:s3:::libs/x.zip", "arn:aws:s3:::libs/x.zip/*", "arn:aws:s3:::one/a/*", "arn:aws:s3:::two/b/*"},
			"DataWrite": {"arn:aws:s3:::one/c/*"},
		}},
	}
	for name, tt := range tests {
		got := map[string]access.List{}
		for _, s := range access.Data(place(t, environment()), access.Job{Arguments: tt.arguments}).Statement {
			got[s.Sid] = s.Resource
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestDocumentsOfOthersAreKept(t *testing.T) {
	// As the console and other tools write them.
	const theirs = `{"Version":"2008-10-17","Id":"x","Statement":{"Sid":"Theirs","Effect":"Deny","NotPrincipal":{"AWS":"1"},"NotAction":["a:b"],"Principal":"*","Resource":"*","Condition":{"Bool":{"k":false},"NumericLessThan":{"n":[5]}}}}`
	have, err := access.Parse([]byte(theirs))
	if err != nil {
		t.Fatal(err)
	}
	mine := access.Bucket(place(t, environment()))
	both := have.With(mine)
	if len(both.Statement) != 2 || both.ID != "x" || !both.With(mine).Same(both) {
		t.Errorf("together they are %s", both.JSON())
	}
	const want = `{"Sid":"Theirs","Effect":"Deny","Principal":{"AWS":"*"},"NotPrincipal":{"AWS":"1"},"NotAction":"a:b","Resource":"*","Condition":{"Bool":{"k":"false"},"NumericLessThan":{"n":"5"}}}`
	if !strings.Contains(both.Compact(), want) {
		t.Errorf("theirs became %s", both.Compact())
	}
	again, err := access.Parse([]byte(both.Compact()))
	if err != nil || !again.Same(both) || again.Same(mine) {
		t.Errorf("written and read it is %s, %v", again.JSON(), err)
	}
}

func TestASecondAppJoins(t *testing.T) {
	p := place(t, environment())
	second := access.Job{App: "two", Name: "two", Role: "traffic"}
	both := access.Deployer(p, job()).With(access.Deployer(p, second))
	if len(both.Statement) != len(access.Deployer(p, second).Statement) {
		t.Errorf("statements are there twice: %s", both.JSON())
	}
	want := access.List{"arn:aws:glue:eu-central-1:123456789012:job/Traffic ETL", "arn:aws:glue:eu-central-1:123456789012:job/two"}
	for _, s := range both.Statement {
		if s.Sid == "Jobs" && !cmp.Equal(want, s.Resource) {
			t.Errorf("jobs are %s", s.Resource)
		}
		if s.Sid == "PassJobRole" && len(s.Resource) != 1 {
			t.Errorf("roles are %s", s.Resource)
		}
	}
	one, err := access.DeployerTrust(p, gitHub(), nil)
	if err != nil {
		t.Fatal(err)
	}
	two, err := access.DeployerTrust(p, access.GitHub{Repository: "Acme/two", Branch: "main"}, []string{"arn:aws:iam::123456789012:user/ann"})
	if err != nil {
		t.Fatal(err)
	}
	trust := one.With(two)
	subjects := trust.Statement[0].Condition["StringEquals"][access.GitHubHost+":sub"]
	if diff := cmp.Diff(access.List{"repo:Acme/etl:environment:prod", "repo:Acme/two:ref:refs/heads/main"}, subjects); diff != "" || len(trust.Statement) != 2 {
		t.Errorf("who may deploy (-want +got):\n%s\n%s", diff, trust.JSON())
	}
	if got := trust.Statement[0].Condition["StringEquals"][access.GitHubHost+":aud"]; !cmp.Equal(got, access.List{access.Audience}) {
		t.Errorf("the audience is %s", got)
	}
}

func TestGitHubRepository(t *testing.T) {
	for remote, want := range map[string]string{
		"https://github.com/Acme/etl.git":            "Acme/etl",
		"https://github.com/Acme/etl":                "Acme/etl",
		"git@github.com:Acme/etl.git":                "Acme/etl",
		"ssh://git@github.com/Acme/etl.git":          "Acme/etl",
		"ssh://git@ssh.github.com:443/Acme/etl.git/": "Acme/etl",
		"https://github.com/Acme/etl/tree/main":      "",
		"https://gitlab.com/Acme/etl.git":            "",
		"https://example.com/github.com/a":           "",
		"/srv/git/etl":                               "",
		"":                                           "",
	} {
		if got := access.GitHubRepository(remote); got != want {
			t.Errorf("%q is %q, want %q", remote, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Principal":"*","Condition":{"Bool":{"a":true}}}]}`))
	f.Add([]byte(`{"Statement":{"Action":["a"],"Resource":[]}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := access.Parse(data)
		if err != nil {
			return
		}
		again, err := access.Parse([]byte(d.Compact()))
		if err != nil || !again.Same(d) {
			t.Errorf("%s becomes %s, %v", data, again.Compact(), err)
		}
		if !json.Valid(d.JSON()) {
			t.Errorf("%s is no JSON", d.JSON())
		}
	})
}

func TestWhatIsAllowedAlreadyIsNotAdded(t *testing.T) {
	// As the console makes the trust of a role for Glue.
	have, err := access.Parse([]byte(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"glue.amazonaws.com"},"Action":"sts:AssumeRole"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if got := have.With(access.JobTrust(place(t, environment()))); !got.Same(have) {
		t.Errorf("it became %s", got.JSON())
	}
	have.Statement[0].Condition = map[string]map[string]access.List{"Bool": {"aws:MultiFactorAuthPresent": {"true"}}}
	if got := have.With(access.JobTrust(place(t, environment()))); got.Same(have) {
		t.Error("a statement with a condition is taken for one without")
	}
}

func TestNobodyDeploys(t *testing.T) {
	w := access.Wanted{Place: place(t, environment()), Job: job()}
	documents, err := access.Documents(w)
	if err != nil || !w.Nobody() || len(documents) != len(access.Names()) {
		t.Fatalf("got %v, %v", documents, err)
	}
	for i, d := range documents {
		trust := d.Name == access.NameDeployerTrust || d.Name == access.NamePlannerTrust
		if none := len(d.Document.Statement) == 0; d.Name != access.Names()[i] || none != trust {
			t.Errorf("%s has %d statements", d.Name, len(d.Document.Statement))
		}
	}
}
