package awstest

import (
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// An STS is AWS's token service with trust policies that are enforced, unlike moto's.
type STS struct {
	URL string

	github *GitHub // the OIDC provider that the account knows; nil: none
	trust  map[string]string
	clock  func() time.Time
	life   time.Duration

	mu      sync.Mutex
	callers map[string]string // access key to ARN
	calls   []string
}

// An STSConfig says what an STS knows.
type STSConfig struct {
	GitHub   *GitHub           // the account's OIDC provider; nil: it has none
	Trust    map[string]string // a role's ARN to its trust policy, as JSON
	Callers  map[string]string // an access key to the ARN of whose it is
	Clock    func() time.Time
	Lifetime time.Duration // of the credentials it gives; none: an hour
}

// NewSTS starts an STS, and sets the variables with which the SDK finds it and finds
// nothing of this machine's own settings.
func NewSTS(t testing.TB, c STSConfig) *STS {
	t.Helper()
	s := &STS{github: c.GitHub, trust: c.Trust, clock: c.Clock, life: c.Lifetime, callers: map[string]string{}}
	if s.life == 0 {
		s.life = time.Hour
	}
	maps.Copy(s.callers, c.Callers)
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	s.URL = server.URL
	isolate(t)
	t.Setenv("AWS_ENDPOINT_URL_STS", s.URL)
	t.Setenv("AWS_REGION", Region)
	return s
}

// Calls lists the actions that were called, in order.
func (s *STS) Calls() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string{}, s.calls...)
}

// A refusal is an error of AWS's Query protocol.
type refusal struct {
	status        int
	code, message string
}

func (r *refusal) Error() string { return r.code + ": " + r.message }

// ServeHTTP implements http.Handler.
func (s *STS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	action := r.PostForm.Get("Action")
	s.mu.Lock()
	s.calls = append(s.calls, action)
	s.mu.Unlock()
	result, refused := s.act(action, r)
	w.Header().Set("Content-Type", "text/xml")
	if refused != nil {
		w.WriteHeader(refused.status)
		fmt.Fprintf(w, "<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error></ErrorResponse>", refused.code, escape(refused.message))
		return
	}
	fmt.Fprintf(w, "<%[1]sResponse><%[1]sResult>%[2]s</%[1]sResult></%[1]sResponse>", action, result)
}

func (s *STS) act(action string, r *http.Request) (string, *refusal) {
	role, session := r.PostForm.Get("RoleArn"), r.PostForm.Get("RoleSessionName")
	switch action {
	case "AssumeRoleWithWebIdentity":
		if refused := s.checkToken(role, r.PostForm.Get("WebIdentityToken")); refused != nil {
			return "", refused
		}
		return s.credentials(role, session), nil
	case "AssumeRole":
		caller, refused := s.caller(r)
		if refused != nil {
			return "", refused
		}
		if !trusts(s.trust[role], request{action: "sts:AssumeRole", principal: "AWS", name: plain(caller)}) {
			return "", &refusal{http.StatusForbidden, "AccessDenied", "User: " + caller + " is not authorized to perform: sts:AssumeRole on resource: " + role}
		}
		return s.credentials(role, session), nil
	case "GetCallerIdentity":
		caller, refused := s.caller(r)
		if refused != nil {
			return "", refused
		}
		return fmt.Sprintf("<Arn>%s</Arn><UserId>AIDA</UserId><Account>%s</Account>", caller, strings.Split(caller, ":")[4]), nil
	}
	return "", &refusal{http.StatusBadRequest, "InvalidAction", "Could not find operation " + action}
}

// checkToken checks a token as AWS does: who signed it, for whom, until when, and
// whether the role's trust policy accepts it.
func (s *STS) checkToken(role, token string) *refusal {
	bad := func(message string) *refusal {
		return &refusal{http.StatusBadRequest, "InvalidIdentityToken", message}
	}
	if s.github == nil {
		return bad("No OpenIDConnect provider found in your account for https://token.actions.githubusercontent.com")
	}
	jwks, err := s.github.published()
	if err != nil {
		return &refusal{http.StatusBadRequest, "IDPCommunicationError", err.Error()}
	}
	claims, err := verify(token, jwks)
	switch {
	case err != nil:
		return bad("Couldn't verify the signature of the token: " + err.Error())
	case claims["aud"] != "sts.amazonaws.com":
		return bad("Incorrect token audience")
	case int64(claims["exp"].(float64)) <= s.clock().Unix():
		return &refusal{http.StatusBadRequest, "ExpiredTokenException", "Token expired: current date/time must be before the expiration date/time"}
	}
	provider := "arn:aws:iam::" + strings.Split(role+"::::", ":")[4] + ":oidc-provider/token.actions.githubusercontent.com"
	if !trusts(s.trust[role], request{action: "sts:AssumeRoleWithWebIdentity", principal: "Federated", name: provider, claims: claims}) {
		return &refusal{http.StatusForbidden, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity"}
	}
	return nil
}

func (g *GitHub) published() ([]byte, error) {
	response, err := http.Get(g.url + "/.well-known/jwks") //nolint:noctx // of a test, to itself
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	return io.ReadAll(response.Body)
}

// credentials makes those of a role's session.
func (s *STS) credentials(role, session string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := fmt.Sprintf("ASIA%012d", len(s.callers))
	arn := strings.Replace(plain(role), ":iam:", ":sts:", 1)
	s.callers[key] = strings.Replace(arn, ":role/", ":assumed-role/", 1) + "/" + session
	return fmt.Sprintf("<Credentials><AccessKeyId>%s</AccessKeyId><SecretAccessKey>secret-of-%s</SecretAccessKey>"+
		"<SessionToken>session-of-%s</SessionToken><Expiration>%s</Expiration></Credentials><AssumedRoleUser><Arn>%s</Arn></AssumedRoleUser>",
		key, key, key, s.clock().Add(s.life).UTC().Format(time.RFC3339), s.callers[key])
}

// caller is who signed a request. The signature itself is the SDK's business.
func (s *STS) caller(r *http.Request) (string, *refusal) {
	key := signer.FindStringSubmatch(r.Header.Get("Authorization"))
	s.mu.Lock()
	defer s.mu.Unlock()
	if key == nil || s.callers[key[1]] == "" {
		return "", &refusal{http.StatusForbidden, "InvalidClientTokenId", "The security token included in the request is invalid."}
	}
	return s.callers[key[1]], nil
}

var (
	signer  = regexp.MustCompile(`Credential=(\w+)/`)
	rolePat = regexp.MustCompile(`:role/(?:.*/)?([^/]+)$`)
	session = regexp.MustCompile(`^(arn:[^:]*):sts:(:\d+):assumed-role/([^/]+)/.*$`)
)

// plain is an ARN without a role's path; of a session, that of its role.
func plain(arn string) string {
	return rolePat.ReplaceAllString(session.ReplaceAllString(arn, "$1:iam:$2:role/$3"), ":role/$1")
}

func escape(text string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(text))
	return b.String()
}
