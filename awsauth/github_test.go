package awsauth_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/awsauth"
	"github.com/slipway-cd/slipway/awsauth/awstest"
)

// accepting is a trust policy for subjects of GitHub.
func accepting(subjects ...string) string {
	return `{"Version": "2012-10-17", "Statement": [{
		"Effect": "Allow",
		"Principal": {"Federated": "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"},
		"Action": "sts:AssumeRoleWithWebIdentity",
		"Condition": {"StringEquals": {
			"token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
			"token.actions.githubusercontent.com:sub": ["` + strings.Join(subjects, `", "`) + `"]
		}}
	}]}`
}

const (
	mainBranch = "repo:octo/app:ref:refs/heads/main"
	withIDs    = "repo:octo@12/app@345:environment:prod"
)

func onMain() awstest.Workflow {
	return awstest.Workflow{Subject: mainBranch, Repository: "octo/app", Ref: "refs/heads/main", Event: "push"}
}

// with changes the run on the main branch.
func with(change func(*awstest.Workflow)) awstest.Workflow {
	w := onMain()
	change(&w)
	return w
}

func TestGitHubRunsAssumeTheRole(t *testing.T) {
	for name, run := range map[string]awstest.Workflow{
		"branch": onMain(),
		"environment, with ids": with(func(w *awstest.Workflow) {
			w.Subject, w.Environment = withIDs, "prod"
		}),
	} {
		t.Run(name, func(t *testing.T) {
			github := awstest.NewGitHub(t, now, run)
			fake := awstest.NewSTS(t, awstest.STSConfig{Clock: now, GitHub: github, Trust: map[string]string{role: accepting(mainBranch, withIDs)}})
			signOut(t)
			who, err := awsauth.Check(t.Context(), open(t, awsauth.Options{Account: "123456789012", Role: role, Environ: github.Environ()}))
			if err != nil || who.ARN != "arn:aws:sts::123456789012:assumed-role/slipway-deploy/slipway-github-4711" {
				t.Errorf("the caller is %+v, %v", who, err)
			}
			if diff := cmp.Diff([]string{"AssumeRoleWithWebIdentity", "GetCallerIdentity"}, fake.Calls()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

const seen = "\nthe run presented: "

func TestGitHubRunsThatAreRefused(t *testing.T) {
	refused := "the role " + role + " is refused to this GitHub Actions run for environment prod: "
	line := func(subject string) string {
		return `"Condition": {"StringEquals":{"token.actions.githubusercontent.com:aud":"sts.amazonaws.com","token.actions.githubusercontent.com:sub":"` + subject + `"}}`
	}
	const whole = "\n`slipway aws policy` prints the whole trust policy; upper and lower case matter"
	const denied = "it does not exist, or its trust policy does not accept the run (AccessDenied: Not authorized to perform sts:AssumeRoleWithWebIdentity)"
	const inEnvironment = "\nor run the job in the GitHub environment that the role accepts (`environment:` in the workflow)"
	main := "sub " + mainBranch + "; aud sts.amazonaws.com; repository octo/app; ref refs/heads/main; no environment"
	expired := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		name      string
		run       awstest.Workflow
		trust     map[string]string
		clock     func() time.Time
		want, fix string
	}{
		{
			name: "wrong branch",
			run: with(func(w *awstest.Workflow) {
				w.Subject, w.Ref = "repo:octo/app:ref:refs/heads/idea", "refs/heads/idea"
			}),
			want: denied + seen + "sub repo:octo/app:ref:refs/heads/idea; aud sts.amazonaws.com; repository octo/app; ref refs/heads/idea; no environment",
			fix:  "if this run is to have the role, its trust policy needs exactly\n" + line("repo:octo/app:ref:refs/heads/idea") + inEnvironment + whole,
		},
		{
			name: "a fork's own run",
			run:  with(func(w *awstest.Workflow) { w.Subject, w.Repository = "repo:eve/app:ref:refs/heads/main", "eve/app" }),
			want: denied + seen + "sub repo:eve/app:ref:refs/heads/main; aud sts.amazonaws.com; repository eve/app; ref refs/heads/main; no environment",
			fix:  "if this run is to have the role, its trust policy needs exactly\n" + line("repo:eve/app:ref:refs/heads/main") + inEnvironment + whole,
		},
		{
			name: "another case of letters",
			run:  with(func(w *awstest.Workflow) { w.Subject, w.Environment = "repo:Octo/app:environment:prod", "prod" }),
			want: denied + seen + "sub repo:Octo/app:environment:prod; aud sts.amazonaws.com; repository octo/app; ref refs/heads/main; environment prod",
			fix:  "if this run is to have the role, its trust policy needs exactly\n" + line("repo:Octo/app:environment:prod") + whole,
		},
		{
			name: "pull request",
			run: with(func(w *awstest.Workflow) {
				w.Subject, w.Ref, w.Event = "repo:octo/app:pull_request", "refs/pull/7/merge", "pull_request"
			}),
			want: denied + seen + "sub repo:octo/app:pull_request; aud sts.amazonaws.com; repository octo/app; ref refs/pull/7/merge; no environment",
			fix: "deploy from a branch or in a GitHub environment that the role accepts; this line would accept every pull request of the repository:\n" +
				line("repo:octo/app:pull_request") + whole,
		},
		{
			name: "unknown role", run: onMain(), trust: map[string]string{},
			want: denied + seen + main,
			fix:  "if this run is to have the role, its trust policy needs exactly\n" + line(mainBranch) + inEnvironment + whole,
		},
		{
			name: "wrong audience", run: with(func(w *awstest.Workflow) { w.Audience = "https://github.com/octo" }),
			want: "the token is for another audience (InvalidIdentityToken: Incorrect token audience)" + seen + strings.Replace(main, "sts.amazonaws.com", "https://github.com/octo", 1),
			fix:  "let the account's OIDC provider for token.actions.githubusercontent.com have the audience sts.amazonaws.com, which `slipway aws bootstrap` does",
		},
		{
			name: "expired", run: with(func(w *awstest.Workflow) { w.Lifetime = -time.Minute }), clock: func() time.Time { return expired },
			want: "the token had expired at 2026-11-22T11:59:00Z, and here it is 2026-11-22T12:00:00Z (ExpiredTokenException: " +
				"Token expired: current date/time must be before the expiration date/time)" + seen + main,
			fix: "run it again; if it stays so, the clock of the machine that runs it is wrong",
		},
		{
			name: "wrong signature", run: with(func(w *awstest.Workflow) { w.Forged = true }),
			want: "the token is not one of GitHub's (InvalidIdentityToken: Couldn't verify the signature of the token: crypto/rsa: verification error)" + seen + main,
			fix:  "see who answers at ACTIONS_ID_TOKEN_REQUEST_URL, and that the account's OIDC provider is for https://token.actions.githubusercontent.com",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.clock == nil {
				tt.clock = now
			}
			if tt.trust == nil {
				tt.trust = map[string]string{role: accepting(mainBranch, "repo:octo/app:environment:prod", withIDs)}
			}
			github := awstest.NewGitHub(t, tt.clock, tt.run)
			fake := awstest.NewSTS(t, awstest.STSConfig{Clock: tt.clock, GitHub: github, Trust: tt.trust})
			signOut(t)
			_, err := awsauth.Check(t.Context(), open(t, awsauth.Options{Environment: "prod", Role: role, Environ: github.Environ(), Clock: tt.clock}))
			wantError(t, err, slipway.Unavailable, refused+tt.want, tt.fix)
			if diff := cmp.Diff([]string{"AssumeRoleWithWebIdentity"}, fake.Calls()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAnAccountThatDoesNotKnowGitHub(t *testing.T) {
	github := awstest.NewGitHub(t, now, onMain())
	awstest.NewSTS(t, awstest.STSConfig{Clock: now})
	_, err := awsauth.Check(t.Context(), open(t, awsauth.Options{Role: role, Environ: github.Environ()}))
	wantError(t, err, slipway.Unavailable, "the role "+role+" is refused to this GitHub Actions run: account 123456789012 does not know GitHub "+
		"(InvalidIdentityToken: No OpenIDConnect provider found in your account for https://token.actions.githubusercontent.com)"+
		seen+"sub "+mainBranch+"; aud sts.amazonaws.com; repository octo/app; ref refs/heads/main; no environment",
		"make an OIDC provider for https://token.actions.githubusercontent.com with the audience sts.amazonaws.com, which `slipway aws bootstrap` does")
}

func TestRunsWithoutAToken(t *testing.T) {
	event := func(head string) string {
		file := filepath.Join(t.TempDir(), "event.json")
		if err := os.WriteFile(file, []byte(`{"pull_request": {"head": {"repo": `+head+`}}}`), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	const noToken = "there are no AWS credentials for environment prod: this GitHub Actions run has no id-token"
	const allow = "give the workflow's job `permissions: {id-token: write, contents: read}`"
	const fork = "there are no AWS credentials for environment prod: this run is for a pull request from a fork, to which GitHub gives no id-token"
	const here = "deploy from a branch of octo/app itself; runs for forks get no credentials, so that a stranger's change cannot use them"
	for _, tt := range []struct{ name, event, payload, want, fix string }{
		{"push", "push", "", noToken, allow},
		{"pull request", "pull_request", event(`{"full_name": "octo/app"}`), noToken, allow},
		{"fork", "pull_request", event(`{"full_name": "eve/app"}`), fork, here},
		{"fork that is gone", "pull_request", event(`null`), fork, here},
		{"no payload", "pull_request", "/nonexistent", noToken, allow},
	} {
		t.Run(tt.name, func(t *testing.T) {
			awstest.NewSTS(t, awstest.STSConfig{Clock: now})
			signOut(t)
			environ := []string{"GITHUB_ACTIONS=true", "GITHUB_REPOSITORY=octo/app", "GITHUB_EVENT_NAME=" + tt.event, "GITHUB_EVENT_PATH=" + tt.payload}
			_, err := awsauth.Check(t.Context(), open(t, awsauth.Options{Environment: "prod", Role: role, Environ: environ}))
			wantError(t, err, slipway.Unavailable, tt.want, tt.fix)
		})
	}
}

func TestGitHubThatGivesNoToken(t *testing.T) {
	const fix = "see that the workflow's job has `permissions: {id-token: write, contents: read}`; if it has, run it again"
	for _, tt := range []struct {
		name   string
		status int
		body   string
		want   string
		calls  int
	}{
		{"forbidden", http.StatusForbidden, "", "GitHub gives this run no id-token: it answers 403 Forbidden", 1},
		{"down", http.StatusBadGateway, "", "GitHub gives this run no id-token: it answers 502 Bad Gateway", 3},
		{"something else", http.StatusOK, "<html>", "GitHub gives this run no id-token: its answer is no token", 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			awstest.NewSTS(t, awstest.STSConfig{Clock: now})
			calls := 0
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				calls++
				w.WriteHeader(tt.status)
				_, _ = w.Write([]byte(tt.body))
			}))
			t.Cleanup(server.Close)
			environ := []string{"ACTIONS_ID_TOKEN_REQUEST_URL=" + server.URL + "?a=b", "ACTIONS_ID_TOKEN_REQUEST_TOKEN=secret-of-the-run"}
			_, err := awsauth.Check(t.Context(), open(t, awsauth.Options{Role: role, Environ: environ}))
			wantError(t, err, slipway.Unavailable, tt.want, fix)
			if calls != tt.calls {
				t.Errorf("GitHub was asked %d times, want %d", calls, tt.calls)
			}
		})
	}
}

// STS quotes the token in some of its answers.
func TestTheTokenIsNotShown(t *testing.T) {
	github := awstest.NewGitHub(t, now, onMain())
	awstest.NewSTS(t, awstest.STSConfig{Clock: now, GitHub: github})
	var token string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		token = r.PostForm.Get("WebIdentityToken")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte("<ErrorResponse><Error><Code>ValidationError</Code><Message>what is " + token + "?</Message></Error></ErrorResponse>"))
	}))
	t.Cleanup(server.Close)
	t.Setenv("AWS_ENDPOINT_URL_STS", server.URL)
	_, err := open(t, awsauth.Options{Role: role, Environ: github.Environ()}).Credentials.Retrieve(t.Context())
	if token == "" || err == nil {
		t.Fatalf("the token is %q, the error %v", token, err)
	}
	for ; err != nil; err = errors.Unwrap(err) {
		told, isTold := errors.AsType[*slipway.Error](err)
		answer, isAnswer := errors.AsType[smithy.APIError](err)
		switch {
		case isTold && strings.Contains(told.Message, token), isAnswer && strings.Contains(answer.ErrorMessage(), token):
			t.Errorf("the token shows in %T", err)
		}
		if !isTold {
			break // what is below is the SDK's, which callers see through its interface alone
		}
	}
}

func FuzzClaimsOf(f *testing.F) {
	f.Add("e30.eyJzdWIiOiJyZXBvOm8vcjpyZWY6eCIsImF1ZCI6WyJhIiwiYiJdfQ.x")
	f.Add("a.b")
	f.Add("..")
	f.Fuzz(func(t *testing.T, token string) {
		c, err := awsauth.ClaimsOf(token)
		if err == nil && strings.Count(token, ".") != 2 {
			t.Errorf("%q is read as %s", token, c)
		}
	})
}
