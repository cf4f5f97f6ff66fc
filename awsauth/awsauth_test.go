package awsauth_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/awsauth"
	"github.com/slipway-cd/slipway/awsauth/awstest"
)

const (
	role   = "arn:aws:iam::123456789012:role/slipway-deploy"
	person = "arn:aws:iam::123456789012:user/ann"
)

func now() time.Time { return time.Now() }

func open(t *testing.T, o awsauth.Options) aws.Config {
	t.Helper()
	settings, err := awsauth.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return settings
}

// signIn gives the process ann's keys.
func signIn(t *testing.T) {
	t.Helper()
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIAANN")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "the-secret-key-of-ann")
}

// signOut takes keys away that the machine may have.
func signOut(t *testing.T) {
	t.Helper()
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"} {
		t.Setenv(name, "")
	}
}

func wantError(t *testing.T, err error, kind slipway.Kind, want, fix string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error; want %s", want)
	}
	if got := slipway.KindOf(err); got != kind {
		t.Errorf("the kind is %s, want %s", got, kind)
	}
	told := awsauth.Explain(err)
	if diff := cmp.Diff(want, told.Error()); diff != "" {
		t.Error("message:", diff)
	}
	if diff := cmp.Diff(fix, slipway.FixOf(told)); diff != "" {
		t.Error("fix:", diff)
	}
}

func TestCredentialsAsTheyAreFound(t *testing.T) {
	awstest.NewSTS(t, awstest.STSConfig{Clock: now, Callers: map[string]string{"AKIAANN": person}})
	signIn(t)
	who, err := awsauth.Check(t.Context(), open(t, awsauth.Options{Account: "123456789012"}))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(awsauth.Identity{Account: "123456789012", ARN: person}, who); diff != "" {
		t.Error(diff)
	}
}

func TestTheWrongAccount(t *testing.T) {
	fake := awstest.NewSTS(t, awstest.STSConfig{Clock: now, Callers: map[string]string{"AKIAANN": person}})
	signIn(t)
	_, err := awsauth.Check(t.Context(), open(t, awsauth.Options{Environment: "prod", Account: "210987654321"}))
	wantError(t, err, slipway.Unavailable,
		"these credentials are for account 123456789012 (arn:aws:iam::123456789012:user/ann), environment prod is account 210987654321",
		"sign in to account 210987654321, name a profile of it in AWS_PROFILE, or give the environment a `role:` in it")
	if diff := cmp.Diff([]string{"GetCallerIdentity"}, fake.Calls()); diff != "" {
		t.Error("something was signed with them:", diff)
	}
}

func TestTheAccountIsAskedOnce(t *testing.T) {
	fake := awstest.NewSTS(t, awstest.STSConfig{Clock: now, Callers: map[string]string{"AKIAANN": person}})
	signIn(t)
	settings := open(t, awsauth.Options{Account: "123456789012"})
	for range 3 {
		if _, err := settings.Credentials.Retrieve(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]string{"GetCallerIdentity"}, fake.Calls()); diff != "" {
		t.Error(diff)
	}
}

