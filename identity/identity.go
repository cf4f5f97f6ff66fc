// Package identity is the key that a person signs with: an OpenSSH private key
// in a file, or one that an ssh-agent holds. Only ed25519 keys sign, and only
// those that the platform file registers for somebody. Start at Find.
//
// Private keys and passphrases are read, used and forgotten: nothing of them is
// printed or kept.
package identity

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/evidence"
)

// Config says where keys are looked for.
type Config struct {
	File  string // a private key, or a public one whose private half the agent holds; empty: the agent's, then Home's
	Agent string // the socket of an ssh-agent; empty: there is none
	Home  string // the person's home, for .ssh/id_ed25519; empty: there is none
	// Passphrase asks for the passphrase of the key in a file.
	Passphrase func(ctx context.Context, file string) ([]byte, error)
}

// A Person is somebody whose key is at hand.
type Person struct {
	Name string // the short name that the platform file has
	key  evidence.Key
	sign func(ctx context.Context, data []byte) ([]byte, error)
}

var _ evidence.Signer = Person{}

// Key implements evidence.Signer.
func (p Person) Key() evidence.Key { return p.key }

// Sign implements evidence.Signer.
func (p Person) Sign(ctx context.Context, data []byte) ([]byte, error) { return p.sign(ctx, data) }

// Find returns the person whose key is at hand. With no file named, the keys of
// several people are narrowed down to those in the role; a choice that is left is
// an error of kind Invalid. A key that the policy does not register is one of
// kind Blocked.
func Find(ctx context.Context, c Config, p evidence.Policy, role string) (Person, error) {
	if c.File != "" {
		return c.named(ctx, p)
	}
	held, agentErr := c.held(ctx)
	people := registered(held, p)
	if len(people) > 1 {
		people = slices.DeleteFunc(people, func(who Person) bool { return !p.In(role, who.Name) })
	}
	switch names := distinct(people); {
	case len(names) == 1:
		return people[0], nil
	case len(names) > 1:
		return Person{}, slipway.Errorf(slipway.Invalid, "the ssh-agent holds keys of %s", strings.Join(names, " and ")).
			WithFix("say whose is to sign, with --key and the file of the key or of its public half")
	}
	if c.Home != "" {
		c.File = filepath.Join(c.Home, ".ssh", "id_ed25519")
		if _, err := os.Stat(c.File); err == nil {
			return c.named(ctx, p)
		}
	}
	return Person{}, none(held, agentErr)
}

// registered returns those of the keys that sign for somebody.
func registered(held []Person, p evidence.Policy) []Person {
	var people []Person
	for _, k := range held {
		if name, ok := p.Owner(k.key); ok {
			k.Name = name
			people = append(people, k)
		}
	}
	return people
}

func distinct(people []Person) []string {
	var names []string
	for _, p := range people {
		names = append(names, p.Name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// none says that there is no key to sign with, and where it was looked for.
func none(held []Person, agentErr error) error {
	why := "there is no ssh-agent, and no key in .ssh/id_ed25519"
	switch {
	case agentErr != nil:
		why = agentErr.Error()
	case len(held) > 0:
		var ids []string
		for _, k := range held {
			ids = append(ids, k.key.ID())
		}
		why = "the ssh-agent holds " + strings.Join(ids, ", ")
	}
	return slipway.Errorf(slipway.Blocked, "there is no key here that signs for anybody: %s", why).
		WithFix("name a key with --key FILE; the platform team registers its public half under people.NAME.keys. ssh-keygen -t ed25519 makes a pair")
}

// named returns the person of the key in the file.
func (c Config) named(ctx context.Context, p evidence.Policy) (Person, error) {
	data, err := os.ReadFile(c.File)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Person{}, slipway.Errorf(slipway.NotFound, "there is no key in %s", c.File).WithFix("ssh-keygen -t ed25519 -f %s makes one", c.File)
	case err != nil:
		return Person{}, slipway.Errorf(slipway.Unavailable, "the key in %s cannot be read: %w", c.File, err)
	}
	public, private, err := c.read(data)
	if err != nil {
		return Person{}, fmt.Errorf("the key in %s: %w", c.File, err)
	}
	name, ok := p.Owner(public)
	if !ok {
		return Person{}, slipway.Errorf(slipway.Blocked, "the key in %s, %s, is registered for nobody", c.File, public.ID()).
			WithFix("have the platform team add to your people.NAME.keys: %s", public)
	}
	if private == nil {
		return c.fromAgent(ctx, public, name)
	}
	return Person{Name: name, key: public, sign: func(ctx context.Context, data []byte) ([]byte, error) {
		key, err := private(ctx) // not before it is needed: who may not sign is not asked for a passphrase
		if err != nil {
			return nil, err
		}
		return ed25519.Sign(key, data), nil
	}}, nil
}

// fromAgent returns the person whose key the agent has to hold.
func (c Config) fromAgent(ctx context.Context, public evidence.Key, name string) (Person, error) {
	held, err := c.held(ctx)
	for _, k := range held {
		if k.key.Equal(public) {
			k.Name = name
			return k, nil
		}
	}
	why := "it does not hold it"
	if err != nil {
		why = err.Error()
	} else if c.Agent == "" {
		why = "there is none"
	}
	return Person{}, slipway.Errorf(slipway.Unavailable, "%s is the public half of a key, so an ssh-agent has to sign, and %s", c.File, why).
		WithFix("ssh-add %s, or name the private key", strings.TrimSuffix(c.File, ".pub"))
}
