package server

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/pipeline"
	"github.com/slipway-cd/slipway/store"
)

// A jobLog is the file with what a job printed, each attempt behind the one
// before.
type jobLog struct {
	mu   sync.Mutex
	file *os.File
}

func (s *Server) logFile(id int64) string {
	return filepath.Join(s.Folder, "logs", strconv.FormatInt(id, 10)+".log")
}

func (s *Server) openLog(j store.Job) (*jobLog, error) {
	f, err := os.OpenFile(s.logFile(j.ID), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, slipway.Errorf(slipway.Unavailable, "cannot write a log: %w", err).WithFix("make room, and give this user write permission on %s", s.Folder)
	}
	return &jobLog{file: f}, nil
}

// Write implements io.Writer.
func (l *jobLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.file.Write(p)
}

// event writes what happened to a stage.
func (l *jobLog) event(e pipeline.Event) {
	took := ""
	if e.Took > 0 {
		took = "  " + slipway.TookText(e.Took)
	}
	_, _ = fmt.Fprintf(l, "== %s %s %s %s%s\n", e.Time.Format(time.RFC3339), e.Stage, e.State, e.Text, took) // a log that cannot be written is no reason to fail
}

// Close closes the file.
func (l *jobLog) Close() error { return l.file.Close() }
