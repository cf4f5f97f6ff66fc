package signin

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/access"
	"github.com/slipway-cd/slipway/store"
)

// A person lets a command line act for them: it listens on a port of their machine,
// sends their browser here with a challenge, and trades the code that comes back for
// a token. Only who knows what the challenge was made of can do that.

const pendingCommand = "command"

// asking is what a command line asks with.
type asking struct {
	Port      int
	Challenge string
	State     string
	Name      string
}

var (
	challengeForm = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)
	stateForm     = regexp.MustCompile(`^[A-Za-z0-9_-]{16,128}$`)
	nameForm      = regexp.MustCompile(`^[A-Za-z0-9@._-]{1,80}$`)
)

func readAsking(r *http.Request) (asking, error) {
	port, err := strconv.Atoi(r.FormValue("port"))
	a := asking{Port: port, Challenge: r.FormValue("challenge"), State: r.FormValue("state"), Name: r.FormValue("name")}
	if err != nil || port < 1 || port > 65535 || !challengeForm.MatchString(a.Challenge) || !stateForm.MatchString(a.State) || !nameForm.MatchString(a.Name) {
		return a, slipway.Errorf(slipway.Invalid, "that is not how a command line asks").WithFix("slipway login, of the same version as this server")
	}
	return a, nil
}

func (a asking) values() url.Values {
	return url.Values{"port": {strconv.Itoa(a.Port)}, "challenge": {a.Challenge}, "state": {a.State}, "name": {a.Name}}
}

// listener is where the command line listens.
func (a asking) listener() string { return "http://127.0.0.1:" + strconv.Itoa(a.Port) }

// askCommand asks the person.
func (d *Door) askCommand(w http.ResponseWriter, r *http.Request) error {
	a, err := readAsking(r)
	if err != nil {
		return err
	}
	s, signedIn := d.signedIn(r)
	if !signedIn {
		http.Redirect(w, r, "/sign-in?to="+url.QueryEscape("/sign-in/command?"+a.values().Encode()), http.StatusFound)
		return nil
	}
	// A browser holds the redirect behind the form against the policy too.
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; form-action 'self' "+a.listener())
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	var fields strings.Builder
	for name, value := range a.values() {
		fmt.Fprintf(&fields, `<input type="hidden" name="%s" value="%s">`, name, html.EscapeString(value[0]))
	}
	fmt.Fprintf(w, askPage, html.EscapeString(s.Person), html.EscapeString(a.Name), fields.String())
	return nil
}

const askPage = `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Slipway: sign in on the command line</title>
<body style="font: 16px/1.5 system-ui, sans-serif; max-width: 34rem; margin: 4rem auto; padding: 0 1rem">
<h1 style="font-size: 1.25rem">Let the command line act for %s?</h1>
<p>Somebody at <strong>%s</strong> ran <code>slipway login</code>. If that was you, allow it; else close this page.</p>
<form method="post" action="/sign-in/command">%s<button style="font: inherit; padding: .5rem 1rem">Allow</button></form>
</body></html>
`

// signedIn says whose browser it is.
func (d *Door) signedIn(r *http.Request) (access.Session, bool) {
	cookie, err := r.Cookie(d.cookieName(sessionCookie))
	if err != nil {
		return access.Session{}, false
	}
	s, err := d.session(r.Context(), cookie.Value)
	return s, err == nil
}

// allowed is what a code stands for.
type allowed struct {
	Person    string   `json:"person"`
	Teams     []string `json:"teams"`
	Challenge string   `json:"challenge"`
	Name      string   `json:"name"`
}

// allowCommand sends the code to the command line. The person's browser was on our
// own page: page refuses forms of other sites.
func (d *Door) allowCommand(w http.ResponseWriter, r *http.Request) error {
	a, err := readAsking(r)
	if err != nil {
		return err
	}
	s, signedIn := d.signedIn(r)
	if !signedIn {
		return slipway.Errorf(slipway.Denied, "your session has ended").WithFix("slipway login %s", d.URL)
	}
	code, now := rand.Text(), d.Clock()
	in := allowed{Person: s.Person, Teams: s.Teams, Challenge: a.Challenge, Name: a.Name}
	if err := d.Store.Begin(r.Context(), pendingCommand, code, in, now, now.Add(time.Minute)); err != nil {
		return err
	}
	http.Redirect(w, r, a.listener()+"/?"+url.Values{"code": {code}, "state": {a.State}}.Encode(), http.StatusSeeOther)
	return nil
}

// trade is what a command line sends for its token, and Granted what it gets.
type trade struct {
	Code     string `json:"code"`
	Verifier string `json:"verifier"`
}

// Granted is a token that a command line got.
type Granted struct {
	Token   string    `json:"token"`
	Name    string    `json:"name"`
	Person  string    `json:"person"`
	Expires time.Time `json:"expires"`
}

// giveToken trades a code for a token.
func (d *Door) giveToken(w http.ResponseWriter, r *http.Request) error {
	var in trade
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		return slipway.Errorf(slipway.Invalid, "that is not how a command line asks: %w", err)
	}
	var a allowed
	now := d.Clock()
	fresh, err := d.Store.Take(r.Context(), pendingCommand, in.Code, now, &a)
	if err != nil {
		return err
	}
	if !fresh || subtle.ConstantTimeCompare([]byte(challengeOf(in.Verifier)), []byte(a.Challenge)) != 1 {
		return slipway.Errorf(slipway.Denied, "the code was used already, is too old, or was not meant for this command").WithFix("slipway login %s", d.URL)
	}
	p, err := d.Policy(r.Context())
	if err != nil {
		return err
	}
	life := min(p.Rules.Limits.SignedIn, p.Rules.Limits.Token)
	t, secret, err := p.Issue(access.Identity{Person: a.Person, Teams: a.Teams}, access.Token{
		Name: "login " + a.Name + " " + strings.ToLower(rand.Text()[:6]), Owner: a.Person, Teams: a.Teams, Scopes: []access.Scope{{}}, Expires: now.Add(life),
	})
	if err != nil {
		return err
	}
	ctx := r.Context()
	if err := d.Store.Change(ctx, func(tx *store.Tx) error { return tx.AddToken(ctx, t) }); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(Granted{Token: secret, Name: t.Name, Person: t.Owner, Expires: t.Expires.UTC()})
}

// challengeOf is what a verifier was the secret of (RFC 7636, S256).
func challengeOf(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
