package deploy_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/deploy"
	"github.com/slipway-cd/slipway/ledger"
)

// play carries out a script over a history: a letter deploys that version, one
// with a ! fails, < is a rollback and <2 one to the second deployment. It returns
// what is live after each; - is a rollback that found nothing.
func play(t *testing.T, script string) string {
	t.Helper()
	h := ledger.History{Subject: subject()}
	var live []string
	for word := range strings.FieldsSeq(script) {
		d := slipway.Deployment{Number: int64(len(h.Deployments)) + 1, State: slipway.Deployed}
		version, failed := strings.CutSuffix(word, "!")
		if to, back := strings.CutPrefix(word, "<"); back {
			number, _ := strconv.ParseInt(to, 10, 64)
			former, err := deploy.Former(h, number)
			if err != nil {
				live = append(live, "-")
				continue
			}
			d.RollbackOf, version = former.Number, former.Plan.Target.Version
		}
		if failed {
			d.State = slipway.DeployFail
		}
		d.Plan.Target.Version = version
		h.Deployments = append(h.Deployments, d)
		current, _ := h.Current()
		live = append(live, current.Plan.Target.Version)
	}
	return strings.Join(live, " ")
}

func TestFormer(t *testing.T) {
	for _, tt := range []struct{ name, script, want string }{
		{"nothing before", "A <", "A -"},
		{"one back", "A B <", "A B A"},
		{"one after the other goes further back", "A B C D < < < <", "A B C D C B A -"},
		{"back from what came after a rollback", "A B < C <", "A B A C A"},
		{"back from what came after many rollbacks", "A B C < < D < <", "A B C B A D A -"},
		{"the rolled-back version is not before its follower", "A B < C < <", "A B A C A -"},
		{"a failed deployment never was live", "A B! C <", "A A C A"},
		{"the same again is no other version", "A A A <", "A A A -"},
		{"there and back by hand", "A B A < <", "A B A B A"},
		{"to a number", "A B C <1 <", "A B C A -"},
		{"to the number of a rollback", "A B C < <4 <", "A B C B B A"},
		{"forward again by number", "A B C <1 <3 <", "A B C A C B"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := play(t, tt.script); got != tt.want {
				t.Errorf("%s gives %s, want %s", tt.script, got, tt.want)
			}
		})
	}
}

func TestFormerErrors(t *testing.T) {
	h := ledger.History{Subject: subject()}
	_, err := deploy.Former(h, 0)
	wantError(t, err, slipway.NotFound, "nothing of traffic is deployed in staging, so there is nothing to roll back", "slipway ship staging")
	for i, state := range []slipway.DeploymentState{slipway.DeployFail, slipway.Superseded, slipway.Deployed, slipway.Deploying} {
		h.Deployments = append(h.Deployments, slipway.Deployment{Number: int64(i) + 1, State: state})
	}
	_, err = deploy.Former(h, 0)
	wantError(t, err, slipway.NotFound, "traffic had no other version in staging before the one that is live, so there is nothing to roll back to", "slipway history staging")
	_, err = deploy.Former(h, 9)
	wantError(t, err, slipway.NotFound, "there is no deployment 9 of traffic in staging; the last is 4", "slipway history staging")
	for number, state := range map[int64]string{1: "failed", 2: "superseded", 4: "deploying"} {
		_, err = deploy.Former(h, number)
		wantError(t, err, slipway.Invalid, fmt.Sprintf("deployment %d of traffic in staging never was live: it is %s", number, state), "slipway history staging")
	}
}
