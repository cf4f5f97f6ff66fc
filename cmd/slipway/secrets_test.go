package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/slipway-cd/slipway"
)

func TestSecretsAreFoundWhereTheyLie(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"nested/slack/data":       "in a folder\n",
		"flat/secrets_slack_data": "among the credentials of systemd\n",
		"both/secrets/slack/data": "in a folder",
		"both/secrets_slack_data": "among the credentials of systemd",
	} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct{ folder, variable, want string }{
		{"nested", "", "in a folder"},
		{"flat/secrets", "", "among the credentials of systemd"},
		{"both/secrets", "", "in a folder"},
		{"nested", "in a variable", "in a variable"},
		{"elsewhere", "", ""},
	} {
		environ := []string{"SLIPWAY_SECRETS=" + filepath.Join(dir, tt.folder)}
		if tt.variable != "" {
			environ = append(environ, "SLIPWAY_SECRET_SLACK_DATA="+tt.variable)
		}
		got, err := secrets(environ)(t.Context(), "slack/data")
		if got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("in %s it is %q, %v", tt.folder, got, err)
		}
		if err != nil && (slipway.KindOf(err) != slipway.Unavailable || err.Error() != "there is no value for the secret slack/data") {
			t.Errorf("in %s: %v", tt.folder, err)
		}
	}
}
