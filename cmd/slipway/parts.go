package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/awsauth"
	"github.com/slipway-cd/slipway/cli"
	"github.com/slipway-cd/slipway/driver"
	"github.com/slipway-cd/slipway/driver/glue"
	"github.com/slipway-cd/slipway/driver/local"
	"github.com/slipway-cd/slipway/ledger/object"
	"github.com/slipway-cd/slipway/pipeline"
	"github.com/slipway-cd/slipway/repository"
	"github.com/slipway-cd/slipway/store"
	"github.com/slipway-cd/slipway/workflow"
)

// parts is the list of what this program links in.
func parts(env cli.Env) pipeline.Parts {
	signedIn, repositories := &awsauth.Kept{}, newPlaces(env)
	return pipeline.Parts{
		Runtimes: map[string]func(context.Context, pipeline.RuntimeConfig) (driver.Driver, error){
			"local": func(_ context.Context, c pipeline.RuntimeConfig) (driver.Driver, error) {
				return openLocal(env, c), nil
			},
			"glue": func(ctx context.Context, c pipeline.RuntimeConfig) (driver.Driver, error) {
				return openGlue(ctx, c, credentials(env, c.Environment, signedIn), env.Log)
			},
		},
		Repository: func(ctx context.Context, e slipway.Environment) (repository.Repository, error) {
			return repositories.open(ctx, e, credentials(env, e, signedIn))
		},
		ObjectLedger: func(r repository.Repository, clock func() time.Time) pipeline.Ledger {
			return object.New(r, clock)
		},
		State: func(ctx context.Context, dir string, write bool) (pipeline.State, error) {
			return openState(ctx, env, filepath.Join(dir, store.FileName), write)
		},
	}
}

func openLocal(env cli.Env, c pipeline.RuntimeConfig) *local.Driver {
	return local.New(local.Config{
		Root: c.Environment.Root, Cache: c.Cache, WorkDir: c.WorkDir, Supervisor: []string{env.Self, superviseCommand},
		Secrets: c.Secrets, Environ: c.Environ, Clock: c.Clock, Log: env.Log, Progress: c.Progress, Sandbox: c.Sandbox,
	})
}

func openGlue(ctx context.Context, c pipeline.RuntimeConfig, who awsauth.Options, log *slog.Logger) (*glue.Driver, error) {
	settings, err := awsauth.Open(ctx, who)
	if err != nil {
		return nil, err
	}
	prices, err := gluePrices(c.Prices)
	if err != nil {
		return nil, err
	}
	return glue.New(glue.Config{
		AWS: settings, Environment: c.Environment, Notes: c.Repository, Prices: prices,
		Clock: c.Clock, Pause: glue.Wait, Log: log, Progress: c.Progress,
	}), nil
}

// credentials are those of AWS for an environment.
func credentials(env cli.Env, e slipway.Environment, signedIn *awsauth.Kept) awsauth.Options {
	return awsauth.Options{
		Environment: e.Name, Region: e.Region, Account: e.Account, Role: e.Role, Environ: env.Environ, Clock: env.Clock, Kept: signedIn,
	}
}

// A state is the database in the state folder, with the workflow engine over it.
type state struct {
	store  *store.Store
	engine *workflow.Engine // nil: opened for reading
	clock  func() time.Time
}

// databaseOf is the database below a state, for a server.
func databaseOf(s pipeline.State) *store.Store {
	if s, ok := s.(*state); ok {
		return s.store
	}
	return nil
}

// sharedState opens the state of a server whose database is not in its folder.
func sharedState(env cli.Env) func(url string) func(context.Context, string, bool) (pipeline.State, error) {
	return func(url string) func(context.Context, string, bool) (pipeline.State, error) {
		return func(ctx context.Context, _ string, write bool) (pipeline.State, error) {
			return openState(ctx, env, url, write)
		}
	}
}

// openState opens a database: a file, or the URL of one.
func openState(ctx context.Context, env cli.Env, file string, write bool) (pipeline.State, error) {
	if !write {
		st, err := store.OpenReadOnly(ctx, file)
		switch {
		case err == nil:
			return &state{store: st, clock: env.Clock}, nil
		case slipway.KindOf(err) == slipway.NotFound:
			return nil, nil // nothing was shipped from here yet, which is no error
		}
		return nil, err
	}
	var engine *workflow.Engine
	st, err := store.Open(ctx, file, func(st *store.Store) (err error) {
		engine, err = workflow.Open(ctx, st, workflow.Config{
			Executor: fmt.Sprintf("%s-%d-%d", env.User, env.Process, env.Clock().UnixNano()), Log: env.Log,
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	return &state{store: st, engine: engine, clock: env.Clock}, nil
}

// Ledger implements pipeline.State.
func (s *state) Ledger() pipeline.Ledger { return s.store.Ledger(s.clock) }

// Engine implements pipeline.State.
func (s *state) Engine() *workflow.Engine { return s.engine }

// Close implements pipeline.State.
func (s *state) Close() error {
	var err error
	if s.engine != nil {
		err = s.engine.Close()
	}
	return errors.Join(err, s.store.Close())
}

// secretFile reads redshift/password below a folder. systemd lays the files of a folder
// that it hands over as credentials side by side: then it is folder_redshift_password.
func secretFile(dir, ref string) ([]byte, error) {
	if dir == "" {
		return nil, fs.ErrNotExist
	}
	if root, err := os.OpenRoot(dir); err == nil {
		defer root.Close()
		if data, err := root.ReadFile(filepath.FromSlash(ref)); !errors.Is(err, fs.ErrNotExist) {
			return data, err
		}
	}
	return os.ReadFile(dir + "_" + strings.ReplaceAll(ref, "/", "_")) //nolint:gosec // whoever starts the program names it
}

// secrets looks references up in the environment and in files: the secret
// redshift/password is in SLIPWAY_SECRET_REDSHIFT_PASSWORD, or in the file
// redshift/password below the folder that SLIPWAY_SECRETS names.
func secrets(environ []string) func(context.Context, string) (string, error) {
	vars := map[string]string{}
	for _, kv := range environ {
		name, v, _ := strings.Cut(kv, "=")
		vars[name] = v
	}
	return func(_ context.Context, ref string) (string, error) {
		name := "SLIPWAY_SECRET_" + strings.Map(variableRune, strings.ToUpper(ref))
		if v, ok := vars[name]; ok {
			return v, nil
		}
		missing := slipway.Errorf(slipway.Unavailable, "there is no value for the secret %s", ref).
			WithFix("set %s, or put it in the file %s below the folder that SLIPWAY_SECRETS names", name, ref)
		data, err := secretFile(vars["SLIPWAY_SECRETS"], ref)
		if errors.Is(err, fs.ErrNotExist) {
			return "", missing
		}
		return strings.TrimSuffix(string(data), "\n"), err
	}
}

func variableRune(r rune) rune {
	if r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
		return r
	}
	return '_'
}
