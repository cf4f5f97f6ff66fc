package cli

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
)

// ofServers are the commands that a server is asked for, or whose ledger is the server's.
var ofServers = strings.Fields(`apps bench cost deploy dossier download drift explain fsck grant grants history jobs login logout logs plan
	promote quarantine quotas rails release releases remove rights rollback run running runs ship show sign-off simulate status stop token workers`)

// TestEveryCommandAndServers: of each command it is known whether a server can be asked.
func TestEveryCommandAndServers(t *testing.T) {
	parser, err := kong.New(allCommands().commands)
	if err != nil {
		t.Fatal(err)
	}
	for _, node := range parser.Model.Children {
		_, here := hereOnly[node.Name]
		if here == slices.Contains(ofServers, node.Name) {
			t.Errorf("slipway %s: is it for a server (%t), or here only (%t)?", node.Name, !here, here)
		}
	}
	for name := range hereOnly {
		first, _, _ := strings.Cut(name, " ")
		if !slices.ContainsFunc(parser.Model.Children, func(n *kong.Node) bool { return n.Name == first }) {
			t.Errorf("there is no command %s", first)
		}
	}
}

func TestServerThatCannotBeAsked(t *testing.T) {
	for _, c := range []struct{ args, environ, want string }{
		{"version --server http://localhost:1", "", "slipway: slipway version does its work here, and no server can be asked for it\n  -> leave --server out\n"},
		{"check --server http://localhost:1", "", "slipway: slipway check does its work here, and no server can be asked for it\n" +
			"  -> leave --server out; slipway ship and slipway release have a server check what is pushed, and a pull request has it checked by itself\n"},
		{"rails test --server http://localhost:1", "", "slipway: slipway rails test does its work here, and no server can be asked for it\n  -> leave --server out\n"},
		{"version", "SLIPWAY_SERVER=http://localhost:1", ""},
	} {
		var out, err bytes.Buffer
		env := Env{Args: strings.Fields(c.args), Stdout: &out, Stderr: &err, Version: "v1", Environ: []string{c.environ}, Clock: time.Now}
		code := Main(t.Context(), env)
		if err.String() != c.want || (code == exitInvalid) != (c.want != "") {
			t.Errorf("slipway %s: %d %q, want %q", c.args, code, err.String(), c.want)
		}
	}
}
