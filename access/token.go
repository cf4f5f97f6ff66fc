package access

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"hash/crc32"
	"math/big"
	"strings"
	"time"

	"github.com/slipway-cd/slipway"
)

// A token is slw_, 32 random bytes and a checksum, in base 62. The checksum lets
// who finds such text somewhere tell a token from an accident, without asking us.
// TokenPattern is what secret scanners look for.
const (
	TokenPrefix  = "slw_"
	TokenPattern = `slw_[0-9A-Za-z]{49}`
	secretDigits = 43 // of 32 bytes
	sumDigits    = 6  // of a CRC-32
)

// A Token is what is known of a token; the token itself is not kept.
type Token struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Owner string `json:"owner"` // a person
	// Teams are those that the identity provider said the owner was in, where the token
	// comes from a sign-in.
	Teams   []string  `json:"teams,omitempty"`
	Scopes  []Scope   `json:"scopes"`
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires"`
	By      string    `json:"by"`             // who made it
	Used    time.Time `json:"used,omitzero"`  // to the minute
	Ended   time.Time `json:"ended,omitzero"` // when it was revoked
	Hash    string    `json:"-"`              // SHA-256 of the token, in hex
}

// A TokenNote is what the ledger keeps of a token.
type TokenNote struct {
	ID     string  `json:"id"`
	Name   string  `json:"name"`
	Owner  string  `json:"owner"`
	Scopes []Scope `json:"scopes,omitempty"`
}

// NewSecret makes a token.
func NewSecret() string {
	var random [32]byte
	_, _ = rand.Read(random[:]) // it never fails
	body := base62(new(big.Int).SetBytes(random[:]), secretDigits)
	return TokenPrefix + body + checksum(body)
}

// CheckSecret says whether a text is formed like a token. Its error is of kind
// Denied and shows nothing of the text.
func CheckSecret(secret string) error {
	body, ok := strings.CutPrefix(secret, TokenPrefix)
	if !ok || len(body) != secretDigits+sumDigits {
		return slipway.Errorf(slipway.Denied, "that is not a token of Slipway").
			WithFix("a token begins with %s and has %d characters", TokenPrefix, len(TokenPrefix)+secretDigits+sumDigits)
	}
	if checksum(body[:secretDigits]) != body[secretDigits:] {
		return slipway.Errorf(slipway.Denied, "the token has a typing error, or is cut short").WithFix("copy it again")
	}
	return nil
}

// HashSecret is how a token is kept: its SHA-256, in hex. A token has 256 random
// bits, so that nothing slower is needed.
func HashSecret(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// Is reports whether a text is this token, in a time that says nothing.
func (t Token) Is(secret string) bool {
	return subtle.ConstantTimeCompare([]byte(t.Hash), []byte(HashSecret(secret))) == 1
}

// Good says whether the token may be used now. Its error is of kind Denied.
func (t Token) Good(now time.Time) error {
	switch {
	case !t.Ended.IsZero():
		return slipway.Errorf(slipway.Denied, "the token %s of %s was revoked on %s", t.Name, t.Owner, day(t.Ended)).WithFix("get another: slipway login, or slipway token create")
	case !now.Before(t.Expires):
		return slipway.Errorf(slipway.Denied, "the token %s of %s ended on %s", t.Name, t.Owner, day(t.Expires)).WithFix("get another: slipway login, or slipway token create")
	}
	return nil
}

// Identity is who comes with the token.
func (t Token) Identity() Identity {
	scopes := t.Scopes
	if scopes == nil {
		scopes = []Scope{} // a token that is good for nothing, not for everything
	}
	return Identity{Person: t.Owner, Teams: t.Teams, Token: t.Name, Scopes: scopes}
}

// Issue makes a token that somebody asks for, with the text that is shown once. One
// makes tokens for oneself, and owners of the platform for others. A token is never
// good for longer than the platform lets it, and an error says so.
func (p Policy) Issue(who Identity, t Token) (Token, string, error) {
	bad := func(format string, args ...any) *slipway.Error {
		return slipway.Errorf(slipway.Invalid, format, args...)
	}
	longest := p.Rules.Limits.Token
	if t.Expires.IsZero() {
		t.Expires = p.Now.Add(min(longest, 30*24*time.Hour))
	}
	_, known := p.Rules.People[t.Owner]
	switch {
	case t.Name == "" || strings.ContainsAny(t.Name, "\n\t"):
		return t, "", bad("a token needs a name of one line")
	case t.Owner == "" || !known && !p.Rules.open():
		return t, "", bad("the platform file has nobody called %q", t.Owner)
	case len(t.Scopes) == 0:
		return t, "", bad("say what the token is good for, such as deploy:traffic@prod").WithFix("all is everything that %s may", t.Owner)
	case !t.Expires.After(p.Now):
		return t, "", bad("a token needs an end that is still to come, not %s", day(t.Expires))
	case t.Expires.After(p.Now.Add(longest)):
		return t, "", bad("a token is good for %s at most", words(longest)).WithFix("the platform team keeps access.tokens.longest")
	case t.Owner != who.Person:
		if err := p.May(who, Admin, Object{}).Err(who, Admin, Object{}); err != nil {
			return t, "", err
		}
	}
	if who.Scopes != nil && !within(t.Scopes, who.Scopes) {
		return t, "", slipway.Errorf(slipway.Denied, "%s cannot make a token that is good for more than %s", who, JoinScopes(who.Scopes)).WithFix("sign in, or use a token with the scope all")
	}
	secret := NewSecret()
	t.ID, t.Created, t.By, t.Hash = NewID("token"), p.Now.UTC(), who.String(), HashSecret(secret)
	return t, secret, nil
}

// within reports whether each scope is one of bounds, or lies within one.
func within(all, bounds []Scope) bool {
	for _, s := range all {
		inside := false
		for _, b := range bounds {
			inside = inside || (b.Action == "" || b.Action == s.Action) && (b.App == "" || b.App == s.App) && (b.Environment == "" || b.Environment == s.Environment)
		}
		if !inside {
			return false
		}
	}
	return true
}

// words says a duration in days where it is whole days.
func words(d time.Duration) string {
	if days := d / (24 * time.Hour); d%(24*time.Hour) == 0 && days > 0 {
		if days == 1 {
			return "1 day"
		}
		return big.NewInt(int64(days)).String() + " days"
	}
	return d.String()
}

func checksum(body string) string {
	return base62(big.NewInt(int64(crc32.ChecksumIEEE([]byte(body)))), sumDigits)
}

// base62 writes a number in so many digits.
func base62(n *big.Int, digits int) string {
	text := n.Text(62) // 0-9, a-z, A-Z
	return strings.Repeat("0", digits-len(text)) + text
}
