package manifest_test

import (
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/manifest"
	"github.com/slipway-cd/slipway/notebook"
)

const platform = `slipway: v1
environments:
  staging: {runtime: local, root: ../staging, repository: artifacts/staging}
  prod:
    runtime: glue
    account: "123456789012"
    region: eu-central-1
    role: arn:aws:iam::123456789012:role/deployer
    plan_role: arn:aws:iam::123456789012:role/planner
    repository: s3://artifacts-prod/slipway
    follows: staging
    sign_offs: [qa, {role: security, count: 2}]
    segregate: true
    deployers: [ana, data, qa]
    freeze:
      - {from: 2026-12-20, until: 2027-01-03, why: year end}
      - {cron: "0 18 * * 5", for: 60h, why: weekends}
teams:
  data: {people: [ana, bo], calls: data}
people:
  ana: {name: Ana, email: ana@example.com, login: ana-gh, keys: ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJa/bk6hG9ADjlCJoDkwoW4+DlT0jzMnZwkqS+4VOX2u ana@laptop"]}
  bo:
roles:
  qa: {people: [ana]}
  security: {}
calls:
  data: {webhook: {secret: hooks/data}, email: [data@example.com], people: [bo]}
rails: [rails/prod.yaml, {name: no-big-jobs, when: "run.workers > 20", effect: block, message: "no"}]
notebook: {magics: {"!": warn, "%pip": remove, "%our_own": remove, "display()": error}}
telemetry:
  logs: [{kind: otlp, endpoint: "https://otel.example.com", headers: {auth: {secret: otel/token}}}]
prices: finance/prices.yaml
`

func platforms() map[string]string {
	return map[string]string{
		"full":        platform,
		"least":       "slipway: v1\nenvironments: {}\n",
		"local alone": "slipway: v1\nenvironments:\n  local:\n",
		"local keys":  "slipway: v1\nenvironments:\n  local: {root: /srv/runs, repository: ../artifacts}\n",
	}
}

func loadPlatform(t testing.TB, text string) *manifest.Platform {
	t.Helper()
	p, err := manifest.LoadPlatform("platform.yaml", []byte(text))
	if err != nil {
		t.Fatalf("load:\n%v", err)
	}
	return p
}

func TestLoadPlatform(t *testing.T) {
	day := func(year int, month time.Month, day int) time.Time {
		return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	}
	want := &manifest.Platform{
		File: "platform.yaml",
		Environments: []manifest.Environment{
			{Environment: slipway.Environment{Name: "local", Runtime: "local"}},
			{Environment: slipway.Environment{Name: "staging", Runtime: "local", Root: "../staging", Repository: "artifacts/staging"}},
			{
				Environment: slipway.Environment{
					Name: "prod", Runtime: "glue", Account: "123456789012", Region: "eu-central-1",
					Role: "arn:aws:iam::123456789012:role/deployer", PlanRole: "arn:aws:iam::123456789012:role/planner",
					Repository: "s3://artifacts-prod/slipway", Follows: "staging",
				},
				SignOffs:  []manifest.SignOff{{Role: "qa", Count: 1}, {Role: "security", Count: 2}},
				Segregate: true,
				Deployers: []string{"ana", "data", "qa"},
				Freeze: []manifest.Freeze{
					{From: day(2026, 12, 20), Until: day(2027, 1, 3), Why: "year end"},
					{Cron: "0 18 * * 5", For: 60 * time.Hour, Why: "weekends"},
				},
			},
		},
		Teams:  map[string]manifest.Team{"data": {People: []string{"ana", "bo"}, Calls: "data"}},
		People: map[string]manifest.Person{"ana": {Name: "Ana", Email: "ana@example.com", Login: "ana-gh", Keys: []string{"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJa/bk6hG9ADjlCJoDkwoW4+DlT0jzMnZwkqS+4VOX2u ana@laptop"}}, "bo": {}},
		Server: manifest.Server{Requests: 50, Keep: manifest.DefaultKeep()},
		Prices: "finance/prices.yaml",
		Roles:  map[string]manifest.Role{"qa": {People: []string{"ana"}}, "security": {}},
	}
	got := loadPlatform(t, platform)
	ignore := cmp.Options{cmpopts.IgnoreUnexported(manifest.Platform{}), cmpopts.IgnoreFields(manifest.Platform{}, "Calls", "Telemetry")}
	if diff := cmp.Diff(want, got, ignore); diff != "" {
		t.Errorf("platform (-want +got):\n%s", diff)
	}
	sources, err := got.RailSources()
	if c := got.Calls["data"]; c.WebhookSecret.Name == "" && c.Webhook == "" || err != nil || len(sources[0].Rails.Items()) != 2 || len(got.Telemetry.Get("logs").Items()) != 1 {
		t.Error("calls, rails or telemetry are not kept")
	}
}

func TestPolicy(t *testing.T) {
	p := loadPlatform(t, platform).Policy()
	if who, ok := p.Owner(p.Keys["ana"][0]); !ok || who != "ana" || !p.In("qa", "ana") || p.In("security", "ana") {
		t.Errorf("got %+v", p)
	}
	var none *manifest.Platform
	if p := none.Policy(); len(p.Keys)+len(p.Roles) > 0 {
		t.Errorf("without a file: %+v", p)
	}
}

func TestMagicActions(t *testing.T) {
	want := map[string]notebook.Action{"!": notebook.Warn, "%pip": notebook.Remove, "%our_own": notebook.Remove, "display()": notebook.Refuse}
	if diff := cmp.Diff(want, loadPlatform(t, platform).MagicActions()); diff != "" {
		t.Errorf("actions (-want +got):\n%s", diff)
	}
	var none *manifest.Platform
	if got := none.MagicActions(); got != nil {
		t.Errorf("without a file: %v", got)
	}
}

func TestLocalIsAlwaysThere(t *testing.T) {
	var none *manifest.Platform
	for name, p := range map[string]*manifest.Platform{"no file": none, "a file without it": loadPlatform(t, platform), "a file with it": loadPlatform(t, platforms()["local alone"])} {
		e, ok := p.Environment("local")
		if !ok || e.Runtime != "local" {
			t.Errorf("%s: %+v, %v", name, e, ok)
		}
	}
	if e, ok := none.Environment("prod"); ok {
		t.Errorf("prod without a file: %+v", e)
	}
}

func TestFindPlatform(t *testing.T) {
	repository := fstest.MapFS{
		"platform.yaml":           {},
		"apps/traffic/job.py":     {},
		"apps/platform.yaml/x":    {}, // a folder of that name does not count
		"teams/a/platform.yaml":   {},
		"teams/a/etl/slipway.yam": {},
	}
	for dir, want := range map[string]string{
		".": "platform.yaml", "apps/traffic": "platform.yaml", "teams/a/etl": "teams/a/platform.yaml", "teams/a": "teams/a/platform.yaml",
	} {
		got, err := manifest.FindPlatform(repository, dir)
		if err != nil || got != want {
			t.Errorf("%s: %q, %v; want %q", dir, got, err, want)
		}
	}
	if got, err := manifest.FindPlatform(fstest.MapFS{}, "a/b"); got != "" || err != nil {
		t.Errorf("none: %q, %v", got, err)
	}
	if _, err := manifest.FindPlatform(repository, "../x"); err == nil || err.Error() != "../x is not a folder of the repository" {
		t.Errorf("outside: %v", err)
	}
	if diff := cmp.Diff([]string{"a/b/platform.yaml", "a/platform.yaml", "platform.yaml"}, manifest.PlatformPlaces("a/b/")); diff != "" {
		t.Errorf("places (-want +got):\n%s", diff)
	}
}
