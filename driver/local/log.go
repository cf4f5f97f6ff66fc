package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/sandbox/mask"
)

// A runLog takes what a run prints. It never fails, so that a job does not
// stand still because its log cannot be written; note says what was lost.
type runLog struct {
	file *os.File
	mask *mask.Writer
	err  error
}

func openLog(name string, secrets mask.Masker) (*runLog, error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	return &runLog{file: f, mask: secrets.Writer(f)}, nil
}

// Write takes everything.
func (l *runLog) Write(p []byte) (int, error) {
	if l.err == nil {
		_, l.err = l.mask.Write(p)
		l.makeRoom()
	}
	return len(p), nil
}

// makeRoom gives back the end of a log that filled the disk, so that the run can
// say how it ended.
func (l *runLog) makeRoom() {
	const room = 64 << 10
	if !errors.Is(l.err, syscall.ENOSPC) {
		return
	}
	if info, err := l.file.Stat(); err == nil {
		l.err = errors.Join(l.err, l.file.Truncate(max(0, info.Size()-room)))
	}
}

// say adds a line of Slipway's own.
func (l *runLog) say(line string) {
	l.flush()
	_, _ = l.Write([]byte(line + "\n")) // it takes everything
}

func (l *runLog) flush() {
	if l.err == nil {
		l.err = l.mask.Flush()
	}
}

func (l *runLog) close() {
	l.flush()
	_ = l.file.Close() // nothing is buffered
}

// note is a message with what was lost of the log.
func (l *runLog) note(message string) string {
	l.flush()
	if l.err == nil {
		return message
	}
	if message != "" {
		message += "; "
	}
	return message + "the log is cut short: " + l.err.Error()
}

// Logs writes what a run printed to w.
func (d *Driver) Logs(ctx context.Context, h slipway.Handle, id string, follow bool, w io.Writer) error {
	folder, err := d.runFolder(h.App, id)
	if err != nil {
		return err
	}
	if _, err := d.look(folder); err != nil {
		return err
	}
	t := &tail{name: filepath.Join(folder, logFile), to: w}
	defer t.close()
	if !follow {
		return t.copy()
	}
	return until(ctx, poll, func() (bool, error) {
		over, err := d.over(folder)
		if err != nil {
			return false, err
		}
		return over, t.copy()
	})
}

// over reports whether a run prints no more: it has ended, or nobody is at work
// on it.
func (d *Driver) over(folder string) (bool, error) {
	d.reap()
	run, err := d.look(folder)
	if err != nil || run.State.Ended() {
		return true, err
	}
	return run.State == slipway.RunStarting && run.Message != "", nil
}

// A tail copies a file as it grows.
type tail struct {
	name string
	to   io.Writer
	file *os.File
}

// copy passes on what came since the last call. The file need not be there yet.
func (t *tail) copy() error {
	if t.file == nil {
		f, err := os.Open(t.name)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		t.file = f
	}
	if _, err := io.Copy(t.to, t.file); err != nil {
		return fmt.Errorf("copy the log: %w", err)
	}
	return nil
}

func (t *tail) close() {
	if t.file != nil {
		_ = t.file.Close() // it was only read
	}
}
