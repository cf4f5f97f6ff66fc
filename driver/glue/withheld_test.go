package glue_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver"
	"github.com/slipway-cd/slipway/driver/glue/gluetest"
)

// The secrets that others put into the job.
const (
	oldSecret  = "hunter22-of-old"
	newSecret  = "correct-horse-battery"
	nodeSecret = "postgres://etl:swordfish99@db:5432/roads"
)

// console sets secrets as somebody does who should not.
func (w *deployWorld) setSecret(value string) {
	w.edit(func(job map[string]any) {
		arguments, _ := job["DefaultArguments"].(map[string]any)
		arguments["--db_password"] = value
		if value == "" {
			delete(arguments, "--db_password")
		}
		job["CodeGenConfigurationNodes"] = map[string]any{"node-1": map[string]any{"Urls": []any{nodeSecret}}}
	})
}

func (w *deployWorld) secret() any {
	arguments, _ := w.Job("traffic")["DefaultArguments"].(map[string]any)
	return arguments["--db_password"]
}

// wantNoSecret looks for secrets in whatever would be kept or shown.
func wantNoSecret(t *testing.T, kept ...any) {
	t.Helper()
	for _, v := range kept {
		data, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{oldSecret, newSecret, "swordfish99"} {
			if strings.Contains(string(data), secret) {
				t.Errorf("%s is in %s", secret, data)
			}
		}
	}
}

// TestSecretsOfOthersAreCarriedAndNotKept deploys over a job in whose arguments
// somebody wrote a password, changes that, and goes back.
func TestSecretsOfOthersAreCarriedAndNotKept(t *testing.T) {
	w := newDeployWorld(t)
	one, two := w.target("v1", nil), w.target("v2", map[string]any{"workers": 5.0})
	first := w.deploy(driver.PlanRequest{Target: one})
	w.setSecret(oldSecret)

	p := w.plan(driver.PlanRequest{Target: two, Live: first})
	second := w.apply(p)
	wantNoSecret(t, p, second)
	if w.secret() != oldSecret {
		t.Errorf("the password is %v", w.secret())
	}
	nodes, _ := json.Marshal(w.Job("traffic")["CodeGenConfigurationNodes"])
	if !strings.Contains(string(nodes), nodeSecret) {
		t.Errorf("the nodes are %s", nodes)
	}
	if p := w.plan(driver.PlanRequest{Target: two, Live: second}); !p.Empty() {
		t.Errorf("the plan after a deployment has %+v", p.Changes)
	}

	w.setSecret(newSecret)
	status, err := w.driver().Observe(t.Context(), second, two)
	if err != nil || len(status.Drift) != 1 || status.Drift[0].Field != "run.arguments.db_password" || status.Drift[0].To != "***" {
		t.Errorf("the drift is %+v, %v", status.Drift, err)
	}
	wantNoSecret(t, status)

	// There is but one password that anybody knows, and that is the one in the job.
	three := w.target("v3", nil)
	p = w.plan(driver.PlanRequest{Target: three, Live: second, Drift: slipway.DriftOverwrite})
	third := w.apply(p)
	wantNoSecret(t, p, third)
	if w.secret() != newSecret {
		t.Errorf("with --drift overwrite the password is %v", w.secret())
	}
	p = w.plan(driver.PlanRequest{Target: two, Live: third, Restore: second})
	if want := "kept: run.arguments.db_password as it is now; it was another secret before, and Slipway keeps none"; len(warnings(p)) != 1 || warnings(p)[0] != want {
		t.Errorf("the warnings of the rollback are %q", p.Warnings)
	}
	w.apply(p)
	if w.secret() != newSecret {
		t.Errorf("after a rollback the password is %v", w.secret())
	}

	w.setSecret("")
	_, err = w.driver().Plan(t.Context(), driver.PlanRequest{Target: two, Live: third, Restore: second})
	if want := "the job traffic had secrets then that are no longer there, and Slipway keeps none: run.arguments.db_password"; slipway.KindOf(err) != slipway.Blocked || err.Error() != want {
		t.Errorf("a rollback to a password that nobody knows: %v", err)
	}
}

// TestSecretThatChangesAfterThePlan refuses a plan that would bring an old one back.
func TestSecretThatChangesAfterThePlan(t *testing.T) {
	w := newDeployWorld(t)
	first := w.deploy(driver.PlanRequest{Target: w.target("v1", nil)})
	w.setSecret(oldSecret)
	p := w.plan(driver.PlanRequest{Target: w.target("v2", nil), Live: first})
	w.setSecret(newSecret)
	_, err := w.driver().Apply(t.Context(), p, blobsOf{w.store})
	if want := "the job traffic changed after the plan was made: run.arguments.db_password is ***"; slipway.KindOf(err) != slipway.Conflict || err.Error() != want {
		t.Errorf("it is %v", err)
	}
	if w.secret() != newSecret {
		t.Errorf("the password is %v", w.secret())
	}
}

// TestWhatTheManifestSaysIsNoSecretOfOthers sets what only sounds like one.
func TestWhatTheManifestSaysIsNoSecretOfOthers(t *testing.T) {
	w := newDeployWorld(t)
	with := func(version string, arguments map[string]any) slipway.Target {
		return w.target(version, map[string]any{"arguments": arguments})
	}
	one := with("v1", map[string]any{"token_column": "abc", "source": "s3://raw"})
	first := w.deploy(driver.PlanRequest{Target: one})
	second := w.deploy(driver.PlanRequest{Target: with("v2", map[string]any{"token_column": "xyz"}), Live: first})
	third := w.deploy(driver.PlanRequest{Target: with("v3", map[string]any{"source": "s3://raw"}), Live: second})
	p := w.plan(driver.PlanRequest{Target: one, Live: third, Restore: first})
	w.apply(p)
	arguments, _ := w.Job("traffic")["DefaultArguments"].(map[string]any)
	if diff := cmp.Diff("abc", arguments["--token_column"]); diff != "" || strings.Contains(strings.Join(p.Warnings, "\n"), "another secret") {
		t.Errorf("the rollback (-want +got):\n%s%q", diff, p.Warnings)
	}
}

// TestProxyThatRefuses is told at once: it will refuse the next time too.
func TestProxyThatRefuses(t *testing.T) {
	for _, op := range []string{"UpdateJob", "GetJob"} {
		w := newDeployWorld(t)
		first := w.deploy(driver.PlanRequest{Target: w.target("v1", nil)})
		p := w.plan(driver.PlanRequest{Target: w.target("v2", nil), Live: first})
		w.Fault(gluetest.Always(op, gluetest.Page(http.StatusForbidden)))
		before := w.waited
		_, err := w.driver().Apply(t.Context(), p, blobsOf{w.store})
		if want := "glue:" + op + " on job/traffic: something before AWS refuses it, with status 403 and without a reason"; err == nil || err.Error() != want {
			t.Errorf("it is %v", err)
		}
		if !strings.Contains(slipway.FixOf(err), "a proxy or a firewall stands between this machine and AWS") {
			t.Errorf("the way out is %q", slipway.FixOf(err))
		}
		if waited := w.waited - before; waited > time.Second {
			t.Errorf("%s: it waited %s", op, waited)
		}
	}
}