func TestAssumedRole(t *testing.T) {
	trust := `{"Statement": {"Effect": "Allow"}}` // a list is asked for, so this accepts nobody
	accepts := `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "` + person + `"}, "Action": "sts:AssumeRole"}]}`
	callers := map[string]string{"AKIAANN": person}
	t.Run("accepted", func(t *testing.T) {
		awstest.NewSTS(t, awstest.STSConfig{Clock: now, Callers: callers, Trust: map[string]string{role: accepts}})
		signIn(t)
		who, err := awsauth.Check(t.Context(), open(t, awsauth.Options{Account: "123456789012", Role: role, Session: "deploy of ann@laptop"}))
		if err != nil || who.ARN != "arn:aws:sts::123456789012:assumed-role/slipway-deploy/deploy-of-ann@laptop" {
			t.Errorf("the caller is %+v, %v", who, err)
		}
	})
	t.Run("refused", func(t *testing.T) {
		awstest.NewSTS(t, awstest.STSConfig{Clock: now, Callers: callers, Trust: map[string]string{role: trust}})
		signIn(t)
		_, err := awsauth.Check(t.Context(), open(t, awsauth.Options{Environment: "prod", Role: role}))
		wantError(t, err, slipway.Unavailable,
			person+" may not assume the role "+role+" for environment prod: "+
				"api error AccessDenied: User: "+person+" is not authorized to perform: sts:AssumeRole on resource: "+role,
			`let its policy have {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "`+role+"\"},\n"+
				`and the role's trust policy {"Effect": "Allow", "Principal": {"AWS": "`+person+`"}, "Action": "sts:AssumeRole"}`)
	})
	t.Run("had already", func(t *testing.T) {
		session := "arn:aws:sts::123456789012:assumed-role/slipway-deploy/earlier-step"
		awstest.NewSTS(t, awstest.STSConfig{Clock: now, Callers: map[string]string{"AKIAANN": session}})
		signIn(t)
		who, err := awsauth.Check(t.Context(), open(t, awsauth.Options{Role: "arn:aws:iam::123456789012:role/ci/slipway-deploy"}))
		if err != nil || who.ARN != session {
			t.Errorf("the caller is %+v, %v", who, err)
		}
	})
	t.Run("keys that nobody knows", func(t *testing.T) {
		awstest.NewSTS(t, awstest.STSConfig{Clock: now})
		signIn(t)
		_, err := awsauth.Check(t.Context(), open(t, awsauth.Options{Role: role}))
		wantError(t, err, slipway.Unavailable,
			"AWS does not know these credentials (InvalidClientTokenId: The security token included in the request is invalid.)",
			"sign in again, or correct AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, which belong together")
	})
}

