//go:build linux && amd64

package main_test

import (
	"bytes"
	"encoding/binary"
	"regexp"
	"strings"

	"golang.org/x/sys/unix"
)

// The calls on a connection to PostgreSQL, where they change something: statements that
// are sent, the COMMIT of a transaction that has changed something among them, and their
// answers, by which the server knows that they were done.
const (
	execute  = "execute"
	executed = "executed"
	commitOf = "COMMIT of " // what the path of a transaction's end begins with
)

// A talk is what was said over one connection to PostgreSQL.
type sqlTalk struct {
	begun   bool
	wrote   []string // what the transaction that goes on has written
	waiting string   // for the answer to this
}

// sqlText keeps statements by the names under which connections prepared them: those
// are made of the statements.
type sqlText map[string]string

// postgresSocket is how PostgreSQL's sockets are called.
const postgresSocket = ".s.PGSQL."

// connected notes what a descriptor is connected to from now on.
func (t *tracer) connected(fd, address, length uint64) {
	delete(t.sql, fd)
	data := make([]byte, min(length, 128))
	if len(data) < 3 || t.read(address, data) < len(data) || binary.NativeEndian.Uint16(data) != unix.AF_UNIX {
		return
	}
	if strings.Contains(string(data[2:]), postgresSocket) {
		t.sql[fd] = &sqlTalk{}
	}
}

// saidToPostgres gives the event that a message to PostgreSQL is; nil: it changes nothing.
func (t *tracer) saidToPostgres(talk *sqlTalk, address uint64) *event {
	data := make([]byte, 64<<10)
	data = data[:t.read(address, data)]
	talk.waiting = ""
	for _, statement := range t.prepared.executed(data) {
		switch words := firstWords(statement); {
		case strings.EqualFold(words, "BEGIN"):
			talk.begun, talk.wrote = true, nil
		case strings.EqualFold(words, "ROLLBACK"):
			talk.begun, talk.wrote = false, nil
		case strings.EqualFold(words, "COMMIT"):
			if len(talk.wrote) > 0 {
				talk.waiting = commitOf + strings.Join(talk.wrote, ", ")
			}
			talk.begun, talk.wrote = false, nil
		case changesRows.MatchString(statement) && !keepsAlive.MatchString(statement):
			if talk.begun {
				talk.wrote = append(talk.wrote, words)
			}
			talk.waiting = words
		}
	}
	if talk.waiting == "" {
		return nil
	}
	return &event{call: execute, path: talk.waiting}
}

// heardFromPostgres gives the event that an answer is; nil: nobody waits for it.
func (talk *sqlTalk) heardFromPostgres() *event {
	if talk.waiting == "" {
		return nil
	}
	return &event{call: executed, path: talk.waiting}
}

var (
	changesRows = regexp.MustCompile(`(?i)^\s*(INSERT|UPDATE|DELETE|CREATE|ALTER|DROP|WITH)\b`)
	// What goes on while nothing happens: looking for work, and saying that it lives.
	keepsAlive = regexp.MustCompile(`^UPDATE (job SET state = 'running', began|process SET beat)`)
	aWord      = regexp.MustCompile(`[^\s(;]+`)
)

// firstWords are what a statement does, and to which table.
func firstWords(statement string) string {
	first := aWord.FindAllString(statement, 3)
	if len(first) == 0 {
		return ""
	}
	switch strings.ToUpper(first[0]) {
	case "INSERT", "DELETE", "CREATE", "ALTER", "DROP":
		return strings.Join(first, " ")
	case "UPDATE":
		return strings.Join(first[:min(len(first), 2)], " ")
	}
	return first[0]
}

// executed are the statements that a message has executed, as far as it was read.
func (p sqlText) executed(data []byte) []string {
	var all []string
	portal := ""
	for len(data) >= 5 {
		kind, length := data[0], int(binary.BigEndian.Uint32(data[1:5]))+1
		if length < 5 {
			return all
		}
		body := data[5:min(length, len(data))]
		data = data[min(length, len(data)):]
		first, rest, _ := bytes.Cut(body, []byte{0})
		second, _, _ := bytes.Cut(rest, []byte{0})
		switch kind {
		case 'Q':
			all = append(all, string(first))
		case 'P': // parse: a name, a statement
			p[string(first)] = string(second)
		case 'B': // bind: a portal, a name
			portal = p[string(second)]
		case 'E':
			all = append(all, portal)
		}
	}
	return all
}
