package main

import (
	"context"
	"fmt"
	"os"

	"golang.org/x/term"

	"github.com/slipway-cd/slipway"
)

// passphrase asks the person for the passphrase of a key, on the terminal even
// where input and output go elsewhere. What is typed is not shown.
func passphrase(ctx context.Context, file string) ([]byte, error) {
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return nil, slipway.Errorf(slipway.Unavailable, "the key %s has a passphrase, and there is no terminal to ask for it", file).
			WithFix("have an ssh-agent hold the key: ssh-add %s", file)
	}
	defer tty.Close()
	before, err := term.GetState(int(tty.Fd()))
	if err != nil {
		return nil, fmt.Errorf("ask for a passphrase: %w", err)
	}
	fmt.Fprintf(tty, "passphrase of %s: ", file)
	typed := make(chan []byte, 1)
	failed := make(chan error, 1)
	go func() {
		phrase, err := term.ReadPassword(int(tty.Fd()))
		if err != nil {
			failed <- err
			return
		}
		typed <- phrase
	}()
	defer fmt.Fprintln(tty)
	select {
	case phrase := <-typed:
		return phrase, nil
	case err := <-failed:
		return nil, fmt.Errorf("ask for a passphrase: %w", err)
	case <-ctx.Done(): // the terminal shows again what is typed
		_ = term.Restore(int(tty.Fd()), before)
		return nil, ctx.Err()
	}
}
