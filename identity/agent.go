package identity

import (
	"context"
	"errors"
	"fmt"
	"net"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/evidence"
)

// held returns the ed25519 keys that the ssh-agent holds; none where there is no
// agent. Each call to the agent is a connection of its own.
func (c Config) held(ctx context.Context) ([]Person, error) {
	if c.Agent == "" {
		return nil, nil
	}
	var all []Person
	err := c.ask(ctx, func(a agent.ExtendedAgent) error {
		keys, err := a.List()
		if err != nil {
			return err
		}
		for _, k := range keys {
			public, err := evidence.FromSSH(parsed(k))
			if err != nil {
				continue // a key of another type
			}
			all = append(all, Person{key: public, sign: func(ctx context.Context, data []byte) ([]byte, error) {
				return c.signed(ctx, public, k, data)
			}})
		}
		return nil
	})
	return all, err
}

// parsed is the agent's key as package ssh has it; as it came where it is of a
// type that package ssh does not know.
func parsed(k *agent.Key) ssh.PublicKey { //nolint:ireturn // package ssh knows keys as an interface only
	if public, err := ssh.ParsePublicKey(k.Marshal()); err == nil {
		return public
	}
	return k
}

// signed has the agent sign. What it answers is looked at before it is believed.
func (c Config) signed(ctx context.Context, public evidence.Key, k *agent.Key, data []byte) (signature []byte, err error) {
	err = c.ask(ctx, func(a agent.ExtendedAgent) error {
		s, err := a.Sign(k, data)
		if err != nil {
			return err
		}
		if s.Format != ssh.KeyAlgoED25519 || !public.Verifies(data, s.Blob) {
			return errors.New("its signature is not one by the key")
		}
		signature = s.Blob
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("sign with %s: %w", public.ID(), err)
	}
	return signature, nil
}

// ask does one thing with the agent. Ctrl-C ends the wait for its answer, which
// may be a person's.
func (c Config) ask(ctx context.Context, fn func(agent.ExtendedAgent) error) error {
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", c.Agent)
	if err != nil {
		return slipway.Errorf(slipway.Unavailable, "the ssh-agent at %s cannot be reached: %w", c.Agent, err).
			WithFix("start one and set SSH_AUTH_SOCK, or name the file of a private key with --key")
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	if err := fn(agent.NewClient(conn)); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return slipway.Errorf(slipway.Unavailable, "the ssh-agent does not do it: %w", err).
			WithFix("it may be locked, or somebody said no to its question")
	}
	return nil
}
