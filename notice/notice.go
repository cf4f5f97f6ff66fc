// Package notice tells people that something is wrong, and that it is right again:
// by webhook, Slack or e-mail. Start at Sender.
package notice

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/wneessen/go-mail"

	"github.com/slipway-cd/slipway"
)

// A Message is what people are told.
type Message struct {
	ID          string    `json:"id"`   // the same however often it is sent
	Kind        string    `json:"kind"` // failed, recovered
	App         string    `json:"app"`
	Environment string    `json:"environment"`
	Team        string    `json:"team,omitempty"`
	Run         string    `json:"run"`
	State       string    `json:"state"` // of the run
	Version     string    `json:"version"`
	Text        string    `json:"text,omitempty"` // why, with the cell of the notebook
	URL         string    `json:"url,omitempty"`  // where more is to be seen
	Time        time.Time `json:"time"`
}

// Title is the message in one line.
func (m Message) Title() string {
	switch m.Kind {
	case Recovered:
		return fmt.Sprintf("%s in %s is well again: run %s succeeded", m.App, m.Environment, m.Run)
	default:
		return fmt.Sprintf("%s in %s: run %s %s", m.App, m.Environment, m.Run, m.State)
	}
}

// The kinds of messages.
const (
	Failed    = "failed"
	Recovered = "recovered"
)

// body is the message as people read it.
func (m Message) body() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n", m.Title())
	if m.Text != "" {
		fmt.Fprintf(&b, "%s\n\n", strings.TrimSpace(m.Text))
	}
	fmt.Fprintf(&b, "version %s, %s\n", m.Version, m.Time.UTC().Format("2006-01-02 15:04:05 MST"))
	if m.URL != "" {
		fmt.Fprintf(&b, "%s\n", m.URL)
	}
	return b.String()
}

// A Target is one way to somebody. One of its members is set.
type Target struct {
	Webhook string   `json:"webhook,omitempty"`
	Slack   string   `json:"slack,omitempty"` // an incoming webhook
	Email   []string `json:"email,omitempty"`
}

// A Sender sends messages.
type Sender struct {
	HTTP *http.Client
	Mail *Mail  // nil: there is no way to send e-mail
	Sign string // what webhooks are signed with; empty: they are not
}

// Mail is the server that takes e-mail.
type Mail struct {
	Host     string
	Port     int
	User     string // empty: without signing in
	Password string
	From     string
	Insecure bool // without TLS, for a server on the same machine
}

// Send sends a message to a target. It may be called again for the same message:
// a webhook can tell by its id.
func (s Sender) Send(ctx context.Context, to Target, m Message) error {
	switch {
	case to.Slack != "":
		return s.post(ctx, to.Slack, map[string]any{"text": slackText(m.body())}, m)
	case to.Webhook != "":
		return s.post(ctx, to.Webhook, m, m)
	case len(to.Email) > 0:
		return s.mail(ctx, to.Email, m)
	}
	return slipway.Errorf(slipway.Invalid, "there is no way to send the message to")
}

// slackText escapes what Slack takes for its own marks.
func slackText(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
}

// post sends a webhook.
func (s Sender) post(ctx context.Context, to string, body any, m Message) error {
	data, err := json.Marshal(body)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(data))
	if err != nil {
		return slipway.Errorf(slipway.Invalid, "the address of a webhook is wrong: %w", hidden(err, to))
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "slipway")
	r.Header.Set("Slipway-Message", m.ID)
	if s.Sign != "" {
		mac := hmac.New(sha256.New, []byte(s.Sign))
		mac.Write(data)
		r.Header.Set("Slipway-Signature", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	}
	answer, err := s.HTTP.Do(r)
	if err != nil {
		return slipway.Errorf(slipway.Unavailable, "a webhook cannot be sent: %w", hidden(err, to))
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 64<<10)) // so that the connection can be used again
	switch {
	case answer.StatusCode < 300:
		return nil
	case answer.StatusCode == http.StatusTooManyRequests, answer.StatusCode >= 500:
		return slipway.Errorf(slipway.Unavailable, "%s answers a webhook with %s", host(to), answer.Status)
	}
	return slipway.Errorf(slipway.Failed, "%s refuses a webhook: %s", host(to), answer.Status).WithFix("look at its address in calls of the platform file")
}

// host is as much of an address as may be told: the rest is often a secret.
func host(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return "the receiver"
	}
	return u.Host
}

// hidden is an error without the address, which net/http puts into its errors.
func hidden(err error, address string) error {
	text := strings.ReplaceAll(err.Error(), address, "https://"+host(address)+"/...")
	if text == err.Error() {
		return err
	}
	return fmt.Errorf("%s", text)
}

// mail sends an e-mail.
func (s Sender) mail(ctx context.Context, to []string, m Message) error {
	if s.Mail == nil {
		return slipway.Errorf(slipway.Invalid, "there is no server for e-mail").WithFix("set server.mail in the platform file, or call people by webhook or slack")
	}
	msg := mail.NewMsg()
	if err := msg.From(s.Mail.From); err != nil {
		return slipway.Errorf(slipway.Invalid, "server.mail.from: %w", err)
	}
	if err := msg.To(to...); err != nil {
		return slipway.Errorf(slipway.Invalid, "an e-mail address: %w", err)
	}
	msg.Subject(m.Title())
	msg.SetMessageIDWithValue(m.ID + "@slipway")
	msg.SetBodyString(mail.TypeTextPlain, m.body())
	options := []mail.Option{mail.WithTLSPortPolicy(mail.TLSMandatory), mail.WithPort(s.Mail.Port)}
	if s.Mail.Insecure {
		options = append(options, mail.WithTLSPolicy(mail.NoTLS))
	}
	if s.Mail.User != "" {
		options = append(options, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(s.Mail.User), mail.WithPassword(s.Mail.Password))
	}
	c, err := mail.NewClient(s.Mail.Host, options...)
	if err != nil {
		return slipway.Errorf(slipway.Invalid, "server.mail: %w", err)
	}
	if err := c.DialAndSendWithContext(ctx, msg); err != nil {
		return slipway.Errorf(slipway.Unavailable, "an e-mail cannot be sent by %s: %w", s.Mail.Host, err)
	}
	return nil
}
