package cli

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/forge/plain"
)

type hookCommand struct {
	Install hookInstallCommand `cmd:"" help:"Make bare git repositories tell a server of pushes."`
	Tell    hookTellCommand    `cmd:"" help:"Tell a server of a push; what the hook calls."`
}

// inHook says whom a hook tells, and how it is believed.
type inHook struct {
	URL        string `name:"url" required:"" placeholder:"URL" help:"Where the server takes the webhooks of the forge: its address, /hooks/ and the forge's name."`
	SecretFile string `required:"" placeholder:"FILE" help:"The file with the secret that the server knows as webhook_secret of the forge. Who pushes has to be able to read it."`
}

type hookInstallCommand struct {
	inHook
	Folders []string `arg:"" name:"dir" help:"Bare git repositories."`
	Root    string   `placeholder:"DIR" help:"The folder that the forge of the server names: repositories are called by their paths below it. Default: the folder that each lies in."`
}

// Help implements kong.HelpProvider.
func (hookInstallCommand) Help() string {
	return `Puts a post-receive hook into bare repositories that lie in a folder and in no forge, so that their server hears of a push
at once. Without it the server finds the push by asking. A hook that somebody else wrote is left alone.

Example: slipway hook install /srv/git/traffic.git --url https://slipway.example.com/hooks/git --secret-file /etc/slipway/hook

` + exitHelp
}

// Run implements the command.
func (c *hookInstallCommand) Run(s *session) error {
	if _, err := readHookSecret(s.path(c.SecretFile)); err != nil {
		return err
	}
	for _, dir := range c.Folders {
		root := filepath.Dir(s.path(dir))
		if c.Root != "" {
			root = s.path(c.Root)
		}
		rel, err := filepath.Rel(root, s.path(dir))
		if err != nil || !filepath.IsLocal(rel) {
			return slipway.Errorf(slipway.Invalid, "%s is not below %s", dir, c.Root)
		}
		name := strings.TrimSuffix(filepath.ToSlash(rel), ".git")
		hook := plain.Hook{Program: s.env.Self, Server: c.URL, Repository: name, SecretFile: s.path(c.SecretFile)}
		if err := plain.Install(s.path(dir), hook); err != nil {
			return err
		}
		fmt.Fprintf(s.env.Stdout, "%s tells %s of pushes to %s\n", dir, c.URL, name)
	}
	return nil
}

type hookTellCommand struct {
	inHook
	Repository string `required:"" placeholder:"NAME" help:"The repository, as the forge calls it."`
}

// Help implements kong.HelpProvider.
func (hookTellCommand) Help() string {
	return `Sends a server one webhook, signed and dated, that says that something was pushed. The server reads from git what it was.

Example: slipway hook tell --url https://slipway.example.com/hooks/git --repository traffic --secret-file /etc/slipway/hook

` + exitHelp
}

// tellTimeout is how long a push may have to wait for the server.
const tellTimeout = 5 * time.Second

// Run implements the command.
func (c *hookTellCommand) Run(s *session) error {
	secret, err := readHookSecret(s.path(c.SecretFile))
	if err != nil {
		return err
	}
	return plain.Tell(s.ctx, &http.Client{Timeout: tellTimeout}, c.URL, secret, c.Repository, s.env.Clock())
}

func readHookSecret(file string) (string, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return "", slipway.Errorf(slipway.Invalid, "the secret cannot be read: %w", err).WithFix("write one: openssl rand -hex 32 > %s", file)
	}
	secret := strings.TrimSuffix(string(data), "\n") // as the server reads it
	if secret == "" {
		return "", slipway.Errorf(slipway.Invalid, "the secret in %s is empty", file).WithFix("write one: openssl rand -hex 32 > %s", file)
	}
	return secret, nil
}