func TestCredentialsAreRenewedBeforeTheyExpire(t *testing.T) {
	for lifetime, want := range map[time.Duration]int{4 * time.Minute: 3, time.Hour: 1} {
		fake := awstest.NewSTS(t, awstest.STSConfig{
			Clock: now, Lifetime: lifetime, Callers: map[string]string{"AKIAANN": person},
			Trust: map[string]string{role: `{"Statement": [{"Effect": "Allow", "Principal": {"AWS": ["` + person + `"]}, "Action": ["sts:AssumeRole"]}]}`},
		})
		signIn(t)
		settings := open(t, awsauth.Options{Role: role})
		for range 3 {
			if _, err := settings.Credentials.Retrieve(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if got := len(fake.Calls()); got != want {
			t.Errorf("credentials of %s were fetched %d times, want %d", lifetime, got, want)
		}
	}
}

func TestNoCredentials(t *testing.T) {
	awstest.NewSTS(t, awstest.STSConfig{Clock: now})
	signOut(t)
	_, err := awsauth.Check(t.Context(), open(t, awsauth.Options{Environment: "prod"}))
	wantError(t, err, slipway.Unavailable, "there are no AWS credentials for environment prod",
		"sign in (`aws sso login`), name a profile in AWS_PROFILE, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
}

// profile writes a shared configuration.
func profile(t *testing.T, text string) (home string) {
	t.Helper()
	home = t.TempDir()
	t.Setenv("HOME", home)
	file := filepath.Join(home, "config")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_CONFIG_FILE", file)
	return home
}

func TestAnExpiredSignInIsReadAndNotRenewed(t *testing.T) {
	for _, tt := range []struct{ command, profile, cache, session string }{
		{
			"aws sso login",
			"sso_session = s\nsso_account_id = 123456789012\nsso_role_name = dev\n[sso-session s]\nsso_start_url = https://example.awsapps.com/start\nsso_region = us-east-1\n",
			"sso/cache/a0f1490a20d0211c997b44bc357e1972deab8ae3.json", // SHA-1 of "s"
			`{"accessToken": "t", "expiresAt": "2020-01-01T00:00:00Z", "refreshToken": "r", "clientId": "c", "clientSecret": "s"}`,
		},
		{
			"aws login", "login_session = s\n",
			"login/cache/043a718774c572bd8a25adbeb1bfcd5c0256ae11cecf9f9c3f925d0e52beaf89.json", // SHA-256 of "s"
			`{"accessToken": {"accessKeyId": "a", "secretAccessKey": "b", "sessionToken": "c", "accountId": "123456789012", "expiresAt": "2020-01-01T00:00:00Z"},
				"refreshToken": "r", "clientId": "c", "dpopKey": "k"}`,
		},
	} {
		t.Run(tt.command, func(t *testing.T) {
			awstest.NewSTS(t, awstest.STSConfig{Clock: now})
			signOut(t)
			cache := filepath.Join(profile(t, "[profile work]\n"+tt.profile), ".aws", tt.cache)
			if err := os.MkdirAll(filepath.Dir(cache), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(cache, []byte(tt.session), 0o600); err != nil {
				t.Fatal(err)
			}
			fix := "sign in again: " + tt.command + " --profile work\nor, while the sign-in itself lasts, let the AWS CLI renew it: aws sts get-caller-identity --profile work"
			_, err := awsauth.Check(t.Context(), open(t, awsauth.Options{Environment: "prod", Profile: "work"}))
			wantError(t, err, slipway.Unavailable, "the AWS sign-in of profile work has expired for environment prod", fix)
			if got, err := os.ReadFile(cache); err != nil || string(got) != tt.session {
				t.Errorf("the sign-in was rewritten: %s, %v", got, err)
			}
			if files, err := filepath.Glob(filepath.Dir(cache) + "/*"); err != nil || len(files) != 1 {
				t.Errorf("there are new files: %v, %v", files, err)
			}
			if err := os.Remove(cache); err != nil {
				t.Fatal(err)
			}
			_, err = awsauth.Check(t.Context(), open(t, awsauth.Options{Profile: "work"}))
			wantError(t, err, slipway.Unavailable, "the AWS sign-in of profile work has expired", fix)
		})
	}
}

func TestSettingsThatCannotBeRight(t *testing.T) {
	awstest.NewSTS(t, awstest.STSConfig{Clock: now})
	profile(t, "[profile mfa]\nrole_arn = "+role+"\nsource_profile = base\nmfa_serial = arn:aws:iam::123456789012:mfa/ann\n"+
		"[profile base]\naws_access_key_id = a\naws_secret_access_key = b\n[profile broken]\ncredential_process = false\n")
	for _, tt := range []struct {
		name      string
		options   awsauth.Options
		kind      slipway.Kind
		want, fix string
	}{
		{
			"account",
			awsauth.Options{Environment: "prod", Account: "12345"},
			slipway.Invalid,
			`"12345" cannot be an AWS account for environment prod`, `write its twelve digits, as text: account: "123456789012"`,
		},
		{
			"role",
			awsauth.Options{Role: "slipway-deploy"},
			slipway.Invalid,
			`"slipway-deploy" cannot be the ARN of a role`, "write it as arn:aws:iam::123456789012:role/slipway-deploy",
		},
		{
			"role of another account",
			awsauth.Options{Environment: "prod", Account: "210987654321", Role: role},
			slipway.Invalid,
			"the role " + role + " is in account 123456789012, and environment prod is account 210987654321",
			"correct `role:`, `plan_role:` or `account:` of the environment in platform.yaml",
		},
		{
			"profile",
			awsauth.Options{Profile: "none"},
			slipway.Unavailable, "there is no AWS profile none",
			"correct AWS_PROFILE; `aws configure list-profiles` shows those there are, and `aws configure sso --profile none` makes it",
		},
		{
			"second factor",
			awsauth.Options{Profile: "mfa"},
			slipway.Unavailable,
			"the AWS profile mfa asks for a code of a second factor, for which Slipway does not ask",
			"sign in with `aws sso login`, or set the keys that `aws sts get-session-token --serial-number ... --token-code ...` gives",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := awsauth.Open(t.Context(), tt.options)
			wantError(t, err, tt.kind, tt.want, tt.fix)
		})
	}
	t.Run("process", func(t *testing.T) {
		_, err := awsauth.Check(t.Context(), open(t, awsauth.Options{Profile: "broken"}))
		if err == nil || !strings.HasPrefix(err.Error(), "the credential_process of profile broken gives no credentials: ") ||
			slipway.FixOf(err) != "run that command, and correct it" {
			t.Errorf("got %v, %s", err, slipway.FixOf(err))
		}
	})
	t.Run("region", func(t *testing.T) {
		t.Setenv("AWS_REGION", "")
		t.Setenv("AWS_DEFAULT_REGION", "")
		_, err := awsauth.Open(t.Context(), awsauth.Options{Environment: "prod"})
		wantError(t, err, slipway.Unavailable, "no AWS region is known for environment prod", "write `region:` into the environment in platform.yaml, or set AWS_REGION")
	})
}

// An answering server gives every request the same answer.
func answering(t *testing.T, status int, code, message string) (calls *int) {
	t.Helper()
	awstest.NewSTS(t, awstest.STSConfig{Clock: now})
	calls = new(int)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		*calls++
		w.WriteHeader(status)
		_, _ = w.Write([]byte("<ErrorResponse><Error><Code>" + code + "</Code><Message>" + message + "</Message></Error></ErrorResponse>"))
	}))
	t.Cleanup(server.Close)
	t.Setenv("AWS_ENDPOINT_URL_STS", server.URL)
	signIn(t)
	return calls
}

