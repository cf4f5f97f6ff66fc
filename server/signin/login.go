package signin

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/slipway-cd/slipway"
)

// LoginConfig is what a command line needs to get a token from a server.
type LoginConfig struct {
	Server string // its address
	Name   string // who asks, such as ana@laptop; the person is shown it
	Show   func(address string)
	HTTP   *http.Client // nil: the usual one
}

// Login has a person sign in at a server with their browser, and returns the token
// that they allow. It waits for them until ctx is done.
func Login(ctx context.Context, c LoginConfig) (Granted, error) {
	server, err := ServerAddress(c.Server)
	if err != nil {
		return Granted{}, err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return Granted{}, slipway.Errorf(slipway.Unavailable, "cannot listen on this machine for the browser: %w", err)
	}
	verifier := rand.Text() + rand.Text()
	a := asking{Port: listener.Addr().(*net.TCPAddr).Port, Challenge: challengeOf(verifier), State: rand.Text(), Name: clean(c.Name)} //nolint:forcetypeassert // it listens on TCP
	codes := make(chan string, 1)
	h := &http.Server{Handler: receiver(a.State, codes), ReadHeaderTimeout: 10 * time.Second}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = h.Serve(listener) // it says that it was shut down
	}()
	defer func() { <-done }()
	defer func() {
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		if h.Shutdown(late) != nil {
			_ = h.Close() // a browser that holds on
		}
	}()
	c.Show(server + "/sign-in/command?" + a.values().Encode())
	select {
	case <-ctx.Done():
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return Granted{}, slipway.Errorf(slipway.Failed, "nobody signed in").WithFix("call it again, and open the address in a browser on this machine")
		}
		return Granted{}, ctx.Err()
	case code := <-codes:
		return c.collect(ctx, server, trade{Code: code, Verifier: verifier})
	}
}

// ServerAddress checks a server's address. A token goes over https, or stays on this
// machine.
func ServerAddress(address string) (string, error) {
	address = strings.TrimSuffix(address, "/")
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return "", slipway.Errorf(slipway.Invalid, "%q is not the address of a server", address).WithFix("such as https://slipway.example.com")
	}
	d := Door{Config: Config{URL: address}}
	if !d.secure() && !d.onThisMachine() {
		return "", slipway.Errorf(slipway.Invalid, "a token must not go to %s without encryption", address).WithFix("use https")
	}
	return address, nil
}

// clean makes a name of what the server takes.
func clean(name string) string {
	name = strings.Map(func(r rune) rune {
		if nameForm.MatchString(string(r)) {
			return r
		}
		return '-'
	}, name)
	if name == "" {
		return "somebody"
	}
	return name[:min(len(name), 80)]
}

// receiver takes the code that the browser brings.
func receiver(state string, codes chan<- string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		code := r.FormValue("code")
		if r.URL.Path != "/" || code == "" || subtle.ConstantTimeCompare([]byte(r.FormValue("state")), []byte(state)) != 1 {
			http.Error(w, "This is not what slipway login waits for.", http.StatusBadRequest)
			return
		}
		select {
		case codes <- code:
		default: // the page was loaded again
		}
		fmt.Fprintln(w, "You are signed in on the command line. You may close this page.")
	})
}

// collect trades the code for the token.
func (c LoginConfig) collect(ctx context.Context, server string, t trade) (Granted, error) {
	body, err := json.Marshal(t)
	if err != nil {
		return Granted{}, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, server+"/sign-in/command/token", bytes.NewReader(body))
	if err != nil {
		return Granted{}, err
	}
	r.Header.Set("Content-Type", "application/json")
	client := c.HTTP
	if client == nil {
		client = &http.Client{Timeout: 30 * time.Second}
	}
	answer, err := client.Do(r)
	if err != nil {
		return Granted{}, slipway.Errorf(slipway.Unavailable, "cannot reach %s: %w", server, err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, 64<<10))
	if err != nil {
		return Granted{}, slipway.Errorf(slipway.Unavailable, "cannot reach %s: %w", server, err)
	}
	var g Granted
	if answer.StatusCode != http.StatusOK || json.Unmarshal(text, &g) != nil || g.Token == "" {
		said, _, _ := strings.Cut(strings.TrimSpace(string(text)), "\n")
		return Granted{}, slipway.Errorf(slipway.Denied, "%s gives no token: %s", server, said).WithFix("slipway login %s", server)
	}
	return g, nil
}
