// Package cli is the command line: one file a command, and no logic of its own.
// Start at Main.
package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"
	kongcompletion "github.com/jotaen/kong-completion"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/awssetup"
	"github.com/slipway-cd/slipway/evidence"
	"github.com/slipway-cd/slipway/forge"
	"github.com/slipway-cd/slipway/manifest"
	"github.com/slipway-cd/slipway/pipeline"
	"github.com/slipway-cd/slipway/shape"
	"github.com/slipway-cd/slipway/store"
)

// Env is the process as the commands see it.
type Env struct {
	Args     []string // without the program's name
	Stdin    io.Reader
	Stdout   io.Writer  // data
	Stderr   io.Writer  // talk
	Terminal bool       // Stderr is a terminal
	Color    bool       // Stderr shows colour
	Width    func() int // of the terminal, in columns; nil: as wide as they are at least
	Environ  []string
	Dir      string // where the person stands
	Self     string // path of the program, to start itself
	Version  string
	User     string // user@host
	Process  int
	Cache    string // folder for what all projects of this user share
	Clock    func() time.Time
	Parts    pipeline.Parts
	// Passphrase asks the person for the passphrase of a key in a file.
	Passphrase func(ctx context.Context, file string) ([]byte, error)
	// Store is the database below the state that Parts opens, for a server.
	Store func(pipeline.State) *store.Store
	// Shared opens the state of a server over the database with a URL.
	Shared func(url string) func(ctx context.Context, dir string, write bool) (pipeline.State, error)
	// Forge opens a forge of the platform file.
	Forge   func(context.Context, manifest.Forge, forge.Meter) (forge.Forge, error)
	Secrets func(ctx context.Context, ref string) (string, error)
	// Keepers open keys to attest with that a service keeps, by their URL's scheme.
	Keepers map[string]func(ctx context.Context, address string) (evidence.Signer, error)
	Account func(context.Context, slipway.Environment) (*awssetup.Account, error) // to set it up
	Log     *slog.Logger
}

// getenv looks a variable up; the last one of a name counts.
func (e Env) getenv(name string) string {
	value := ""
	for _, kv := range e.Environ {
		if v, ok := strings.CutPrefix(kv, name+"="); ok {
			value = v
		}
	}
	return value
}

// The exit codes. Each command's help lists those it has.
const (
	exitOK          = 0
	exitFailed      = 1 // the app's own work ended badly: a build, a check, a run
	exitInvalid     = 2 // the command or a file is wrong, or names what is not there
	exitBlocked     = 3 // a gate is closed, or who asks may not
	exitBusy        = 4 // somebody else is at work, or the world moved: try again
	exitUnavailable = 5 // this machine or the network lacks something
	exitInternal    = 70
	exitInterrupted = 130 // as a shell says that Ctrl-C ended a command
)

// exitCode is the one table from an error's kind to the process's exit code.
func exitCode(err error) int {
	if err == nil {
		return exitOK
	}
	if errors.Is(err, context.Canceled) {
		return exitInterrupted
	}
	switch slipway.KindOf(err) {
	case slipway.Failed:
		return exitFailed
	case slipway.Invalid, slipway.NotFound:
		return exitInvalid
	case slipway.Blocked, slipway.Denied:
		return exitBlocked
	case slipway.Busy, slipway.Conflict:
		return exitBusy
	case slipway.Unavailable:
		return exitUnavailable
	case slipway.Internal:
	}
	return exitInternal
}

// exitHelp is the part of a command's help that lists exit codes.
const exitHelp = `Exit codes: 0 done; 1 a build, check or run of yours failed; 2 the command or a file is wrong; ` +
	`3 a gate is closed; 4 somebody else is at work or the world moved, try again; 5 this machine or the network lacks something.`

// Globals are the flags that every command has.
type Globals struct {
	App      string `short:"a" placeholder:"APP" help:"The app: its folder or its name. Default: the one in this folder or above it."`
	Platform string `placeholder:"FILE" env:"SLIPWAY_PLATFORM" help:"The platform file. Default: as the manifest says, else platform.yaml beside or above it."`
	Shapes   string `placeholder:"DIR" env:"SLIPWAY_SHAPES" help:"A folder of shapes of your own, NAME/shape.yaml, beside those of the menu."`
	Server   string `placeholder:"URL" env:"SLIPWAY_SERVER" help:"The server that does the work. Default: none, it is done here."`
	JSON     bool   `help:"Print JSON for machines."`
	// SigningKey is not among the help of each command: it is set once, for a machine.
	SigningKey string `hidden:"" placeholder:"FILE" env:"SLIPWAY_SIGNING_KEY" help:"The key this machine attests with. Default: one that it makes for itself in .slipway."`
	Quiet      bool   `short:"q" help:"Say nothing but errors."`
	Verbose    bool   `short:"v" help:"Show what builds and checks print, as they print it."`
}

