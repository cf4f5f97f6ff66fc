package pipeline

import (
	"context"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/fsck"
	"github.com/slipway-cd/slipway/repository"
)

// FsckOptions says how an environment is held against its repository and its runtime.
type FsckOptions struct {
	Quick  bool // the bytes of artifacts are not read
	Mend   bool // what is missing is fetched from where it is too
	NoJobs bool // the runtime is not asked
	// Head holds the ledger against the head that a server made known in the repository
	// of the environment, and says whether the ledger went back; nil: nobody knows.
	Head func(context.Context, PublishedHead) (back, err error)
	// Progress is told which app is looked at.
	Progress func(app string)
}

// Fsck holds the ledger, the artifact repository and the runtime of an environment
// against each other, for all apps.
func (f *Flow) Fsck(ctx context.Context, env string, o FsckOptions) (fsck.Report, error) {
	p, err := f.Place(ctx, env)
	if err != nil {
		return fsck.Report{Environment: env}, err
	}
	c := fsck.Config{
		Environment: env, Ledger: p.Ledger, Repository: p.Repository, Quick: o.Quick, Mend: o.Mend, Progress: o.Progress,
		Others: f.otherRepositories(ctx, env),
	}
	if o.Head != nil {
		h, err := f.PublishedHead(ctx, env)
		if err == nil {
			c.Back, err = o.Head(ctx, h)
		}
		if err != nil {
			return fsck.Report{Environment: env}, err
		}
	}
	if !o.NoJobs && f.Parts.Runtimes[p.Environment.Runtime] != nil {
		if p, err = f.live(ctx, env); err != nil {
			return fsck.Report{Environment: env}, err
		}
		c.Observe = func(ctx context.Context, d slipway.Deployment) (slipway.JobStatus, error) {
			return p.Driver.Observe(ctx, d.Handle, d.Plan.Target)
		}
	}
	return fsck.Check(ctx, c)
}

// otherRepositories opens those of all environments but one, as far as they can be
// opened: they only may have what is missing.
func (f *Flow) otherRepositories(ctx context.Context, but string) []repository.Repository {
	var all []repository.Repository
	for _, name := range f.Project.Platform.EnvironmentNames() {
		e, err := f.Project.Environment(name)
		if err != nil || name == but {
			continue
		}
		if r, err := f.repository(ctx, e); err == nil {
			all = append(all, r)
		}
	}
	return all
}
