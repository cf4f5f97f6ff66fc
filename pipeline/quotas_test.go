package pipeline

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/ledger"
	"github.com/slipway-cd/slipway/ledger/object"
	"github.com/slipway-cd/slipway/manifest"
	"github.com/slipway-cd/slipway/policy"
	"github.com/slipway-cd/slipway/repository"
	"github.com/slipway-cd/slipway/repository/folder"
	"github.com/slipway-cd/slipway/repository/repositorytest"
	"github.com/slipway-cd/slipway/shape"
	"github.com/slipway-cd/slipway/store"
)

// A bank is one quota of 1 TB that apps in prod share, of which each worker takes 10
// GB, and a clock for all.
type bank struct {
	quota *policy.Quota
	now   atomic.Int64
}

func memoryQuota(t testing.TB, limit string) *policy.Quota {
	t.Helper()
	menu, err := shape.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	p, err := manifest.LoadPlatform("platform.yaml", []byte("slipway: v1\nenvironments:\n  prod: {runtime: glue, repository: /tmp/prod}\nquotas:\n  - {name: memory, environments: [prod], shapes: [glue-job], resource: run.workers * 10, unit: GB, limit: "+limit+"}\n"))
	if err != nil {
		t.Fatal(err)
	}
	quotas, err := p.Quotas(menu)
	if err != nil {
		t.Fatal(err)
	}
	return quotas[0]
}

func (b *bank) clock() time.Time { return noon().Add(time.Duration(b.now.Load())) }

func (b *bank) account(l ledger.Ledger) account {
	return account{quota: b.quota, chain: l, clock: b.clock, by: "test", ledgerOf: func(context.Context, string) (ledger.Ledger, error) { return l, nil }}
}

func targetOf(app string, workers int) slipway.Target {
	return slipway.Target{App: app, Environment: "prod", Version: "v1", Shape: "glue-job", Run: map[string]any{"workers": float64(workers)}}
}

// deploy does what a deployment does to the ledgers: it reserves, begins, ends and
// settles. Whatever comes into its chain before it begins makes it reserve again.
func (b *bank) deploy(ctx context.Context, l ledger.Ledger, app, id string, workers int) error {
	a, t := b.account(l), targetOf(app, workers)
	subject := ledger.Subject{App: app, Environment: "prod"}
	for {
		h, err := ledger.ReadHistory(ctx, l, subject)
		if err != nil {
			return err
		}
		if !h.Begun(id) {
			if err := a.reserve(ctx, t, id); err != nil {
				return err
			}
		}
		d := slipway.Deployment{ID: id, Number: int64(len(h.Deployments)) + 1, Plan: slipway.Plan{Target: t}}
		if h.Begun(id) {
			d.Number = h.Deployments[len(h.Deployments)-1].Number
		}
		begun, err := l.Append(ctx, ledger.Draft{Subject: subject, After: h.Head, ID: id + "/started", Kind: ledger.DeploymentStarted, Time: b.clock(), By: app, Body: d})
		if slipway.KindOf(err) == slipway.Conflict && err != nil {
			continue
		}
		if err != nil {
			return err
		}
		end := ledger.DeploymentEnd{Number: d.Number, State: slipway.Deployed}
		for after := begun.Number; ; after++ {
			_, err = l.Append(ctx, ledger.Draft{Subject: subject, After: after, ID: id + "/ended", Kind: ledger.DeploymentEnded, Time: b.clock(), By: app, Body: end})
			if slipway.KindOf(err) != slipway.Conflict || err == nil {
				break
			}
		}
		if err != nil {
			return err
		}
		return a.settle(ctx, subject, false)
	}
}

func (b *bank) remove(ctx context.Context, l ledger.Ledger, app string) error {
	subject := ledger.Subject{App: app, Environment: "prod"}
	h, err := ledger.ReadHistory(ctx, l, subject)
	if err != nil {
		return err
	}
	d, ok := h.Current()
	if !ok {
		return nil
	}
	if _, err := l.Append(ctx, ledger.Draft{Subject: subject, After: h.Head, ID: fmt.Sprint("remove/", d.Number), Kind: ledger.JobRemoved, Time: b.clock(), By: app, Body: ledger.Removal{Number: d.Number}}); err != nil {
		return err
	}
	return b.account(l).settle(ctx, subject, false)
}

