package pgtest

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Type types what a page has the administrator of a PostgreSQL type, in the shell of the
// one whom the server runs as. Folders of the page are folders of this server's, and what
// is said to systemctl is done with it.
func (s *Server) Type(t testing.TB, command string) {
	t.Helper()
	if what, ok := strings.CutPrefix(command, "systemctl "); ok {
		s.manage(t, strings.TrimSuffix(what, " postgresql"))
		return
	}
	here := strings.NewReplacer("/var/lib/postgresql/data", filepath.Join(s.dir, "data"), "/backups", filepath.Join(s.dir, "backups"), "/archive", filepath.Join(s.dir, "archive"))
	cmd := exec.CommandContext(t.Context(), "sh", "-ec", here.Replace(command))
	cmd.SysProcAttr, cmd.Dir = s.as, s.dir
	cmd.Env = []string{"PATH=" + s.bin + ":/usr/bin:/bin", "PGHOST=" + s.dir, "PGUSER=postgres"}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", command, err, out)
	}
}

// manage starts and stops the server.
func (s *Server) manage(t testing.TB, what string) {
	t.Helper()
	if what == "stop" || what == "restart" {
		s.Halt("INT") // which archives the rest of the log
	}
	if what == "stop" {
		return
	}
	if err := s.Run(); err != nil {
		t.Fatal(err)
	}
}
