package server

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/slipway-cd/slipway/promote"
	"github.com/slipway-cd/slipway/store"
)

const twoPlatform = `slipway: v1
environments:
  staging: {runtime: local, repository: artifacts/staging, root: root/staging}
  prod: {runtime: local, repository: artifacts/prod, root: root/prod, follows: staging, deployers: [mara]}
people: {mara: {login: mara-l, email: a@example.com}, ana: {login: ana-sec}}
server:
  forges:
    home: {kind: git, url: git, every: 1s}
`

// TestSetsByTheAPI: releases of two apps come to prod together, by whoever may deploy
// both there.
func TestSetsByTheAPI(t *testing.T) {
	w := talking(t, twoPlatform)
	w.push(t, "hello", map[string]string{
		"slipway.yaml":       "slipway: v1\napp: hello\nshape: python-job\nbuild: {script: hello.py}\n",
		"other/slipway.yaml": "slipway: v1\napp: other\nshape: python-job\nbuild: {script: other.py}\n", "other/other.py": "print('other')\n",
	})
	s, _ := w.talks(t)
	h := w.client(t, s)
	untilJobs(t, s, jobShip, 2)
	var members []string
	for _, app := range []string{"hello", "other"} {
		at, err := s.history(t.Context(), app, "staging")
		if err != nil {
			t.Fatal(err)
		}
		members = append(members, `{"app": "`+app+`", "version": "`+at.Admissions[0].Version+`"}`)
	}
	body := `{"members": [` + strings.Join(members, ", ") + `]}`
	for who, want := range map[string]int{"ana": 403, "nobody": 403} {
		if answer, text := request(t, h, "POST", Root+"/environments/prod/promotions", body, "Authorization: Bearer name="+who); answer.StatusCode != want {
			t.Errorf("%s is answered %d %s", who, answer.StatusCode, text)
		}
	}
	var out promote.SetOutput
	j := asks(t, s, h, "mara", "/environments/prod/promotions", body)
	if err := json.Unmarshal(j.Outcome, &out); err != nil || j.State != store.JobDone || len(out.Members) != 2 {
		t.Fatalf("%s %s", j.State, j.Outcome)
	}
	for _, app := range []string{"hello", "other"} {
		prod, err := s.history(t.Context(), app, "prod")
		if err != nil || len(prod.Admissions) != 1 || prod.Admissions[0].Set == nil || prod.Admissions[0].Set.Digest != out.Set.Digest {
			t.Errorf("%s in prod: %+v, %v", app, prod.Admissions, err)
		}
	}
}