// runs is what all jobs may hold by the apps' own chains, and how many apps run.
func (b *bank) runs(t interface {
	Helper()
	Fatal(args ...any)
}, l ledger.Ledger,
) (total slipway.Decimal, apps int) {
	t.Helper()
	subjects, err := l.Subjects(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range subjects {
		h, err := ledger.ReadHistory(context.Background(), l, s)
		if err != nil {
			t.Fatal(err)
		}
		n, err := b.account(l).running(h)
		if err != nil {
			t.Fatal(err)
		}
		total += n
		if n > 0 {
			apps++
		}
	}
	return total, apps
}

func folderRepo(t testing.TB) repository.Repository {
	t.Helper()
	r, err := folder.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// everyLedger runs a test on both kinds of ledger.
func everyLedger(t *testing.T, fn func(t *testing.T, open func() ledger.Ledger)) {
	t.Run("in a repository", func(t *testing.T) {
		r := folderRepo(t)
		fn(t, func() ledger.Ledger { return object.New(r, noon) })
	})
	t.Run("in SQL", func(t *testing.T) {
		s, err := store.Open(t.Context(), t.TempDir()+"/slipway.db", func(*store.Store) error { return nil })
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		fn(t, func() ledger.Ledger { return s.Ledger(noon) })
	})
}

// Of 100 who ask at once for 20 GB of 1 TB, exactly 50 get it.
func TestQuotaAdmitsExactlyWhatFits(t *testing.T) {
	everyLedger(t, func(t *testing.T, open func() ledger.Ledger) {
		b := &bank{quota: memoryQuota(t, "1000")}
		var admitted, refused atomic.Int64
		var all sync.WaitGroup
		for i := range 100 {
			all.Go(func() {
				err := b.deploy(t.Context(), open(), fmt.Sprintf("app-%d", i), fmt.Sprint("deployment-of-", i), 2)
				switch {
				case err == nil:
					admitted.Add(1)
				case slipway.KindOf(err) == slipway.Blocked:
					refused.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		all.Wait()
		total, apps := b.runs(t, open())
		if admitted.Load() != 50 || refused.Load() != 50 || apps != 50 || total != 1000_000_000 {
			t.Errorf("%d were let in and %d refused; %d run with %s GB", admitted.Load(), refused.Load(), apps, total)
		}
		use, err := b.account(open()).use(t.Context(), false)
		if err != nil || use.Held != 1000_000_000 || len(use.Holders) != 50 || use.Holders[0].Note != "" {
			t.Errorf("held is %+v, %v", use, err)
		}
		if err := b.deploy(t.Context(), open(), "late", "late", 1); err == nil || slipway.KindOf(err) != slipway.Blocked {
			t.Errorf("one more gets %v", err)
		}
		if err := b.remove(t.Context(), open(), use.Holders[0].App); err != nil {
			t.Fatal(err)
		}
		if err := b.deploy(t.Context(), open(), "late", "later", 2); err != nil {
			t.Errorf("after one was removed: %v", err)
		}
	})
}

// A killer is a repository whose process dies at the n-th write, before or after it.
func killer(r repository.Repository, nth int64, after bool, killed error) repository.Repository {
	var n atomic.Int64
	dead := func(write bool) error {
		if write && n.Add(1) >= nth || n.Load() >= nth {
			return killed
		}
		return nil
	}
	isWrite := func(method string) bool { return method == "Put" || method == "Swap" }
	f := &repositorytest.Faulty{Repository: r}
	if after {
		f.Before = func(method, _ string) error {
			if n.Load() >= nth {
				return killed
			}
			return nil
		}
		f.After = func(method, _ string) error { return dead(isWrite(method)) }
	} else {
		f.Before = func(method, _ string) error { return dead(isWrite(method)) }
	}
	return f
}

var errKilled = errors.New("killed")

// Of 100 who ask at once for 20 GB of 1 TB each dies at any write, up to three times.
// Some are called again, some never; in the end exactly 50 have it, and never was there
// more.
func TestQuotaWithKills(t *testing.T) {
	b := &bank{quota: memoryQuota(t, "1000")}
	r := folderRepo(t)
	fresh := func() ledger.Ledger { return object.New(r, noon) }
	var all sync.WaitGroup
	for i := range 100 {
		all.Go(func() {
			random := rand.New(rand.NewPCG(7, uint64(i)))
			app, id := fmt.Sprintf("app-%d", i), fmt.Sprintf("app-%d-0", i)
			for try := 1; try < 4; try++ {
				l := object.New(killer(r, 1+random.Int64N(8), random.IntN(2) == 0, errKilled), noon)
				err := b.deploy(context.Background(), l, app, id, 2)
				if err != nil && !errors.Is(err, errKilled) && slipway.KindOf(err) != slipway.Blocked {
					t.Errorf("%s: %v", app, err)
				}
				b.now.Add(int64(20 * time.Second))
				if random.IntN(2) == 0 {
					id = fmt.Sprintf("%s-%d", app, try) // somebody else tries another time
				}
				if i%5 != 0 {
					continue // to read what all have takes a while
				}
				if total, _ := b.runs(t, fresh()); total > b.quota.Limit {
					t.Errorf("%s GB may run, of %s", total, b.quota.Limit)
				}
			}
		})
	}
	all.Wait()
	b.now.Add(int64(time.Hour))
	for i := range 100 {
		err := b.deploy(t.Context(), fresh(), fmt.Sprintf("app-%d", i), fmt.Sprint("last-", i), 2)
		if err != nil && slipway.KindOf(err) != slipway.Blocked {
			t.Error(err)
		}
	}
	if total, apps := b.runs(t, fresh()); total != b.quota.Limit || apps != 50 {
		t.Errorf("in the end %d run with %s GB", apps, total)
	}
}

// Whatever a few apps do, killed at any write or not, there is never more than the
// quota, and after a while whoever fits is let in.
func TestQuotaProperties(t *testing.T) {
	quota := memoryQuota(t, "100")
	rapid.Check(t, func(rt *rapid.T) {
		b, r := &bank{quota: quota}, folderRepo(t)
		fresh := func() ledger.Ledger { return object.New(r, noon) }
		ids := 0
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			app := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(rt, "app")
			l := fresh()
			if nth := rapid.IntRange(0, 8).Draw(rt, "killed at"); nth > 0 {
				l = object.New(killer(r, int64(nth), rapid.Bool().Draw(rt, "after"), errKilled), noon)
			}
			b.now.Add(int64(rapid.IntRange(0, 90).Draw(rt, "seconds")) * int64(time.Second))
			var err error
			if rapid.IntRange(0, 4).Draw(rt, "what") == 0 {
				err = b.remove(context.Background(), l, app)
			} else {
				ids++
				err = b.deploy(context.Background(), l, app, fmt.Sprint("id-", ids), rapid.IntRange(1, 7).Draw(rt, "workers"))
			}
			if err != nil && !errors.Is(err, errKilled) && slipway.KindOf(err) != slipway.Blocked {
				rt.Fatal(err)
			}
			if total, _ := b.runs(rt, fresh()); total > quota.Limit {
				rt.Fatalf("%s GB may run", total)
			}
			state, err := b.account(fresh()).read(context.Background())
			if err != nil || state.Held() > quota.Limit {
				rt.Fatalf("%s GB are held, %v", state.Held(), err)
			}
		}
		for _, app := range []string{"a", "b", "c"} { // a deployment that was cut short ends when the next one does
			if err := b.remove(context.Background(), fresh(), app); err != nil {
				rt.Fatal(err)
			}
		}
		b.now.Add(int64(time.Hour))
		total, _ := b.runs(rt, fresh())
		free := int((quota.Limit - total) / 10_000_000)
		err := b.deploy(context.Background(), fresh(), "late", "late", free)
		if free > 0 && err != nil {
			rt.Fatalf("%d workers are free, and: %v", free, err)
		}
	})
}