type commands struct {
	Globals
	Init       initCommand       `cmd:"" group:"start" help:"Look at the repository and write slipway.yaml."`
	Demo       demoCommand       `cmd:"" group:"start" help:"Show the whole road on this machine, on the example notebook."`
	Ship       shipCommand       `cmd:"" group:"road" help:"Take the source along the road, as far as the rules allow, up to deployed."`
	Build      buildCommand      `cmd:"" group:"road" help:"Turn the source into artifacts."`
	Check      checkCommand      `cmd:"" group:"road" help:"Ask the checks about the source."`
	Release    releaseCommand    `cmd:"" group:"road" help:"Fix the artifacts under a version."`
	SignOff    signOffCommand    `cmd:"" name:"sign-off" group:"road" help:"Show a release that is to come to an environment, and sign for it."`
	Grant      grantCommand      `cmd:"" group:"road" help:"Open a guard rail for an app until a day."`
	Quarantine quarantineCommand `cmd:"" group:"road" help:"Keep a bad release from being promoted and deployed."`
	Promote    promoteCommand    `cmd:"" group:"road" help:"Take a release one environment further."`
	Plan       planCommand       `cmd:"" group:"road" help:"Show what a deployment would change."`
	Deploy     deployCommand     `cmd:"" group:"road" help:"Deploy a release, or a saved plan."`
	Rollback   rollbackCommand   `cmd:"" group:"road" help:"Bring back, exactly, what was deployed before."`
	Run        runCommand        `cmd:"" group:"operate" help:"Start a run, follow its log, exit with its result."`
	Stop       stopCommand       `cmd:"" group:"operate" help:"Stop a run."`
	Runs       runsCommand       `cmd:"" group:"operate" help:"List runs."`
	Logs       logsCommand       `cmd:"" group:"operate" help:"Show what a run printed."`
	Status     statusCommand     `cmd:"" group:"operate" help:"Show what is live."`
	Drift      driftCommand      `cmd:"" group:"operate" help:"Show what somebody changed by hand."`
	AWS        awsCommand        `cmd:"" name:"aws" group:"start" help:"Set up AWS for an environment, and show which rights it needs."`
	Adopt      adoptCommand      `cmd:"" group:"start" help:"Take over a job that was made by other means."`
	History    historyCommand    `cmd:"" group:"operate" help:"Show everything that happened, from the ledger."`
	Cost       costCommand       `cmd:"" group:"operate" help:"Show what runs cost, and will cost."`
	Apps       appsCommand       `cmd:"" group:"look" help:"List the apps of a server."`
	Jobs       jobsCommand       `cmd:"" group:"look" help:"List the jobs of a server, or show what one printed."`
	Workers    workersCommand    `cmd:"" group:"look" help:"List the servers and workers that share the work, and what they do."`
	Serve      serveCommand      `cmd:"" group:"operate" help:"Take what is pushed to git repositories along the road, and tell pull requests what they wait for."`
	Worker     workerCommand     `cmd:"" group:"operate" help:"Do builds, checks and deployments for the servers of a PostgreSQL database."`
	Hook       hookCommand       `cmd:"" group:"operate" help:"Make git repositories tell a server of pushes."`
	Ledger     ledgerCommand     `cmd:"" group:"operate" help:"Verify the ledger of a database, and sign its head."`
	Keys       keysCommand       `cmd:"" group:"operate" help:"List the keys and secrets of a server, and replace keys."`
	Fsck       fsckCommand       `cmd:"" name:"fsck" group:"operate" help:"Hold the ledger, the repositories and the runtimes against each other."`
	Backup     backupCommand     `cmd:"" group:"operate" help:"Back up a server's data folder, while it works."`
	Bench      benchCommand      `cmd:"" group:"operate" help:"Measure a server while it works, without touching an app."`
	Migrate    migrateCommand    `cmd:"" group:"operate" help:"Move a server's database from its file to PostgreSQL."`
	Restore    restoreCommand    `cmd:"" group:"operate" help:"Make a data folder from a backup, verified."`
	Token      tokenCommand      `cmd:"" group:"operate" help:"Make, list and revoke tokens for a server."`
	Rights     rightsCommand     `cmd:"" group:"operate" help:"Hand over what you may do at a server, and take it back."`
	Login      loginCommand      `cmd:"" group:"operate" help:"Sign in to a server with a browser."`
	Logout     logoutCommand     `cmd:"" group:"operate" help:"Forget the token for a server."`
	Schedule   scheduleCommand   `cmd:"" group:"operate" help:"Start the runs that are due, while it is up."`
	Remove     removeCommand     `cmd:"" group:"operate" help:"Take the job away from an environment."`
	Releases   releasesCommand   `cmd:"" group:"look" help:"List the releases of an environment."`
	Dossier    dossierCommand    `cmd:"" group:"look" help:"Write one file that proves a release, from commit to production."`
	Verify     verifyCommand     `cmd:"" group:"look" help:"Check such a file, without network."`
	Running    runningCommand    `cmd:"" group:"look" help:"Hold what really runs against what was approved, by digest."`
	Show       showCommand       `cmd:"" group:"look" help:"Show a release."`
	Download   downloadCommand   `cmd:"" group:"look" help:"Fetch a release's files."`
	Config     configCommand     `cmd:"" group:"look" help:"Show the manifest resolved for an environment, and where each value comes from."`
	Menu       shapesCommand     `cmd:"" name:"shapes" group:"look" help:"Show the menu of shapes, test one, and upgrade a manifest to the newest."`
	Schema     schemaCommand     `cmd:"" group:"look" help:"Print the JSON Schema of slipway.yaml, platform.yaml or a file of guard rails."`
	Explain    explainCommand    `cmd:"" group:"look" help:"Say what keeps a release from an environment, why, and who can open it."`
	Grants     grantsCommand     `cmd:"" group:"look" help:"List who opened which guard rails."`
	Simulate   simulateCommand   `cmd:"" group:"look" help:"Say where a pull request would stand if something were otherwise."`
	Quotas     quotasCommand     `cmd:"" group:"look" help:"Show how much of each quota is held, and by whom."`
	Rails      railsCommand      `cmd:"" group:"look" help:"Test the platform's guard rails, and try one on what was deployed."`
	Convert    convertCommand    `cmd:"" group:"look" help:"Convert a notebook to a script."`
	Diff       diffCommand       `cmd:"" group:"look" help:"Show what changed in a notebook, cell by cell."`
	Notebook   notebookCommand   `cmd:"" group:"look" help:"What git needs to understand notebooks."`
	Lint       lintCommand       `cmd:"" group:"look" help:"Find what is wrong with notebooks that become jobs."`
	Clean      cleanCommand      `cmd:"" group:"look" help:"Take outputs and other traces of a run out of notebooks."`
	Completion completionCommand `cmd:"" group:"look" help:"Print the completion script of a shell."`
	Version    versionCommand    `cmd:"" group:"look" help:"Print the version."`
}

