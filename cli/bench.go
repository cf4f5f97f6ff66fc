package cli

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/server"
	"github.com/slipway-cd/slipway/server/client"
	"github.com/slipway-cd/slipway/store"
)

type benchCommand struct {
	For    time.Duration `name:"for" placeholder:"TIME" default:"30s" help:"How long, up to 10m. Default: 30s."`
	Rate   int           `placeholder:"N" default:"20" help:"How many decisions a second it asks for, up to 1000. Default: 20."`
	Chains int           `name:"apps" placeholder:"N" default:"100" help:"Over how many apps they are spread, which there are not. Of one app the server decides one at a time. Default: 100."`
}

// Help implements kong.HelpProvider.
func (benchCommand) Help() string {
	return `Measures a server, or all that share a database, while they work: how soon decisions are begun, how long each takes until it
is written, how soon those who watch hear of it, and how soon the API answers. The decisions are about no app and at no forge, come
where no other work waits, and are removed at the end; what a killed one leaves the server removes after a day. It asks for no more
while a few seconds' worth of them are open. It takes an owner of the platform.

Raise --rate until the decisions a second stay behind: that is what the installation can do, beside what it does already.

Example: slipway bench --server https://slipway.example.com --for 1m --rate 100

` + exitHelp
}

// A benchReport is what was measured.
type benchReport struct {
	Server    string               `json:"server"`
	Rate      int                  `json:"rate"` // that was asked for
	Asked     int                  `json:"asked"`
	Decided   int64                `json:"decided"`
	Heard     int                  `json:"heard"`
	PerSecond float64              `json:"decided_per_second"`
	Begun     server.Spread        `json:"begun"`
	Took      server.Spread        `json:"took"`
	Told      server.Spread        `json:"told"` // by the clock of this machine
	Apps      server.Spread        `json:"read_apps"`
	Jobs      server.Spread        `json:"read_jobs"`
	Processes []server.ProbeWorker `json:"processes"`
}

// Run implements the command.
func (c *benchCommand) Run(s *session) error {
	at, err := s.needServer()
	if err != nil {
		return err
	}
	switch {
	case c.For < time.Second || c.For > 10*time.Minute:
		return slipway.Errorf(slipway.Invalid, "--for is %s: it is from 1s to 10m", c.For)
	case c.Rate < 1 || c.Rate > 1000:
		return slipway.Errorf(slipway.Invalid, "--rate is %d: it is from 1 to 1000", c.Rate)
	case c.Chains < 1 || c.Chains > 10_000:
		return slipway.Errorf(slipway.Invalid, "--apps is %d: it is from 1 to 10000", c.Chains)
	}
	b := &bench{benchCommand: *c, at: at, clock: s.env.Clock, space: "bench-" + randomName(), asked: map[int64]time.Time{}, heard: map[int64]time.Time{}}
	s.talk.say("measuring %s for %s, with %s a second", at.URL, slipway.DurationText(c.For), plural(int64(c.Rate), "decision", "decisions"))
	report, err := b.measure(s.ctx)
	clear, cancel := context.WithTimeout(context.WithoutCancel(s.ctx), 30*time.Second)
	defer cancel()
	if wrong := at.DropProbes(clear, b.space); wrong != nil && err == nil {
		s.talk.say("the server did not remove what was decided, and will do so in a day: %v", wrong)
	}
	if err != nil {
		return err
	}
	if err := s.showBench(report); err != nil {
		return err
	}
	if err := b.whole(report); err != nil {
		return err
	}
	s.talk.say("%.1f decisions a second; none is lost, and none is there twice", report.PerSecond)
	return nil
}

// randomName is a name that nobody else has.
func randomName() string {
	b := make([]byte, 4)
	_, _ = rand.Read(b) // it never fails
	return hex.EncodeToString(b)
}

// A bench measures a server once.
type bench struct {
	benchCommand
	at    *client.Client
	clock func() time.Time
	space string

	mu         sync.Mutex
	asked      map[int64]time.Time // by job
	heard      map[int64]time.Time
	apps, jobs []time.Duration // that the API took
	probes     server.Probes
}

// measure measures, and waits for what was asked for.
func (b *bench) measure(ctx context.Context) (benchReport, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	g, ctx := errgroup.WithContext(ctx)
	open := make(chan struct{})
	g.Go(func() error {
		return b.at.Follow(ctx, server.ProbeSubject(b.space), func() { close(open) }, b.hear)
	})
	g.Go(func() error {
		defer stop()
		select {
		case <-open:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		both, while := errgroup.WithContext(ctx)
		end := b.clock().Add(b.For)
		both.Go(func() error { return b.ask(while, end) })
		both.Go(func() error { return b.read(while, end) })
		if err := both.Wait(); err != nil {
			return err
		}
		return b.settle(ctx)
	})
	if err := g.Wait(); err != nil {
		return benchReport{}, err
	}
	return b.report(), nil
}

// hear notes when an event of a decision came.
func (b *bench) hear(e store.Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e.Kind == server.ProbeDecided {
		b.heard[e.Job] = b.clock()
	}
}

// openSeconds is of how many seconds the decisions may be open; then no more are asked for.
const openSeconds = 3

// ask asks for decisions until a time, a fifth of a second's at once.
func (b *bench) ask(ctx context.Context, end time.Time) error {
	began := b.clock()
	most := min(max(openSeconds*b.Rate, 10), 500)
	for made := 0; b.clock().Before(end); {
		due := int(b.clock().Sub(began).Seconds()*float64(b.Rate)) - made
		made += due
		if n := min(due, most-b.open(), b.Rate); n > 0 { // those that were due and not asked for are not made up for
			if err := b.askFor(ctx, n); err != nil {
				return err
			}
		}
		if err := client.Pause(ctx, time.Second/5); err != nil {
			return err
		}
	}
	return nil
}

// open is how many decisions were not heard of yet.
func (b *bench) open() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.asked) - len(b.heard)
}

