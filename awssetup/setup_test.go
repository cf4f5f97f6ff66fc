package awssetup_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/awsauth"
	"github.com/slipway-cd/slipway/awsauth/awstest"
	"github.com/slipway-cd/slipway/awssetup"
	"github.com/slipway-cd/slipway/awssetup/access"
)

func setup(t *testing.T) awssetup.Setup {
	t.Helper()
	p, err := access.Locate(slipway.Environment{
		Name: "prod", Runtime: "glue", Account: awstest.Account, Region: awstest.Region, Repository: "s3://artifacts-prod/slipway",
	})
	if err != nil {
		t.Fatal(err)
	}
	return awssetup.Setup{Wanted: access.Wanted{
		Place:  p,
		Job:    access.Job{App: "traffic-etl", Name: "Traffic ETL", Role: "traffic", Arguments: map[string]string{"source": "s3://raw/traffic.csv"}},
		GitHub: access.GitHub{Repository: "Acme/etl", Environments: []string{"prod"}},
	}}
}

// account opens the account as real ones are, with TLS, of which moto sees nothing.
func account(t *testing.T, through aws.HTTPClient) *awssetup.Account {
	t.Helper()
	if through == nil {
		through = wire{}
	}
	moto := os.Getenv("AWS_ENDPOINT_URL")
	t.Setenv("AWS_ENDPOINT_URL", strings.Replace(moto, "http:", "https:", 1))
	a := opened(t, through)
	t.Setenv("AWS_ENDPOINT_URL", moto)
	return a
}

