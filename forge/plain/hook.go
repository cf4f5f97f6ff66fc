package plain

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/forge"
)

// A Hook is what a repository does after a push.
type Hook struct {
	Program    string // slipway, by its whole path
	Server     string // URL that takes the webhooks of this forge
	Repository string // as the forge calls it
	SecretFile string // holds the secret, readable by who pushes
}

// ours is in every hook of ours, and in no other.
const ours = "# slipway tells its server of pushes"

// Text is the hook, a script of the shell. A push never fails on its account: what
// the server is not told, it finds by asking.
func (h Hook) Text() string {
	return fmt.Sprintf(`#!/bin/sh
%s; see docs/forges.md
%s hook tell --url %s --repository %s --secret-file %s >/dev/null </dev/null ||
	echo "slipway: the server was not told of this push; it will find it by itself" >&2
exit 0
`, ours, quote(h.Program), quote(h.Server), quote(h.Repository), quote(h.SecretFile))
}

// quote makes one word of the shell.
func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// Install puts the hook into a bare repository, or brings it up to date. A hook that
// somebody else wrote stays.
func Install(dir string, h Hook) error {
	if !isBare(dir) {
		return slipway.Errorf(slipway.Invalid, "%s is no bare git repository", dir).WithFix("make one: git init --bare %s", dir)
	}
	file := filepath.Join(dir, "hooks", "post-receive")
	old, err := os.ReadFile(file)
	switch {
	case err == nil && !bytes.Contains(old, []byte(ours)):
		return slipway.Errorf(slipway.Conflict, "%s has a hook of its own: %s", dir, file).
			WithFix("add these lines to it:\n%s", h.Text())
	case err == nil && string(old) == h.Text():
		return nil
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	next := file + ".new"
	if err := os.WriteFile(next, []byte(h.Text()), 0o755); err != nil { //nolint:gosec // git runs it
		return err
	}
	return os.Rename(next, file)
}

// The headers of a delivery, as https://www.standardwebhooks.com describes them.
const (
	headerID        = "Webhook-Id"
	headerTime      = "Webhook-Timestamp"
	headerSignature = "Webhook-Signature"
)

// oldest is how far the time of a delivery may be from ours.
const oldest = 5 * time.Minute

// A push is the body of a delivery.
type push struct {
	Type       string `json:"type"`
	Repository string `json:"repository"`
}

// Tell tells a server of a push. The caller may call it again; the server takes what
// it hears for no more than a hint.
func Tell(ctx context.Context, client *http.Client, address, secret, repository string, now time.Time) error {
	body, err := json.Marshal(push{"push", repository})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return slipway.Errorf(slipway.Invalid, "%q is not a URL", address)
	}
	req.Header = Sign(rand.Text(), now, secret, body)
	req.Header.Set("Content-Type", "application/json")
	answer, err := client.Do(req)
	if err != nil {
		return slipway.Errorf(slipway.Unavailable, "the server cannot be reached: %w", err).WithFix("it finds the push by itself when it is back")
	}
	defer answer.Body.Close()
	said, _ := io.ReadAll(io.LimitReader(answer.Body, 1000)) // for the message
	switch {
	case answer.StatusCode == http.StatusUnauthorized:
		return slipway.Errorf(slipway.Denied, "the server does not believe the hook: %s", bytes.TrimSpace(said)).
			WithFix("give hook and server the same secret, and the machine the right time")
	case answer.StatusCode >= http.StatusMultipleChoices:
		return slipway.Errorf(slipway.Unavailable, "the server answers %s: %s", answer.Status, bytes.TrimSpace(said)).
			WithFix("check the URL; the server finds the push by itself")
	}
	return nil
}

// Sign makes the headers of a delivery.
func Sign(id string, at time.Time, secret string, body []byte) http.Header {
	stamp := strconv.FormatInt(at.Unix(), 10)
	header := http.Header{}
	header.Set(headerID, id)
	header.Set(headerTime, stamp)
	header.Set(headerSignature, "v1,"+base64.StdEncoding.EncodeToString(signature(id, stamp, secret, body)))
	return header
}

func signature(id, stamp, secret string, body []byte) []byte {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(id + "." + stamp + "."))
	mac.Write(body)
	return mac.Sum(nil)
}

// Hear verifies what Tell sends. One that is too old, or from the future, is not
// believed, so that nobody keeps one for later.
func (f *Forge) Hear(header http.Header, body []byte) (forge.Delivery, error) {
	if f.config.Secret == "" {
		return forge.Delivery{}, slipway.Errorf(slipway.Denied, "no hook is believed: no secret is set for them").
			WithFix("set the same secret here and in the hook")
	}
	given, ok := strings.CutPrefix(header.Get(headerSignature), "v1,")
	got, err := base64.StdEncoding.DecodeString(given)
	if !ok || err != nil {
		return forge.Delivery{}, slipway.Errorf(slipway.Denied, "a webhook has no signature").WithFix("set the secret in the hook as well")
	}
	id, stamp := header.Get(headerID), header.Get(headerTime)
	if !hmac.Equal(got, signature(id, stamp, f.config.Secret, body)) {
		return forge.Delivery{}, slipway.Errorf(slipway.Denied, "a webhook has a wrong signature").WithFix("set the same secret here and in the hook")
	}
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if off := f.config.Clock().Sub(time.Unix(seconds, 0)); err != nil || off > oldest || off < -oldest {
		return forge.Delivery{}, slipway.Errorf(slipway.Denied, "a webhook is of another time: %s", time.Unix(seconds, 0).UTC().Format(time.RFC3339)).
			WithFix("set the clocks of both machines right: it may be no more than five minutes off")
	}
	var p push
	if id == "" {
		return forge.Delivery{}, slipway.Errorf(slipway.Invalid, "a webhook has no Webhook-Id")
	}
	if err := json.Unmarshal(body, &p); err != nil {
		return forge.Delivery{}, slipway.Errorf(slipway.Invalid, "a webhook cannot be read: %w", err)
	}
	d := forge.Delivery{ID: id, Event: p.Type}
	if p.Type == "push" && repositoryName.MatchString(p.Repository) {
		d.Hints = []forge.Hint{{Repository: p.Repository}}
	}
	return d, nil
}
