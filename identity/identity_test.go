package identity_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/evidence"
	"github.com/slipway-cd/slipway/identity"
)

const phrase = "correct horse"

func keyOf(name string) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte(name[:1]), ed25519.SeedSize))
}

func public(name string) evidence.Key {
	return evidence.NewKey(keyOf(name).Public().(ed25519.PublicKey))
}

func policy() evidence.Policy {
	keys := map[string][]evidence.Key{}
	for _, name := range []string{"ana", "bo"} {
		keys[name] = []evidence.Key{public(name)}
	}
	return evidence.Policy{Keys: keys, Roles: map[string][]string{"qa": {"ana"}, "security": {"bo"}, "both": {"ana", "bo"}}}
}

func write(t *testing.T, name string, data []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// keyFile writes a private key as ssh-keygen does; with an empty phrase it is plain.
func keyFile(t *testing.T, key any, phrase string) string {
	t.Helper()
	var block *pem.Block
	var err error
	if phrase == "" {
		block, err = ssh.MarshalPrivateKey(key, "comment")
	} else {
		block, err = ssh.MarshalPrivateKeyWithPassphrase(key, "comment", []byte(phrase))
	}
	if err != nil {
		t.Fatal(err)
	}
	return write(t, "key", pem.EncodeToMemory(block))
}

// newAgent starts an ssh-agent that holds keys.
func newAgent(t *testing.T, names ...string) (socket string, ring agent.Agent) {
	t.Helper()
	ring = agent.NewKeyring()
	for _, name := range names {
		if err := ring.Add(agent.AddedKey{PrivateKey: keyOf(name)}); err != nil {
			t.Fatal(err)
		}
	}
	return serve(t, ring), ring
}

func serve(t *testing.T, a agent.Agent) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "agent") //nolint:usetesting // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() { _ = agent.ServeAgent(a, conn); _ = conn.Close() }()
		}
	}()
	return listener.Addr().String()
}

// wantSigns looks at whether the person signs with plain ed25519.
func wantSigns(t *testing.T, p identity.Person, name string) {
	t.Helper()
	data := []byte("to be signed")
	signature, err := p.Sign(t.Context(), data)
	if err != nil {
		t.Fatal(err)
	}
	if p.Name != name || !p.Key().Equal(public(name)) || !ed25519.Verify(keyOf(name).Public().(ed25519.PublicKey), data, signature) {
		t.Errorf("%s signs with %s", p.Name, p.Key().ID())
	}
}

func TestFind(t *testing.T) {
	ask := func(context.Context, string) ([]byte, error) { return []byte(phrase), nil }
	agentOf := func(names ...string) func(*testing.T) identity.Config {
		return func(t *testing.T) identity.Config {
			socket, _ := newAgent(t, names...)
			return identity.Config{Agent: socket}
		}
	}
	for name, c := range map[string]struct {
		config     func(t *testing.T) identity.Config
		role, want string
	}{
		"a plain file": {func(t *testing.T) identity.Config { return identity.Config{File: keyFile(t, keyOf("ana"), "")} }, "qa", "ana"},
		"a locked file": {func(t *testing.T) identity.Config {
			return identity.Config{File: keyFile(t, keyOf("bo"), phrase), Passphrase: ask}
		}, "security", "bo"},
		"the agent's only key":     {agentOf("bo"), "security", "bo"},
		"of the agent's the known": {agentOf("eve", "ana", "mallory"), "qa", "ana"},
		"of two the one in a role": {agentOf("ana", "bo"), "security", "bo"},
		"one who is not in a role": {agentOf("ana"), "security", "ana"}, // the refusal says more
		"the public half in a file": {func(t *testing.T) identity.Config {
			socket, _ := newAgent(t, "ana", "bo")
			return identity.Config{File: write(t, "id.pub", []byte(public("bo").String()+" bo@laptop\n")), Agent: socket}
		}, "both", "bo"},
		"the usual file": {func(t *testing.T) identity.Config {
			home := t.TempDir()
			data, err := os.ReadFile(keyFile(t, keyOf("ana"), ""))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.MkdirAll(filepath.Join(home, ".ssh"), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(home, ".ssh", "id_ed25519"), data, 0o600); err != nil {
				t.Fatal(err)
			}
			socket, _ := newAgent(t, "eve")
			return identity.Config{Home: home, Agent: socket}
		}, "qa", "ana"},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := identity.Find(t.Context(), c.config(t), policy(), c.role)
			if err != nil {
				t.Fatal(err)
			}
			wantSigns(t, p, c.want)
		})
	}
}

