package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// docsFolder holds the pages.
const docsFolder = "../../docs"

// TestPages does what the pages of docs/ show. In a page,
//
//   - a code block whose info string says file=NAME is that file: it is written,
//     in the folder where the reader then is;
//   - a block of console is what a reader types, behind "$ ", and sees. It is
//     typed into one shell after the other, which know of folders and variables
//     from each other. A command may fail only where the page shows it: by
//     Slipway's own error, or by echo $? as the next command;
//   - console background starts a server that goes on until the page's end. It
//     listens at a free port; what the page calls 127.0.0.1:8420 is there. A worker
//     listens nowhere;
//   - the pages whose blocks say console aws have an AWS of their own, empty at
//     first, and the real AWS CLI;
//   - those that say console postgres have an empty PostgreSQL database, by the URL
//     postgres://slipway@db.example.com/slipway;
//   - console spark is left out where Spark cannot be had, console notest always.
//
// In what a reader sees, a line "..." stands for any lines, "..." in a line for
// any text, and a line "^C" for the key that interrupts the command. Times,
// versions, digests and identities are the machine's; where the page types one it
// has shown before, the machine's is typed.
//
// Each page begins in an empty folder. UPDATE=1 writes what is seen into the
// pages that show something else.
func TestPages(t *testing.T) {
	t.Parallel()
	for _, file := range docsPages(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			p := readPage(t, file)
			p.follow(t)
			if updating() && p.changed && !t.Failed() {
				p.write(t)
			}
		})
	}
}

func updating() bool { return os.Getenv("UPDATE") != "" }

func docsPages(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(docsFolder + "/*.md")
	if err != nil || len(files) == 0 {
		t.Fatalf("no pages in %s: %v", docsFolder, err)
	}
	return files
}

// A page is a file of Markdown, cut at the lines that begin or end code.
type page struct {
	file    string
	pieces  []*piece
	changed bool              // what is seen differs from what is shown
	names   map[string]string // what the page calls a thing, and what it is called here
}

// A piece is text, or the inside of a code block.
type piece struct {
	line  int      // of its first line, from 1
	info  string   // what stands behind the fence; text if it is none
	lines []string // without the fences
}

const pageText = "text"

func readPage(t *testing.T, file string) *page {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	p := &page{file: file, names: map[string]string{}}
	now := &piece{line: 1, info: pageText}
	for i, line := range strings.Split(strings.TrimSuffix(string(data), "\n"), "\n") {
		info, fence := strings.CutPrefix(line, "```")
		if !fence {
			now.lines = append(now.lines, line)
			continue
		}
		p.pieces = append(p.pieces, now)
		if now.info != pageText {
			info = pageText
		}
		now = &piece{line: i + 2, info: info}
	}
	if now.info != pageText {
		t.Fatalf("%s:%d: the code block does not end", file, now.line)
	}
	p.pieces = append(p.pieces, now)
	return p
}

func (p *page) write(t *testing.T) {
	t.Helper()
	var b strings.Builder
	for i, at := range p.pieces {
		if i > 0 && at.info != pageText {
			b.WriteString("```" + at.info + "\n")
		} else if i > 0 {
			b.WriteString("```\n")
		}
		for _, line := range at.lines {
			b.WriteString(line + "\n")
		}
	}
	if err := os.WriteFile(p.file, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}

// has reports whether the info string has a word.
func (at *piece) has(word string) bool { return slices.Contains(strings.Fields(at.info), word) }

// fileName is the file that the block is; empty if it is none.
func (at *piece) fileName() string {
	for word := range strings.FieldsSeq(at.info) {
		if name, ok := strings.CutPrefix(word, "file="); ok {
			return name
		}
	}
	return ""
}

// follow does what the page says, in its order.
func (p *page) follow(t *testing.T) {
	r := newReader(t, p)
	for _, at := range p.pieces {
		switch {
		case at.fileName() != "":
			r.save(t, at)
		case !at.has("console") || at.has("notest"):
		case at.has("spark") && !sparkIsHere(t):
			t.Logf("%s:%d: SKIPPED, for Spark cannot be had here", p.file, at.line)
		case at.has("background"):
			r.background(t, at)
		default:
			r.console(t, at)
		}
	}
}
