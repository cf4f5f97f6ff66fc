package signin

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/slipway-cd/slipway"
)

// KeptFile is the name of the file with a person's tokens in their configuration
// folder. Nobody else may read it.
const KeptFile = "servers.json"

// Keep keeps a person's token for a server in their configuration folder, and takes
// one for another server nothing away.
func Keep(dir, server string, g Granted) error {
	all, err := kept(dir)
	if err != nil {
		return err
	}
	all[server] = g
	return writeKept(dir, all)
}

// Forget drops the token for a server, and reports whether there was one.
func Forget(dir, server string) (bool, error) {
	all, err := kept(dir)
	if err != nil {
		return false, err
	}
	if _, ok := all[server]; !ok {
		return false, nil
	}
	delete(all, server)
	return true, writeKept(dir, all)
}

// Kept returns the token for a server. None, and one that has ended, is an error of
// kind Denied.
func Kept(dir, server string, now time.Time) (Granted, error) {
	all, err := kept(dir)
	if err != nil {
		return Granted{}, err
	}
	g, ok := all[server]
	switch {
	case !ok:
		return g, slipway.Errorf(slipway.Denied, "you are not signed in to %s", server).WithFix("slipway login %s", server)
	case !now.Before(g.Expires):
		return g, slipway.Errorf(slipway.Denied, "you were signed in to %s until %s", server, g.Expires.Local().Format("2006-01-02 15:04")).WithFix("slipway login %s", server)
	}
	return g, nil
}

func kept(dir string) (map[string]Granted, error) {
	file := filepath.Join(dir, KeptFile)
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return map[string]Granted{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("your tokens: %w", err)
	}
	var all map[string]Granted
	if err := json.Unmarshal(data, &all); err != nil || all == nil {
		return nil, slipway.Errorf(slipway.Invalid, "%s cannot be read: %w", file, err).WithFix("remove it, and sign in again")
	}
	return all, nil
}

func writeKept(dir string, all map[string]Granted) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("keep your token: %w", err)
	}
	data, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, "."+KeptFile+"-*") // it is made for its owner alone
	if err != nil {
		return fmt.Errorf("keep your token: %w", err)
	}
	defer os.Remove(f.Name())
	_, err = f.Write(append(data, '\n'))
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("keep your token: %w", err)
	}
	return os.Rename(f.Name(), filepath.Join(dir, KeptFile))
}
