// Package gluetest is an AWS Glue for tests, with the CloudWatch Logs that its
// runs write to: an HTTP server in the test's own process, spoken to with the real
// SDK. It shows what an emulator cannot: a call that acts and then fails, a run that
// ends badly, throttling, reads that lag behind, somebody else at the console, and
// members that the SDK does not know yet.
//
// Begin with New and Config. Then Fault makes calls go wrong, Lag makes reads late,
// Meanwhile lets somebody else act between two calls, Console is that somebody's
// way in, Progress, Start and Finish move runs, Print writes their logs, and Calls
// and Effects say what happened.
//
// What is known of the real Glue is in the comments of the rules. Where nothing is
// known, the fake does the simplest thing and its comment says "assumed".
package gluetest

import (
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// Region and Account are where everything of a Fake is.
const (
	Region  = "us-east-1"
	Account = "123456789012"
)

// A Fake is a Glue of one account and region. It may be used concurrently.
type Fake struct {
	// URL is where it answers, for the AWS CLI and others without Config.
	URL string

	server *httptest.Server
	done   chan struct{}

	mu        sync.Mutex
	clock     func() time.Time
	ahead     time.Duration
	world     *world
	lags      map[string]int
	past      []past
	calls     []Call
	fault     func(Call) Outcome
	meanwhile func(Call)
}

// New starts a Fake that ends with the test. Its clock shows a fixed time that only
// Advance moves.
func New(t testing.TB) *Fake {
	t.Helper()
	start := time.Date(2026, time.January, 5, 9, 0, 0, 0, time.UTC)
	f := &Fake{
		done:  make(chan struct{}),
		clock: func() time.Time { return start },
		world: newWorld(),
		lags:  map[string]int{},
	}
	f.server = httptest.NewServer(f)
	f.URL = f.server.URL
	t.Cleanup(func() {
		close(f.done)
		f.server.Close()
	})
	return f
}

// Config is how the SDK reaches the fake. Attempts are as many as by default, but
// no time passes between them.
func (f *Fake) Config() aws.Config { return f.config(f.URL) }

// Console is how somebody else reaches the fake: these calls meet no faults and no
// lags, and are not recorded.
func (f *Fake) Console() aws.Config { return f.config(f.URL + console) }

func (f *Fake) config(url string) aws.Config {
	return aws.Config{
		Region:       Region,
		BaseEndpoint: &url,
		Credentials:  credentials.NewStaticCredentialsProvider("test", "test", ""),
		HTTPClient:   f.server.Client(),
		Retryer: func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) {
				o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
			})
		},
	}
}

// SetClock makes the fake read the time from a clock of the test's own.
func (f *Fake) SetClock(now func() time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.clock, f.ahead = now, 0
}

// Advance moves the fake's time on.
func (f *Fake) Advance(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ahead += d
}

// Now is the fake's time.
func (f *Fake) Now() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now()
}

func (f *Fake) now() time.Time { return f.clock().Add(f.ahead) }

// PageMost limits every page of every list to so many items, whatever the caller
// asks for, as AWS may at any time. Zero lifts the limit.
func (f *Fake) PageMost(items int) {
	f.change(func(w *world) { w.most = items })
}

// Lag makes reads late: for so many reads of an operation after each effect, the
// operation answers as if the effect had not been yet. Without names it holds for
// every reading operation. Each operation counts its own reads, as each may ask
// another replica.
func (f *Fake) Lag(reads int, ops ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for name, op := range operations {
		if !op.writes && (len(ops) == 0 || slices.Contains(ops, name)) {
			f.lags[name] = reads
		}
	}
}

// Meanwhile sets what happens between two calls: the hook runs after the effect of
// each call and before its answer. It may use the fake and Console, and end the
// caller's context.
func (f *Fake) Meanwhile(hook func(Call)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.meanwhile = hook
}

// change changes the world at the fake's time.
func (f *Fake) change(do func(*world)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.world.now = f.now()
	do(f.world)
}
