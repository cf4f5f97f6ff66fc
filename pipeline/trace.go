package pipeline

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"path"
	"regexp"
	"strconv"
	"strings"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/notebook"
)

// inNotebook returns a writer that passes a run's log on to w, and says at each
// line of a stack trace that names the script which cell and line of the notebook
// that is. The log of a job that was not made from a notebook passes as it is.
func (f *Flow) inNotebook(ctx context.Context, run slipway.Run, w io.Writer) (*tracer, error) {
	h, err := f.History(ctx, run.App, run.Environment)
	if err != nil {
		return nil, err
	}
	p, err := f.Place(ctx, run.Environment)
	if err != nil {
		return nil, err
	}
	for _, d := range h.Deployments {
		script, ok := d.Plan.Target.Artifact(slipway.KindScript)
		if d.Plan.Target.Version != run.Version || !ok {
			continue
		}
		data, _, err := p.Repository.Read(ctx, script.Key)
		if err != nil {
			return nil, err
		}
		return newTracer(w, script, data), nil
	}
	return newTracer(w, slipway.Artifact{}, nil), nil
}

// newTracer returns a tracer for a script, which a runtime may call by its own name
// or by that under which it lies in the repository.
func newTracer(w io.Writer, a slipway.Artifact, script []byte) *tracer {
	t := &tracer{w: w, script: script, name: notebook.Origin(script)}
	if t.name != "" {
		t.frame = regexp.MustCompile(fmt.Sprintf(`File "(?:[^"]*/)?(?:%s|%s)", line (\d+)`,
			regexp.QuoteMeta(a.Name), regexp.QuoteMeta(path.Base(a.Key))))
	}
	return t
}

// scriptLine is how the message of a run may name a line.
var scriptLine = regexp.MustCompile(`\(line (\d+) of the script\)`)

// A tracer adds the notebook's cell to lines that name the script.
type tracer struct {
	w      io.Writer
	script []byte
	name   string         // of the notebook; empty: there is none
	frame  *regexp.Regexp // a line in which Python names a place in the script
	rest   []byte         // a line that has not ended yet

	place string // the last one named in the stack trace under way
	ended string // the error that the last stack trace ended in
	from  string // the place that it came from
}

// Write implements io.Writer. Lines pass when they are whole.
func (t *tracer) Write(p []byte) (int, error) {
	if t.name == "" {
		return t.w.Write(p)
	}
	t.rest = append(t.rest, p...)
	for {
		end := bytes.IndexByte(t.rest, '\n')
		if end < 0 {
			return len(p), nil
		}
		line := t.located(t.rest[:end])
		t.rest = t.rest[end+1:]
		if _, err := t.w.Write(append(line, '\n')); err != nil {
			return 0, err
		}
	}
}

// flush passes on what came after the last end of line.
func (t *tracer) flush() error {
	if len(t.rest) == 0 {
		return nil
	}
	_, err := t.w.Write(t.located(t.rest))
	t.rest = nil
	return err
}

func (t *tracer) located(line []byte) []byte {
	m := t.frame.FindSubmatch(line)
	if m == nil {
		t.end(line)
		return bytes.Clone(line)
	}
	place, ok := t.locate(string(m[1]))
	if !ok {
		return bytes.Clone(line)
	}
	t.place = place
	return fmt.Appendf(bytes.Clone(line), "  <- %s", t.place)
}

// locate is the place in the notebook of a line of the script.
func (t *tracer) locate(line string) (place string, ok bool) {
	number, err := strconv.Atoi(line)
	if err != nil {
		return "", false
	}
	cell, at, ok := notebook.Locate(t.script, number)
	return fmt.Sprintf("%s, cell %d line %d", t.name, cell, at), ok
}

// end notes the error of a stack trace, which is its first line that is not
// indented.
func (t *tracer) end(line []byte) {
	if t.place != "" && len(line) > 0 && line[0] != ' ' {
		t.ended, t.from, t.place = string(line), t.place, ""
	}
}

// told adds the place in the notebook to the message of a run that failed: of the
// line that it names, or of the error that the log ends in.
func (t *tracer) told(run slipway.Run) slipway.Run {
	if m := scriptLine.FindStringSubmatch(run.Message); m != nil && run.State == slipway.RunFailed {
		if place, ok := t.locate(m[1]); ok {
			run.Message = strings.Replace(run.Message, m[0], "("+place+")", 1)
		}
		return run
	}
	first, _, _ := strings.Cut(run.Message, "\n")
	if run.State == slipway.RunFailed && t.from != "" && strings.TrimSpace(first) == strings.TrimSpace(t.ended) {
		run.Message += " (" + t.from + ")"
	}
	return run
}

// Logs writes what a run printed to w, with stack traces led back to the
// notebook; with follow, until the run has ended.
func (f *Flow) Logs(ctx context.Context, run slipway.Run, follow bool, w io.Writer) error {
	_, err := f.traced(ctx, run, follow, w)
	return err
}

func (f *Flow) traced(ctx context.Context, run slipway.Run, follow bool, w io.Writer) (*tracer, error) {
	o, err := f.Operating(ctx, run.Environment)
	if err != nil {
		return nil, err
	}
	t, err := f.inNotebook(ctx, run, w)
	if err != nil {
		return nil, err
	}
	if err := o.Logs(ctx, run.App, run.ID, follow, t); err != nil {
		return nil, err
	}
	return t, t.flush()
}

// Follow writes what a run prints to w until it has ended, and returns it as it
// ended; the message of one that failed names the place in the notebook.
func (f *Flow) Follow(ctx context.Context, run slipway.Run, w io.Writer) (slipway.Run, error) {
	t, err := f.traced(ctx, run, true, w)
	if err != nil {
		return run, err
	}
	o, err := f.Operating(ctx, run.Environment)
	if err != nil {
		return run, err
	}
	run, err = o.Run(ctx, run.App, run.ID)
	return t.told(run), err
}
