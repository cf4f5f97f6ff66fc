package forgetest

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/forge"
)

func listenerTests() []test {
	return []test{
		{"a webhook that is signed is believed", hear},
		{"a webhook that is sent again has the same ID", hearAgain},
		{"a webhook that is signed wrongly, or not at all, is denied", hearForged},
		{"a webhook that was changed on its way is denied", hearChanged},
	}
}

func hear(t *testing.T, s Setup) {
	header, body := s.Webhook(t, "d-1", "secret")
	got, err := as[forge.Listener](t, s.open(t)).Hear(header, body)
	if err != nil {
		t.Fatal(err)
	}
	want := forge.Delivery{ID: "d-1", Event: "push", Hints: []forge.Hint{{Repository: s.Repository}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Hear (-want +got):\n%s", diff)
	}
}

func hearAgain(t *testing.T, s Setup) {
	l := as[forge.Listener](t, s.open(t))
	header, body := s.Webhook(t, "d-1", "secret")
	first, err := l.Hear(header, body)
	again, err2 := l.Hear(header, body)
	if err != nil || err2 != nil || first.ID != again.ID || first.ID == "" {
		t.Errorf("the IDs are %q and %q, %v, %v", first.ID, again.ID, err, err2)
	}
	header, body = s.Webhook(t, "d-2", "secret")
	if other, err := l.Hear(header, body); err != nil || other.ID == first.ID {
		t.Errorf("another has the ID %q, %v", other.ID, err)
	}
}

func hearForged(t *testing.T, s Setup) {
	l := as[forge.Listener](t, s.open(t))
	header, body := s.Webhook(t, "d-1", "another secret")
	_, err := l.Hear(header, body)
	wantKind(t, "with another secret", err, slipway.Denied, "a webhook has a wrong signature")
	header, body = s.Webhook(t, "d-1", "secret")
	bare := header.Clone()
	for name := range bare {
		if strings.Contains(strings.ToLower(name), "signature") {
			bare.Del(name)
		}
	}
	_, err = l.Hear(bare, body)
	wantKind(t, "without a signature", err, slipway.Denied, "a webhook has no signature")
	_, err = l.Hear(http.Header{}, nil)
	wantKind(t, "with nothing", err, slipway.Denied, "a webhook has no signature")
}

func hearChanged(t *testing.T, s Setup) {
	l := as[forge.Listener](t, s.open(t))
	header, body := s.Webhook(t, "d-1", "secret")
	changed := slices.Clone(body)
	changed[len(changed)/2] ^= 1
	_, err := l.Hear(header, changed)
	wantKind(t, "with another body", err, slipway.Denied, "a webhook has a wrong signature")
	_, err = l.Hear(header, body[:len(body)-1])
	wantKind(t, "cut short", err, slipway.Denied, "a webhook has a wrong signature")
}

func directoryTests() []test {
	return []test{
		{"people have the permissions that they were given", permissions},
		{"a team has its members", members},
	}
}

func permissions(t *testing.T, s Setup) {
	d := as[forge.Directory](t, s.open(t))
	want := map[string]forge.Permission{s.Author: forge.Write, s.Reviewer: forge.Admin, "nobody-of-that-name": forge.None}
	if s.Reader != "" {
		want[s.Reader] = forge.Read
	}
	for login, permission := range want {
		if got, err := d.Permission(t.Context(), s.Repository, login); got != permission || err != nil {
			t.Errorf("%s may %q, %v, want %q", login, got, err, permission)
		}
	}
	_, err := d.Permission(t.Context(), s.Missing, s.Author)
	wantKind(t, "Permission", err, slipway.NotFound, s.Missing)
	if got, err := d.Permission(t.Context(), s.Repository, "../../x"); got == forge.Admin || err == nil {
		t.Errorf("a login that cannot be one may %q, %v", got, err)
	}
}

func members(t *testing.T, s Setup) {
	d := as[forge.Directory](t, s.open(t))
	got, err := d.Members(t.Context(), s.Team)
	want := slices.Sorted(slices.Values([]string{s.Author, s.Reviewer}))
	if diff := cmp.Diff(want, slices.Sorted(slices.Values(got))); diff != "" || err != nil {
		t.Errorf("members, %v (-want +got):\n%s", err, diff)
	}
	_, err = d.Members(t.Context(), s.Team+"-missing")
	wantKind(t, "Members", err, slipway.NotFound, s.Team+"-missing")
}
