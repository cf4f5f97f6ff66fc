package main

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
)

func TestKeepersAreNamed(t *testing.T) {
	want := []string{"awskms", "azurekms", "gcpkms", "hashivault"}
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(keepers(nil)))); diff != "" {
		t.Error(diff)
	}
}

// Vault's token is found where its own command has it.
func TestTheTokenForVault(t *testing.T) {
	var tokens []string
	vault := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tokens = append(tokens, r.Header.Get("X-Vault-Token"))
		http.Error(w, `{"errors":["no handler for route"]}`, http.StatusNotFound)
	}))
	t.Cleanup(vault.Close)
	home := t.TempDir()
	environ := []string{"VAULT_ADDR=" + vault.URL, "HOME=" + home}
	open := func(environ []string) error {
		_, err := keepers(environ)["hashivault"](t.Context(), "hashivault://ci")
		return err
	}
	err := open(environ)
	if err == nil || err.Error() != "there is no token for Vault" || slipway.FixOf(err) != "sign in (`vault login`), or set VAULT_TOKEN" {
		t.Errorf("got %v, fix %q", err, slipway.FixOf(err))
	}
	if err := os.WriteFile(filepath.Join(home, ".vault-token"), []byte("signed in\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, variables := range [][]string{environ, append(environ, "VAULT_TOKEN=given")} {
		if err := open(variables); err == nil || !strings.HasPrefix(err.Error(), "there is no key hashivault://ci: no handler for route") {
			t.Errorf("got %v", err)
		}
	}
	if diff := cmp.Diff([]string{"signed in", "given"}, tokens); diff != "" {
		t.Error(diff)
	}
}