func TestFindNobody(t *testing.T) {
	ecdsaKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	noTerminal := errors.New("there is no terminal")
	wrong := func(context.Context, string) ([]byte, error) { return []byte("battery staple"), nil }
	none := func(context.Context, string) ([]byte, error) { return nil, noTerminal }
	never := func(context.Context, string) ([]byte, error) {
		t.Error("asked for a passphrase")
		return nil, noTerminal
	}
	eve := public("eve")
	socket, _ := newAgent(t, "eve")
	two, _ := newAgent(t, "ana", "bo")
	for name, c := range map[string]struct {
		config    identity.Config
		kind      slipway.Kind
		want, fix string
	}{
		"no file":      {identity.Config{File: "/nowhere/key"}, slipway.NotFound, "there is no key in /nowhere/key", "ssh-keygen -t ed25519 -f /nowhere/key makes one"},
		"no key in it": {identity.Config{File: write(t, "notes", []byte("secret words"))}, slipway.Invalid, "notes: it is no key of OpenSSH's", "ssh-keygen -t ed25519 makes one"},
		"not ed25519":  {identity.Config{File: keyFile(t, ecdsaKey, "")}, slipway.Invalid, "it is a key of the type ecdsa-sha2-nistp256, and only ssh-ed25519 signs", "ssh-keygen -t ed25519 makes a pair"},
		"registered for nobody": {
			identity.Config{File: keyFile(t, keyOf("eve"), phrase), Passphrase: never},
			slipway.Blocked,
			", " + eve.ID() + ", is registered for nobody", "have the platform team add to your people.NAME.keys: " + eve.String(),
		},
		"another passphrase": {identity.Config{File: keyFile(t, keyOf("ana"), phrase), Passphrase: wrong}, slipway.Invalid, "that is not the passphrase of ", "ssh-add"},
		"nobody to ask":      {identity.Config{File: keyFile(t, keyOf("ana"), phrase), Passphrase: none}, slipway.Internal, "there is no terminal", ""},
		"a public half and no agent": {
			identity.Config{File: write(t, "id.pub", []byte(public("ana").String()))},
			slipway.Unavailable,
			"id.pub is the public half of a key, so an ssh-agent has to sign, and there is none", "/id, or name the private key",
		},
		"a public half of a key the agent lacks": {
			identity.Config{File: write(t, "id.pub", []byte(public("ana").String())), Agent: socket},
			slipway.Unavailable,
			"so an ssh-agent has to sign, and it does not hold it", "ssh-add ",
		},
		"nothing at all": {
			identity.Config{Home: t.TempDir()},
			slipway.Blocked,
			"there is no key here that signs for anybody: there is no ssh-agent, and no key in .ssh/id_ed25519", "name a key with --key FILE",
		},
		"an agent with a stranger's": {identity.Config{Agent: socket}, slipway.Blocked, "there is no key here that signs for anybody: the ssh-agent holds " + eve.ID(), "people.NAME.keys"},
		"an agent that is gone": {
			identity.Config{Agent: "/nowhere/agent"},
			slipway.Blocked,
			"there is no key here that signs for anybody: the ssh-agent at /nowhere/agent cannot be reached", "--key FILE",
		},
		"two people in the role": {identity.Config{Agent: two}, slipway.Invalid, "the ssh-agent holds keys of ana and bo", "--key"},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := identity.Find(t.Context(), c.config, policy(), "both")
			if err == nil {
				_, err = p.Sign(t.Context(), []byte("data"))
			}
			if err == nil || slipway.KindOf(err) != c.kind || !strings.Contains(err.Error(), c.want) || !strings.Contains(slipway.FixOf(err), c.fix) {
				t.Fatalf("got a %s: %v\nfix %s", slipway.KindOf(err), err, slipway.FixOf(err))
			}
			for _, secret := range []string{"secret words", "battery staple", phrase} {
				if strings.Contains(err.Error()+slipway.FixOf(err), secret) {
					t.Errorf("it tells a secret: %v", err)
				}
			}
		})
	}
}

func TestAgentThatDoesNotSign(t *testing.T) {
	socket, ring := newAgent(t, "ana")
	p, err := identity.Find(t.Context(), identity.Config{Agent: socket}, policy(), "qa")
	if err != nil {
		t.Fatal(err)
	}
	if err := ring.Lock([]byte("x")); err != nil {
		t.Fatal(err)
	}
	_, err = p.Sign(t.Context(), []byte("data"))
	if slipway.KindOf(err) != slipway.Unavailable || !strings.Contains(err.Error(), "sign with "+public("ana").ID()+": the ssh-agent does not do it") ||
		slipway.FixOf(err) != "it may be locked, or somebody said no to its question" {
		t.Errorf("got %v\nfix %s", err, slipway.FixOf(err))
	}
}

// liar is an agent that signs other bytes.
type liar struct{ agent.Agent }

func (l liar) Sign(key ssh.PublicKey, _ []byte) (*ssh.Signature, error) {
	return l.Agent.Sign(key, []byte("other bytes"))
}

func TestAgentThatSignsOtherBytes(t *testing.T) {
	_, ring := newAgent(t, "ana")
	p, err := identity.Find(t.Context(), identity.Config{Agent: serve(t, liar{ring})}, policy(), "qa")
	if err != nil {
		t.Fatal(err)
	}
	if _, err = p.Sign(t.Context(), []byte("data")); err == nil || !strings.Contains(err.Error(), "its signature is not one by the key") {
		t.Errorf("got %v", err)
	}
}

// hanging is an agent whose person never answers.
type hanging struct {
	agent.Agent
	asked, done chan struct{}
}

func (h hanging) Sign(ssh.PublicKey, []byte) (*ssh.Signature, error) {
	close(h.asked)
	<-h.done
	return nil, errors.New("too late")
}

func TestCtrlCEndsTheWaitForTheAgent(t *testing.T) {
	_, ring := newAgent(t, "ana")
	h := hanging{ring, make(chan struct{}), make(chan struct{})}
	defer close(h.done)
	ctx, stop := context.WithCancel(t.Context())
	p, err := identity.Find(ctx, identity.Config{Agent: serve(t, h)}, policy(), "qa")
	if err != nil {
		t.Fatal(err)
	}
	go func() { <-h.asked; stop() }()
	if _, err := p.Sign(ctx, []byte("data")); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