func opened(t *testing.T, through aws.HTTPClient) *awssetup.Account {
	t.Helper()
	a, err := awssetup.Open(t.Context(), awsauth.Options{
		Environment: "prod", Account: awstest.Account, Region: awstest.Region, Environ: os.Environ(), HTTPClient: through,
	}, func(ctx context.Context, _ time.Duration) error { return ctx.Err() })
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// A wire takes the TLS off.
type wire struct{}

func (wire) Do(r *http.Request) (*http.Response, error) {
	r.URL.Scheme = "http"
	return http.DefaultClient.Do(r)
}

func plan(t *testing.T, a *awssetup.Account, s awssetup.Setup) awssetup.Plan {
	t.Helper()
	p, err := a.Plan(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// apply does all that a plan says and returns the things that were done.
func apply(t *testing.T, a *awssetup.Account, s awssetup.Setup) []string {
	t.Helper()
	done := []string{}
	if err := a.Apply(t.Context(), s, plan(t, a, s), func(s awssetup.Step) { done = append(done, string(s.Action)+" "+s.ID) }); err != nil {
		t.Fatal(err)
	}
	return done
}

// seen is what the real AWS CLI says is there.
func seen(t *testing.T) map[string]any {
	t.Helper()
	all := map[string]any{}
	for _, command := range []string{
		"s3api get-bucket-versioning --bucket artifacts-prod",
		"s3api get-bucket-encryption --bucket artifacts-prod",
		"s3api get-public-access-block --bucket artifacts-prod",
		"s3api get-bucket-policy --bucket artifacts-prod",
		"iam get-open-id-connect-provider --open-id-connect-provider-arn arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com --query [Url,ClientIDList]",
		"iam get-role --role-name traffic --query Role.[Arn,AssumeRolePolicyDocument,Tags]",
		"iam get-role-policy --role-name traffic --policy-name slipway",
		"iam get-role --role-name slipway-prod-deployer --query Role.[Arn,AssumeRolePolicyDocument,Tags]",
		"iam get-role-policy --role-name slipway-prod-deployer --policy-name slipway",
		"iam list-role-policies --role-name slipway-prod-deployer",
		"iam get-role --role-name slipway-prod-planner --query Role.[Arn,AssumeRolePolicyDocument,Tags]",
		"iam get-role-policy --role-name slipway-prod-planner --policy-name slipway",
	} {
		var answer any
		if err := json.Unmarshal([]byte(awstest.Run(t, strings.Fields(command)...)), &answer); err != nil {
			t.Fatal(err)
		}
		all[command] = answer
	}
	return all
}

func value(t *testing.T, text string) any {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

var everything = []string{
	"add bucket", "add bucket-versions", "add bucket-encryption", "add bucket-private", "add bucket-policy",
	"add github", "add job-role", "add job-policy", "add deployer-role", "add deployer-policy", "add planner-role", "add planner-policy",
}

func TestEverythingIsMade(t *testing.T) {
	awstest.Reset(t, awstest.Moto(t))
	a, s := account(t, nil), setup(t)
	if diff := cmp.Diff(everything, apply(t, a, s)); diff != "" {
		t.Errorf("done (-want +got):\n%s", diff)
	}
	got := seen(t)
	documents, err := access.Documents(s.Wanted)
	if err != nil {
		t.Fatal(err)
	}
	of := map[string]any{}
	for _, d := range documents {
		of[d.Name] = value(t, d.Document.Compact())
	}
	tags := value(t, `[{"Key":"slipway:environment","Value":"prod"}]`)
	for command, want := range map[string]any{
		"s3api get-bucket-versioning --bucket artifacts-prod":   value(t, `{"Status":"Enabled"}`),
		"s3api get-public-access-block --bucket artifacts-prod": value(t, `{"PublicAccessBlockConfiguration":{"BlockPublicAcls":true,"IgnorePublicAcls":true,"BlockPublicPolicy":true,"RestrictPublicBuckets":true}}`),
		"s3api get-bucket-encryption --bucket artifacts-prod": value(t, `{"ServerSideEncryptionConfiguration":{"Rules":[
			{"ApplyServerSideEncryptionByDefault":{"SSEAlgorithm":"AES256"},"BucketKeyEnabled":false}]}}`),
		"iam get-open-id-connect-provider --open-id-connect-provider-arn arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com --query [Url,ClientIDList]":// as IAM shows it
		value(t, `["token.actions.githubusercontent.com",["sts.amazonaws.com"]]`),
		"iam get-role --role-name traffic --query Role.[Arn,AssumeRolePolicyDocument,Tags]":               []any{"arn:aws:iam::123456789012:role/traffic", of["job-trust"], tags},
		"iam get-role --role-name slipway-prod-deployer --query Role.[Arn,AssumeRolePolicyDocument,Tags]": []any{"arn:aws:iam::123456789012:role/slipway-prod-deployer", of["deployer-trust"], tags},
		"iam get-role-policy --role-name traffic --policy-name slipway":                                   map[string]any{"RoleName": "traffic", "PolicyName": "slipway", "PolicyDocument": of["job"]},
		"iam get-role-policy --role-name slipway-prod-deployer --policy-name slipway":                     map[string]any{"RoleName": "slipway-prod-deployer", "PolicyName": "slipway", "PolicyDocument": of["deployer"]},
		"iam list-role-policies --role-name slipway-prod-deployer":                                        value(t, `{"PolicyNames":["slipway"]}`),
		"iam get-role --role-name slipway-prod-planner --query Role.[Arn,AssumeRolePolicyDocument,Tags]":  []any{"arn:aws:iam::123456789012:role/slipway-prod-planner", of["planner-trust"], tags},
		"iam get-role-policy --role-name slipway-prod-planner --policy-name slipway":                      map[string]any{"RoleName": "slipway-prod-planner", "PolicyName": "slipway", "PolicyDocument": of["planner"]},
	} {
		if diff := cmp.Diff(want, got[command]); diff != "" {
			t.Errorf("aws %s (-want +got):\n%s", command, diff)
		}
	}
	policy := got["s3api get-bucket-policy --bucket artifacts-prod"].(map[string]any)["Policy"].(string)
	if diff := cmp.Diff(of["bucket"], value(t, policy)); diff != "" {
		t.Errorf("the bucket's policy (-want +got):\n%s", diff)
	}
	if again := apply(t, a, s); len(again) != 0 {
		t.Errorf("the second time it does %s", again)
	}
}

// A killer ends the process, as far as a test can, before or after its nth request
// that makes or changes something acts.
type killer struct {
	t     *testing.T
	nth   int
	after bool
	kill  context.CancelFunc
	sent  int
}

var errKilled = errors.New("killed")

func (k *killer) Do(r *http.Request) (*http.Response, error) {
	if !changes(formOf(k.t, r), r) {
		return wire{}.Do(r)
	}
	if k.sent++; k.sent != k.nth {
		return wire{}.Do(r)
	}
	if k.after {
		response, err := wire{}.Do(r)
		if err != nil {
			return nil, err
		}
		_ = response.Body.Close()
	}
	k.kill()
	return nil, errKilled
}

// changes reports whether a request makes or changes something.
func changes(form url.Values, r *http.Request) bool {
	return r.Method != http.MethodGet && r.Method != http.MethodHead && !strings.HasPrefix(form.Get("Action"), "Get")
}

func TestKilledAnywhereItGoesOn(t *testing.T) {
	moto := awstest.Moto(t)
	awstest.Reset(t, moto)
	s := setup(t)
	count := &killer{t: t}
	apply(t, account(t, count), s)
	want := seen(t)
	for nth := 1; nth <= count.sent; nth++ {
		for _, after := range []bool{false, true} {
			awstest.Reset(t, moto)
			ctx, kill := context.WithCancel(t.Context())
			a := account(t, &killer{t: t, nth: nth, after: after, kill: kill})
			p, err := a.Plan(ctx, s)
			if err == nil {
				err = a.Apply(ctx, s, p, func(awssetup.Step) {})
			}
			kill()
			if err == nil {
				t.Fatalf("request %d: it was not killed", nth)
			}
			done := apply(t, account(t, nil), s)
			if want := everything[nth-1:]; !after && !cmp.Equal(want, done) || after && !cmp.Equal(want[1:], done) {
				t.Errorf("killed at request %d, after it acted: %v: what was left was %s", nth, after, done)
			}
		}
	}
	if count.sent != len(everything) {
		t.Errorf("%d requests change something", count.sent)
	}
	if diff := cmp.Diff(want, seen(t)); diff != "" {
		t.Errorf("what is there in the end (-want +got):\n%s", diff)
	}
}

// A forgetter lets every call that makes something act, and loses its first answer.
type forgetter struct {
	t    *testing.T
	lost map[string]bool
}

func (f forgetter) Do(r *http.Request) (*http.Response, error) {
	form := formOf(f.t, r)
	response, err := wire{}.Do(r)
	if err != nil {
		return nil, err
	}
	key := r.Method + " " + r.URL.String() + " " + form.Get("Action") + " " + form.Get("RoleName")
	if !changes(form, r) || f.lost[key] {
		return response, nil
	}
	f.lost[key] = true
	_ = response.Body.Close()
	return nil, &lost{}
}

// lost is an answer that does not come, as the network tells it.
type lost struct{}

func (*lost) Error() string   { return "connection reset by peer" }
func (*lost) Timeout() bool   { return true }
func (*lost) Temporary() bool { return true }

func TestLostAnswersDoNoHarm(t *testing.T) {
	awstest.Reset(t, awstest.Moto(t))
	f := forgetter{t, map[string]bool{}}
	if diff := cmp.Diff(everything, apply(t, account(t, f), setup(t))); diff != "" {
		t.Errorf("done (-want +got):\n%s", diff)
	}
	if len(f.lost) != len(everything) {
		t.Errorf("lost were the answers of %v", f.lost)
	}
}

func TestWhatOthersMadeStays(t *testing.T) {
	awstest.Reset(t, awstest.Moto(t))
	const theirs = `{"Version":"2012-10-17","Statement":[{"Sid":"Theirs","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:root"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::artifacts-prod/*"}]}`
	awstest.Run(t, "s3api", "create-bucket", "--bucket", "artifacts-prod")
	awstest.Run(t, "s3api", "put-bucket-policy", "--bucket", "artifacts-prod", "--policy", theirs)
	awstest.Run(t, "s3api", "put-bucket-encryption", "--bucket", "artifacts-prod", "--server-side-encryption-configuration",
		`{"Rules":[{"ApplyServerSideEncryptionByDefault":{"SSEAlgorithm":"aws:kms","KMSMasterKeyID":"k"}}]}`)
	awstest.Run(t, "s3api", "put-public-access-block", "--bucket", "artifacts-prod", "--public-access-block-configuration", "BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=false,RestrictPublicBuckets=true")
	awstest.Run(t, "iam", "create-open-id-connect-provider", "--url", gitHubURL, "--client-id-list", "other", "sts.amazonaws.com")
	awstest.Run(t, "iam", "create-role", "--role-name", "traffic", "--path", "/service-role/", "--assume-role-policy-document",
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"glue.amazonaws.com"},"Action":"sts:AssumeRole"}]}`)
	a, s := account(t, nil), setup(t)
	p := plan(t, a, s)
	actions := map[string]slipway.Action{}
	for _, step := range p.Steps {
		actions[step.ID] = step.Action
	}
	want := map[string]slipway.Action{
		"bucket": "", "bucket-versions": slipway.Add, "bucket-encryption": "", "bucket-private": slipway.Update, "bucket-policy": slipway.Update,
		"github": "", "job-role": "", "job-policy": slipway.Add, "deployer-role": slipway.Add, "deployer-policy": slipway.Add,
		"planner-role": slipway.Add, "planner-policy": slipway.Add,
	}
	if diff := cmp.Diff(want, actions); diff != "" {
		t.Errorf("plan (-want +got):\n%s", diff)
	}
	for _, step := range p.Steps {
		if step.ID == "bucket-policy" && (!strings.Contains(step.Have, "Theirs") || !strings.Contains(step.Want, "Theirs") || !strings.Contains(step.Want, "TLSOnly")) {
			t.Errorf("the bucket's policy goes from\n%s to\n%s", step.Have, step.Want)
		}
		if step.ID == "deployer-policy" && !strings.Contains(step.Want, "role/service-role/traffic") {
			t.Errorf("the path of the job's role is not known: %s", step.Want)
		}
	}
	apply(t, a, s)
	s.Exact = true
	done := apply(t, a, s)
	if diff := cmp.Diff([]string{"update bucket-policy", "update job-role"}, done); diff != "" {
		t.Errorf("exactly (-want +got):\n%s", diff)
	}
	if policy := awstest.Run(t, "s3api", "get-bucket-policy", "--bucket", "artifacts-prod"); strings.Contains(policy, "Theirs") {
		t.Errorf("the bucket still has the policy %s", policy)
	}
}

const gitHubURL = "https://token.actions.githubusercontent.com"

// An adder does with other calls what moto does not know, AddClientID....
type adder struct {
	t     *testing.T
	asked []string
}

func (a *adder) Do(r *http.Request) (*http.Response, error) {
	form := formOf(a.t, r)
	if form.Get("Action") != "AddClientIDToOpenIDConnectProvider" {
		return wire{}.Do(r)
	}
	a.asked = append(a.asked, form.Get("ClientID"))
	awstest.Run(a.t, "iam", "delete-open-id-connect-provider", "--open-id-connect-provider-arn", form.Get("OpenIDConnectProviderArn"))
	awstest.Run(a.t, "iam", "create-open-id-connect-provider", "--url", gitHubURL, "--client-id-list", "other", form.Get("ClientID"))
	return answer(http.StatusOK, "<AddClientIDToOpenIDConnectProviderResponse/>"), nil
}

// formOf reads the form that a call of IAM is, and leaves it to be sent.
func formOf(t *testing.T, r *http.Request) url.Values {
	t.Helper()
	if r.Body == nil {
		return nil
	}
	data, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	r.Body = io.NopCloser(bytes.NewReader(data))
	form, err := url.ParseQuery(string(data))
	if err != nil {
		return nil // a document, as S3 takes it
	}
	return form
}

func answer(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"text/xml"}}, Body: io.NopCloser(strings.NewReader(body))}
}

func TestAnotherAudienceStays(t *testing.T) {
	awstest.Reset(t, awstest.Moto(t))
	awstest.Run(t, "iam", "create-open-id-connect-provider", "--url", gitHubURL, "--client-id-list", "other")
	add := &adder{t: t}
	a, s := account(t, add), setup(t)
	for _, step := range plan(t, a, s).Steps {
		if step.ID == "github" && (step.Action != slipway.Update || step.Have != "other" || step.Want != "other, sts.amazonaws.com") {
			t.Errorf("the plan is %+v", step)
		}
	}
	apply(t, a, s)
	if diff := cmp.Diff([]string{"sts.amazonaws.com"}, add.asked); diff != "" {
		t.Errorf("audiences added (-want +got):\n%s", diff)
	}
}

func TestASecondAppKeepsTheFirst(t *testing.T) {
	awstest.Reset(t, awstest.Moto(t))
	a, s := account(t, nil), setup(t)
	apply(t, a, s)
	s.Job.App, s.Job.Name, s.Job.Role, s.Data = "two", "two", "two", true
	s.Job.Arguments["target"] = "s3://curated/two/"
	if diff := cmp.Diff([]string{"add job-role", "add job-policy", "add job-data", "update deployer-policy", "update planner-policy"}, apply(t, a, s)); diff != "" {
		t.Errorf("done (-want +got):\n%s", diff)
	}
	policy := awstest.Run(t, "iam", "get-role-policy", "--role-name", "slipway-prod-deployer", "--policy-name", "slipway")
	for _, job := range []string{"job/Traffic ETL", "job/two", "role/traffic", "role/two"} {
		if !strings.Contains(policy, job) {
			t.Errorf("the deployer's policy lacks %s: %s", job, policy)
		}
	}
	if data := awstest.Run(t, "iam", "get-role-policy", "--role-name", "two", "--policy-name", "slipway-data"); !strings.Contains(data, "arn:aws:s3:::curated/two/*") {
		t.Errorf("the job may reach %s", data)
	}
}

// Without GitHub nobody's code comes before anybody has read it, so that plans have a
// role of their own only where the environment names one.
func TestAPlannerIsMadeWhereThereIsUseForIt(t *testing.T) {
	awstest.Reset(t, awstest.Moto(t))
	a, s := account(t, nil), setup(t)
	s.GitHub, s.People = access.GitHub{}, []string{"arn:aws:iam::123456789012:role/platform"}
	steps := func() []string {
		var ids []string
		for _, step := range plan(t, a, s).Steps {
			if strings.HasPrefix(step.ID, "planner") {
				ids = append(ids, step.Thing)
			}
		}
		return ids
	}
	if got := steps(); len(got) != 0 {
		t.Errorf("without GitHub there is %s", got)
	}
	var err error
	s.Place, err = access.Locate(slipway.Environment{
		Name: "prod", Runtime: "glue", Account: awstest.Account, Region: awstest.Region, Repository: "s3://artifacts-prod/slipway",
		PlanRole: "arn:aws:iam::123456789012:role/ci/looker",
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"role looker, and who may become it", "policy slipway of the role looker"}, steps()); diff != "" {
		t.Errorf("where it is named (-want +got):\n%s", diff)
	}
	apply(t, a, s)
	if arn := awstest.Run(t, "iam", "get-role", "--role-name", "looker", "--query", "Role.Arn", "--output", "text"); strings.TrimSpace(arn) != "arn:aws:iam::123456789012:role/ci/looker" {
		t.Errorf("it is made as %s", arn)
	}
}

func TestAStalePlanChangesNothing(t *testing.T) {
	awstest.Reset(t, awstest.Moto(t))
	a, s := account(t, nil), setup(t)
	p := plan(t, a, s)
	awstest.Run(t, "s3api", "create-bucket", "--bucket", "artifacts-prod")
	err := a.Apply(t.Context(), s, p, func(s awssetup.Step) { t.Errorf("%s was done", s.ID) })
	if err == nil || err.Error() != "something changed in the account 123456789012 since the plan was made" || slipway.KindOf(err) != slipway.Conflict {
		t.Errorf("got %v", err)
	}
}