// Main runs the command line and returns its exit code.
func Main(ctx context.Context, env Env) int {
	t := newTalk(env)
	err := parseAndRun(ctx, env, t)
	t.close()
	var parse *kong.ParseError
	var help helpShown
	switch {
	case err == nil, errors.As(err, &help):
		return exitOK
	case errors.Is(err, errDiffers):
		return exitFailed
	case errors.As(err, &parse):
		t.fail(misused(parse))
		return exitInvalid
	}
	code := exitCode(err)
	if code == exitInterrupted && slipway.KindOf(err) == slipway.Internal {
		err = interrupted(err)
	}
	t.fail(err)
	return code
}

// interrupted is the error of a command that Ctrl-C ended.
func interrupted(err error) *slipway.Error {
	return &slipway.Error{Kind: slipway.Failed, Message: "interrupted", Err: err}
}

// helpShown ends a command that only asked for help.
type helpShown struct{}

func (helpShown) Error() string { return "help was shown" }

func parseAndRun(ctx context.Context, env Env, t *talk) (err error) {
	defer func() {
		// Help ends the parser by calling Exit, which must not end the process.
		if p := recover(); p != nil {
			shown, ok := p.(helpShown)
			if !ok {
				panic(p)
			}
			err = shown
		}
	}()
	args := meant(env.Args)
	g := grammarOf(args)
	completing := env.getenv("COMP_LINE") != "" // a shell asks for what may come next
	if completing {
		g = allCommands()
	}
	parser, err := kong.New(g.commands,
		kong.Name("slipway"),
		kong.Description("Operations as a product: from a commit to a healthy job in production."),
		kong.Writers(env.Stdout, env.Stderr),
		kong.Exit(func(int) { panic(helpShown{}) }),
		kong.Help(printHelp),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
		kong.ExplicitGroups([]kong.Group{
			{Key: "start", Title: "Start"},
			{Key: "road", Title: "The road: build, check, release, promote, deploy"},
			{Key: "operate", Title: "Operate"},
			{Key: "look", Title: "Look"},
		}),
		kong.Resolvers(environment{env}),
	)
	if err != nil {
		return err
	}
	if completing {
		kongcompletion.Register(parser)
	}
	t.json = slices.Contains(args, "--json") // also where the rest cannot be parsed
	kctx, err := parser.Parse(args)
	if err != nil {
		return err
	}
	t.quiet, t.json = g.globals.Quiet, g.globals.JSON
	if err := refuseServer(kctx); err != nil {
		return err
	}
	return kctx.Run(&session{ctx: ctx, env: env, talk: t, globals: *g.globals})
}

// meant turns what people type by habit into what it means here: "help ship" and
// "--version", and nothing at all.
func meant(args []string) []string {
	switch {
	case len(args) == 0:
		return []string{"--help"}
	case args[0] == "help":
		return append(slices.Clone(args[1:]), "--help")
	case args[0] == "--version" && len(args) == 1:
		return []string{"version"}
	}
	return args
}

// environment reads flags' variables from Env instead of from the process.
type environment struct{ env Env }

// Validate implements kong.Resolver.
func (environment) Validate(*kong.Application) error { return nil }

// Resolve implements kong.Resolver.
func (e environment) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	for _, name := range flag.Envs {
		if v := e.env.getenv(name); v != "" {
			return v, nil
		}
	}
	return nil, nil
}

// shapes is the menu.
func shapes() (shape.Menu, error) { return shape.Builtin() }

// printJSON writes a value as indented JSON.
func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}
