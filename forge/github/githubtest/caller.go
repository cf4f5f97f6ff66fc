package githubtest

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
)

// A caller is who calls, and what the call counts against.
type caller struct {
	session  session
	key      string
	resource string
	header   http.Header // of the answer
}

type callerKey struct{}

func withCaller(ctx context.Context, c caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

func callerOf(ctx context.Context) caller {
	c, _ := ctx.Value(callerKey{}).(caller)
	return c
}

// login is the caller's, as REST has it.
func (c caller) login() string {
	if c.session.app {
		return Slug + "[bot]"
	}
	return c.session.login
}

// signedByApp says whether a JSON web token is the app's and not too old, too young,
// or valid for longer than GitHub takes.
func (s *Server) signedByApp(token string) bool {
	parts := strings.Split(token, ".")
	claims, err := base64.RawURLEncoding.DecodeString(parts[1])
	signature, err2 := base64.RawURLEncoding.DecodeString(parts[2])
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if err != nil || err2 != nil || rsa.VerifyPKCS1v15(&s.key.PublicKey, crypto.SHA256, sum[:], signature) != nil {
		return false
	}
	var c struct {
		Iat, Exp int64
		Iss      string
	}
	now := s.Now().Unix()
	return json.Unmarshal(claims, &c) == nil && c.Iss == AppID && c.Iat <= now && now < c.Exp && c.Exp-c.Iat <= 600
}