func (b *bench) askFor(ctx context.Context, n int) error {
	now := b.clock()
	jobs, err := b.at.AskProbes(ctx, b.space, server.ProbeRequest{Count: n, Chains: b.Chains})
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, id := range jobs {
		b.asked[id] = now
	}
	return err
}

// read reads from the API until a time, as people and pages do.
func (b *bench) read(ctx context.Context, end time.Time) error {
	const page = 100
	for b.clock().Before(end) {
		began := b.clock()
		if _, err := b.at.AppsPage(ctx, page); err != nil {
			return err
		}
		between := b.clock()
		if _, err := b.at.Jobs(ctx, "", page); err != nil {
			return err
		}
		b.apps, b.jobs = append(b.apps, between.Sub(began)), append(b.jobs, b.clock().Sub(between))
		if err := client.Pause(ctx, time.Second/4); err != nil {
			return err
		}
	}
	return nil
}

// settle waits until all that was asked for is decided, and was heard of; not for ever,
// for a proxy may hold the events back.
func (b *bench) settle(ctx context.Context) error {
	for end := b.clock().Add(time.Minute); ; {
		var err error
		if b.probes, err = b.at.Probes(ctx, b.space); err != nil {
			return err
		}
		late := !b.clock().Before(end)
		if b.probes.Open == 0 && (b.open() == 0 || late) || late {
			return nil
		}
		if err := client.Pause(ctx, time.Second/4); err != nil {
			return err
		}
	}
}

func (b *bench) report() benchReport {
	b.mu.Lock()
	defer b.mu.Unlock()
	var told []time.Duration
	for id, asked := range b.asked {
		if heard, ok := b.heard[id]; ok {
			told = append(told, heard.Sub(asked))
		}
	}
	r := benchReport{
		Server: b.at.URL, Rate: b.Rate, Asked: len(b.asked), Decided: b.probes.Decided, Heard: len(told), Begun: b.probes.Begun, Took: b.probes.Took,
		Told: server.SpreadOf(told), Apps: server.SpreadOf(b.apps), Jobs: server.SpreadOf(b.jobs), Processes: b.probes.Processes,
	}
	if took := b.probes.Last.Sub(b.probes.First).Seconds(); took > 0 {
		r.PerSecond = float64(r.Decided) / took
	}
	return r
}

// whole is the error of decisions that are lost, or there twice.
func (b *bench) whole(r benchReport) error {
	switch {
	case b.probes.Open > 0:
		return slipway.Errorf(slipway.Busy, "%d of %d decisions are not made yet, a minute after the last was asked for", b.probes.Open, r.Asked).
			WithFix("the servers have too much to do, or there is none: slipway jobs")
	case b.probes.Broken > 0 || r.Decided != int64(r.Asked):
		return slipway.Errorf(slipway.Failed, "%d decisions were asked for, and %d were kept, of which %d are not as they were decided", r.Asked, r.Decided, b.probes.Broken).
			WithFix("slipway ledger verify, and report it")
	case r.Heard < r.Asked:
		return slipway.Errorf(slipway.Unavailable, "%d of %d events were not heard", r.Asked-r.Heard, r.Asked).
			WithFix("a proxy between here and the server may hold the stream %s/events back", server.Root)
	}
	return nil
}

// showBench shows what was measured.
func (s *session) showBench(r benchReport) error {
	if s.globals.JSON {
		return printJSON(s.env.Stdout, r)
	}
	row := func(what string, v server.Spread) []string {
		return []string{what, strconv.Itoa(v.Count), fmt.Sprintf("%.1f ms", v.P50), fmt.Sprintf("%.1f ms", v.P99), fmt.Sprintf("%.1f ms", v.Max)}
	}
	rows := [][]string{
		row("a decision: from asking to its begin", r.Begun), row("from its begin to the writing", r.Took),
		row("from asking to hearing of it", r.Told), row("a page of apps", r.Apps), row("a page of jobs", r.Jobs),
	}
	if err := table(s.env.Stdout, "TIME\tCOUNT\tHALF WITHIN\t99 OF 100\tALL", rows); err != nil {
		return err
	}
	rows = nil
	for _, p := range r.Processes {
		rows = append(rows, []string{p.Name, strconv.Itoa(p.Decided)})
	}
	fmt.Fprintln(s.env.Stdout)
	return table(s.env.Stdout, "PROCESS\tDECISIONS", rows)
}
