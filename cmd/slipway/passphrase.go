package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/term"

	"github.com/slipway-cd/slipway"
)

// passphrase asks the person for the passphrase of a key, on the terminal even
// where input and output go elsewhere. The terminal shows nothing that is typed,
// from before the question is asked.
func passphrase(ctx context.Context, file string) ([]byte, error) {
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return nil, slipway.Errorf(slipway.Unavailable, "the key %s has a passphrase, and there is no terminal to ask for it", file).
			WithFix("have an ssh-agent hold the key: ssh-add %s", file)
	}
	defer tty.Close()
	before, err := term.MakeRaw(int(tty.Fd()))
	if err != nil {
		return nil, fmt.Errorf("ask for a passphrase: %w", err)
	}
	defer func() { _ = term.Restore(int(tty.Fd()), before) }()
	type answer struct {
		phrase string
		err    error
	}
	typed := make(chan answer, 1)
	go func() {
		phrase, err := term.NewTerminal(tty, "").ReadPassword("passphrase of " + file + ": ")
		typed <- answer{phrase, err}
	}()
	select {
	case a := <-typed:
		if errors.Is(a.err, io.EOF) { // Ctrl-C or Ctrl-D, which are bytes like others now
			return nil, context.Canceled
		}
		return []byte(a.phrase), a.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
