package repositorytest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func listOrder(t *testing.T, r Repo) {
	want := []string{"a+b", "a-b/x", "a.b", "a/b+", "a/b-/z", "a/b/c", "a/bb", "a0", "aa/b", "b"}
	for _, i := range []int{7, 2, 9, 0, 4, 1, 8, 3, 6, 5} {
		mustPut(t, r, want[i], "x")
	}
	if !slices.IsSorted(want) {
		t.Fatal("the test's own list is not sorted")
	}
	if diff := cmp.Diff(want, list(t, r, "", "")); diff != "" {
		t.Errorf("List (-want +got):\n%s", diff)
	}
}

func listFrom(t *testing.T, r Repo) {
	all := []string{"app/dev/ledger/0000000001.json", "app/dev/ledger/0000000002.json", "app/dev/ledger/0000000003.json", "app/dev2/x", "app-2/y"}
	for _, key := range all {
		mustPut(t, r, key, "x")
	}
	tests := []struct {
		name, prefix, after string
		want                []string
	}{
		{"a folder", "app/dev/", "", all[:3]},
		{"part of a name", "app/dev", "", all[:4]},
		{"part of a name in a folder", "app/dev/ledger/000000000", "", all[:3]},
		{"behind a key", "app/dev/ledger/", all[0], all[1:3]},
		{"behind a key that is not there", "app/dev/ledger/", "app/dev/ledger/0000000002", all[1:3]},
		{"behind the last", "app/dev/ledger/", all[2], nil},
		{"behind a whole folder", "", "app/dev/~", all[3:4]},
		{"behind a key before the prefix", "app/dev/", "app-2/y", all[:3]},
		{"behind a key after the prefix", "app/dev/", "app/dev2/x", nil},
		{"nothing", "app/prod/", "", nil},
		{"everything behind a key", "", "app-2/y", all[:4]},
		{"below an object", "app/dev2/x/", "", nil},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, list(t, r, tt.prefix, tt.after)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

// listLong crosses the pages of 1,000 in which object stores list.
func listLong(t *testing.T, r Repo) {
	const n = 1105
	want := make([]string, n)
	for i := range want {
		want[i] = fmt.Sprintf("many/%06d", i)
	}
	const writers = 8
	for i, err := range atOnce(writers, func(w int) error {
		for i := w; i < n; i += writers {
			if _, err := r.Put(t.Context(), want[i], strings.NewReader("x")); err != nil {
				return err
			}
		}
		return nil
	}) {
		if err != nil {
			t.Fatalf("writer %d: %v", i, err)
		}
	}
	if diff := cmp.Diff(want, list(t, r, "many/", "")); diff != "" {
		t.Errorf("List (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want[100:], list(t, r, "many/", want[99])); diff != "" {
		t.Errorf("List behind the 100th (-want +got):\n%s", diff)
	}
}

func listLeft(t *testing.T, r Repo) {
	for _, key := range []string{"a/1", "a/2", "b/3"} {
		mustPut(t, r, key, "x")
	}
	var seen []string
	for o, err := range r.List(t.Context(), "", "") {
		if err != nil {
			t.Fatal(err)
		}
		seen = append(seen, o.Key)
		if len(seen) == 2 {
			break
		}
	}
	if diff := cmp.Diff([]string{"a/1", "a/2"}, seen); diff != "" {
		t.Errorf("List (-want +got):\n%s", diff)
	}
}