func TestExplain(t *testing.T) {
	for _, tt := range []struct{ code, want, fix string }{
		{"ExpiredToken", "the AWS credentials have expired (ExpiredToken: no)", "sign in again (`aws sso login`), or get new keys"},
		{"SignatureDoesNotMatch", "the AWS secret key does not belong to the access key (SignatureDoesNotMatch: no)", "correct AWS_SECRET_ACCESS_KEY"},
		{"RequestExpired", "this machine's clock is wrong (RequestExpired: no)", "set it, best from a time server, and call again"},
	} {
		answering(t, http.StatusForbidden, tt.code, "no")
		_, err := awsauth.Check(t.Context(), open(t, awsauth.Options{}))
		wantError(t, err, slipway.Unavailable, tt.want, tt.fix)
	}
	if err := awsauth.Explain(nil); err != nil {
		t.Errorf("nothing is explained as %v", err)
	}
	if err := awsauth.Explain(context.Canceled); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled call is explained as %v", err)
	}
}

func TestUnreachable(t *testing.T) {
	awstest.NewSTS(t, awstest.STSConfig{Clock: now})
	closed := httptest.NewServer(nil)
	closed.Close()
	t.Setenv("AWS_ENDPOINT_URL_STS", closed.URL)
	signIn(t)
	settings := open(t, awsauth.Options{})
	settings.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	_, err := awsauth.Check(t.Context(), settings)
	if err == nil || !strings.HasPrefix(err.Error(), "AWS cannot be reached: ") ||
		slipway.FixOf(err) != "see that this machine is connected, that the region exists and that the endpoint is right, then call again" {
		t.Errorf("got %v; %s", err, slipway.FixOf(err))
	}
}

func TestCallsAreRepeatedWithALimit(t *testing.T) {
	calls := answering(t, http.StatusInternalServerError, "InternalFailure", "again")
	settings := open(t, awsauth.Options{})
	retryer := settings.Retryer()
	if got := retryer.MaxAttempts(); got != 5 {
		t.Errorf("a call is tried %d times", got)
	}
	settings.Retryer = func() aws.Retryer { return quick{retryer} }
	if _, err := awsauth.Check(t.Context(), settings); err == nil || *calls != 5 {
		t.Errorf("%d calls, %v", *calls, err)
	}
}

// quick repeats without pauses.
type quick struct{ aws.Retryer }

func (quick) RetryDelay(int, error) (time.Duration, error) { return 0, nil }

func TestErrorsOfTheSDKAreMasked(t *testing.T) {
	const leak = "The canonical string was x-amz-security-token:c2Vzc2lvbi10b2tlbi1vZi1hbm4= and key the-secret-key-of-ann, " +
		"https://b.s3.amazonaws.com/k?X-Amz-Credential=AKIAANN%2F2026&amp;X-Amz-Signature=0123456789abcdef0123&amp;x=1, token eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln"
	answering(t, http.StatusBadRequest, "IncompleteSignature", leak)
	settings := open(t, awsauth.Options{})
	_, raw := sts.NewFromConfig(settings).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	_, told := awsauth.Check(t.Context(), settings)
	for _, err := range []error{raw, told} {
		for _, secret := range []string{"c2Vzc2lv", "the-secret-key-of-ann", "0123456789abcdef", "eyJhbGci", "AKIAANN%2F"} {
			if strings.Contains(err.Error(), secret) {
				t.Errorf("%s shows in %v", secret, err)
			}
		}
		if !strings.Contains(err.Error(), "x-amz-security-token:*** and key ***, https://b.s3.amazonaws.com/k?X-Amz-Credential=***&X-Amz-Signature=***&x=1, token ***") {
			t.Errorf("too much is hidden in %v", err)
		}
	}
}
