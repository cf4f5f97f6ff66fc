package glue

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver"
	"github.com/slipway-cd/slipway/repository"
)

// A note about a run lies in the environment's artifact repository. It is made
// before the run is started, and at its end keeps how it ended, so that a run
// outlives its job.
type note struct {
	ID          string            `json:"id"`
	App         string            `json:"app"`
	Environment string            `json:"environment"`
	Job         string            `json:"job"` // Glue's name of it
	Version     string            `json:"version"`
	Trigger     string            `json:"trigger"`
	By          string            `json:"by,omitempty"`
	Arguments   map[string]string `json:"arguments,omitempty"` // secrets masked
	Asked       time.Time         `json:"asked"`               // by the clock of who asked
	Caller      string            `json:"caller,omitempty"`    // tells two callers apart that ask for the same
	Refused     string            `json:"refused,omitempty"`
	GlueRun     string            `json:"glue_run,omitempty"` // Glue's id of its first attempt; empty: not known, or none
	Logs        logPlace          `json:"logs,omitzero"`
	Ended       *slipway.Run      `json:"ended,omitempty"`

	given map[string]string // the arguments as they are, for who starts the run; kept nowhere
}

// newNote is the note of a run that is about to be started.
func newNote(h slipway.Handle, r driver.RunRequest, job *types.Job, now time.Time) note {
	arguments := make(map[string]string, len(r.Arguments))
	for name, value := range r.Arguments {
		arguments[longName(name)] = value
	}
	n := note{
		ID: r.ID, App: h.App, Environment: h.Environment, Job: h.Name, Version: versionOf(job),
		Trigger: r.Trigger, By: r.By, Arguments: driver.MaskArguments(arguments), Asked: now, Caller: rand.Text(),
		given: arguments,
	}
	n.Logs = placeOf(job, arguments)
	return n
}

// versionOf is the release that a job has now; empty if it does not say.
func versionOf(job *types.Job) string {
	if job == nil {
		return ""
	}
	return job.DefaultArguments[versionArgument]
}

// startArguments are the arguments of StartJobRun.
func (n note) startArguments() map[string]string {
	all := maps.Clone(n.given)
	if all == nil {
		all = map[string]string{}
	}
	for name, value := range map[string]string{
		runArgument: n.ID, versionArgument: n.Version, triggerArgument: n.Trigger, byArgument: n.By,
	} {
		// A value that looks like a name would be taken for one.
		if value = strings.TrimLeft(value, "-"); value != "" {
			all[name] = value
		}
	}
	return all
}

func notesPrefix(h slipway.Handle) string { return h.App + "/runs/" + h.Environment + "/" }

func noteKey(h slipway.Handle, id string) string { return notesPrefix(h) + id + ".json" }

// open reports whether a run may be started under this note: there is none, or
// what it speaks of was refused.
func (s sighting) open() bool { return s.version == "" || s.note.Refused != "" }

// readNote reads the note of a run. That there is none is no error.
func (d *Driver) readNote(ctx context.Context, h slipway.Handle, id string) (sighting, error) {
	s := d.unseen(h)
	if d.cfg.Notes == nil || !isRunID(id) {
		return s, nil
	}
	data, version, err := d.cfg.Notes.Read(ctx, noteKey(h, id))
	if slipway.KindOf(err) == slipway.NotFound {
		return s, nil
	}
	if err != nil {
		return s, err
	}
	if err := s.read(data); err != nil {
		return s, fmt.Errorf("read the note of run %s: %w", id, err)
	}
	s.version = version
	return s, nil
}

func (s *sighting) read(data []byte) error {
	if err := json.Unmarshal(data, &s.note); err != nil {
		return err
	}
	if s.note.Job != "" {
		s.job = s.note.Job
	}
	return nil
}

// claim makes the note of a run that is about to be started, or makes a refused
// one anew. If another caller did so first, the error is errMoved.
func (d *Driver) claim(ctx context.Context, s *sighting) error {
	mine := s.note.Caller
	err := d.writeNote(ctx, s)
	if err == nil {
		return nil
	}
	if slipway.KindOf(err) == slipway.Conflict {
		return errMoved
	}
	// It may be there all the same.
	have, again := d.readNote(ctx, s.handle, s.note.ID)
	if again != nil || have.note.Caller != mine {
		return fmt.Errorf("leave a note before run %s is started; nothing was started: %w", s.note.ID, err)
	}
	have.note.given = s.note.given
	*s = have
	return nil
}

// writeNote replaces the note that was read.
func (d *Driver) writeNote(ctx context.Context, s *sighting) error {
	var data bytes.Buffer
	enc := json.NewEncoder(&data)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(s.note); err != nil {
		return err
	}
	version, err := d.cfg.Notes.Swap(ctx, noteKey(s.handle, s.note.ID), s.version, data.Bytes())
	if err == nil {
		s.version = version
	}
	return err
}

// notes reads the notes of an app's runs, but for those that are known already.
func (d *Driver) notes(ctx context.Context, h slipway.Handle, known map[string]bool) ([]sighting, error) {
	if d.cfg.Notes == nil {
		return nil, nil
	}
	prefix := notesPrefix(h)
	var all []sighting
	for object, err := range d.cfg.Notes.List(ctx, prefix, "") {
		if err != nil {
			return nil, err
		}
		id, ok := idOf(object, prefix)
		if !ok || known[id] {
			continue
		}
		s, err := d.readNote(ctx, h, id)
		if err != nil {
			return nil, err
		}
		if !s.open() {
			all = append(all, s)
		}
	}
	return all, nil
}

func idOf(o repository.Object, prefix string) (string, bool) {
	name, ok := strings.CutSuffix(strings.TrimPrefix(o.Key, prefix), ".json")
	return name, ok && isRunID(name)
}
