package awsauth

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/slipway-cd/slipway"
)

// The issuer and the audience of the tokens that AWS accepts from GitHub Actions.
const (
	Issuer   = "token.actions.githubusercontent.com"
	Audience = "sts.amazonaws.com"
)

// tokenTries is how often GitHub is asked; it answers 5xx now and then.
const tokenTries = 3

// A github is the GitHub Actions run in which this process is, if it is in one.
type github struct {
	runs        bool   // this is a run of GitHub Actions
	url, bearer string // where a token is had; empty: this run gets none
	repository  string
	event       string // which started the run
	payload     string // file with the event's data
	client      aws.HTTPClient
}

func githubOf(o Options) github {
	v := variables(o.Environ)
	g := github{
		runs: v["GITHUB_ACTIONS"] == "true", url: v["ACTIONS_ID_TOKEN_REQUEST_URL"], bearer: v["ACTIONS_ID_TOKEN_REQUEST_TOKEN"],
		repository: v["GITHUB_REPOSITORY"], event: v["GITHUB_EVENT_NAME"], payload: v["GITHUB_EVENT_PATH"], client: o.HTTPClient,
	}
	if g.client == nil {
		g.client = &http.Client{Timeout: 10 * time.Second}
	}
	return g
}

// attests reports whether GitHub says who this run is.
func (g github) attests() bool { return g.url != "" && g.bearer != "" }

// token asks GitHub for a token that says which run this is.
func (g github) token(ctx context.Context, s *secrets) (string, error) {
	s.learn(g.bearer)
	var err error
	for range tokenTries {
		var token string
		var again bool
		token, again, err = g.ask(ctx)
		if err == nil {
			s.learn(token)
			return token, nil
		}
		if !again || ctx.Err() != nil {
			break
		}
	}
	return "", slipway.Errorf(slipway.Unavailable, "GitHub gives this run no id-token: %w", err).
		WithFix("see that the workflow's job has `permissions: {id-token: write, contents: read}`; if it has, run it again")
}

// ask asks once, and says of a failure whether asking again may help.
func (g github) ask(ctx context.Context) (token string, again bool, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, g.url+"&audience="+Audience, nil)
	if err != nil {
		return "", false, err
	}
	request.Header.Set("Authorization", "Bearer "+g.bearer)
	request.Header.Set("Accept", "application/json; api-version=2.0")
	response, err := g.client.Do(request)
	if err != nil {
		return "", true, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return "", true, err
	}
	if response.StatusCode != http.StatusOK {
		return "", response.StatusCode >= http.StatusInternalServerError, fmt.Errorf("it answers %s", response.Status)
	}
	var answer struct{ Value string }
	if err := json.Unmarshal(body, &answer); err != nil || answer.Value == "" {
		return "", false, errors.New("its answer is no token")
	}
	return answer.Value, false, nil
}

// whyNoToken says why GitHub attests nothing about this run, and what to do.
func (g github) whyNoToken() (why, fix string) {
	if g.fromFork() {
		return "this run is for a pull request from a fork, to which GitHub gives no id-token",
			"deploy from a branch of " + g.repository + " itself; runs for forks get no credentials, so that a stranger's change cannot use them"
	}
	return "this GitHub Actions run has no id-token", "give the workflow's job `permissions: {id-token: write, contents: read}`"
}

// fromFork reports whether the run is for a pull request of another repository's.
func (g github) fromFork() bool {
	if g.event != "pull_request" || g.payload == "" {
		return false
	}
	data, err := os.ReadFile(g.payload)
	if err != nil {
		return false
	}
	var event struct {
		PullRequest struct {
			Head struct {
				Repo struct {
					FullName string `json:"full_name"`
				} `json:"repo"`
			} `json:"head"`
		} `json:"pull_request"`
	}
	if err := json.Unmarshal(data, &event); err != nil {
		return false
	}
	// The head of a fork that was deleted since has no name.
	return event.PullRequest.Head.Repo.FullName != g.repository
}

// Claims are what a token of GitHub Actions says about a run.
type Claims struct {
	Subject     string   `json:"sub"`
	Audience    audience `json:"aud"`
	Repository  string   `json:"repository"`
	Ref         string   `json:"ref"`
	Environment string   `json:"environment"`
	Event       string   `json:"event_name"`
	Workflow    string   `json:"job_workflow_ref"`
	Expires     int64    `json:"exp"`
}

// ClaimsOf reads the claims of a token. It does not verify them: they are for
// explaining to its own bearer why AWS refused it.
func ClaimsOf(token string) (Claims, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return Claims{}, fmt.Errorf("a token has three parts, this one %d", len(parts))
	}
	data, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return Claims{}, fmt.Errorf("decode the token's claims: %w", err)
	}
	var c Claims
	if err := json.Unmarshal(data, &c); err != nil {
		return Claims{}, fmt.Errorf("decode the token's claims: %w", err)
	}
	return c, nil
}

// String lists the claims that a trust policy may ask for.
func (c Claims) String() string {
	said := []string{"sub " + c.Subject, "aud " + strings.Join(c.Audience, ", "), "repository " + c.Repository, "ref " + c.Ref}
	if c.Environment == "" {
		return strings.Join(append(said, "no environment"), "; ")
	}
	return strings.Join(append(said, "environment "+c.Environment), "; ")
}

// trustLine is the condition of a trust policy that accepts these claims, and no
// others.
func (c Claims) trustLine() string {
	condition := map[string]map[string]string{"StringEquals": {Issuer + ":aud": Audience, Issuer + ":sub": c.Subject}}
	data, err := json.Marshal(condition)
	if err != nil {
		return ""
	}
	return `"Condition": ` + string(data)
}

// An audience is one text or a list of them.
type audience []string

// UnmarshalJSON implements json.Unmarshaler.
func (a *audience) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*a = audience{one}
		return nil
	}
	var many []string
	err := json.Unmarshal(data, &many)
	*a = many
	return err
}

func variables(environ []string) map[string]string {
	v := make(map[string]string, len(environ))
	for _, kv := range environ {
		name, value, _ := strings.Cut(kv, "=")
		v[name] = value
	}
	return v
}
