// Package comment reads what people ask for in comments on pull requests: lines
// that begin with /slipway. It is pure: who may, and what is done, is for others.
// Start at Read; the words mean what they mean on the command line.
package comment

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/schema"
)

// Word begins every command.
const Word = "/slipway"

// Most is how many commands one comment may have.
const Most = 5

// The names of the commands.
const (
	Help     = "help"
	Explain  = "explain"
	Plan     = "plan"
	Check    = "check"
	Build    = "build"
	SignOff  = "sign-off"
	Reject   = "reject"
	Withdraw = "withdraw"
	Grant    = "grant"
	Revoke   = "revoke"
	Ship     = "ship"
	Promote  = "promote"
	Deploy   = "deploy"
	Rollback = "rollback"
	Stop     = "stop"
	Cancel   = "cancel"
)

// A Command is what one line asks for.
type Command struct {
	Line        string // as it was written
	Name        string
	About       string // of help: another command
	App         string // empty: the one that the pull request is about
	Environment string
	Version     string // of a release
	Commit      string
	Role        string
	Rail        string
	Run         string
	Job         int64
	Deployment  int64     // of rollback; 0: the one before
	Text        string    // why, or what somebody has to say
	Limit       string    // where a grant holds
	Until       time.Time // the end of the last day; zero: none was named
	// Err is why the line cannot be understood; then nothing else but Line and Name
	// counts.
	Err error
}

// Read finds the commands in a comment. A line that begins with /slipway is one,
// unless it is quoted, or stands in code or in an HTML comment.
func Read(body string) []Command {
	var all []Command
	for _, line := range lines(body) {
		if len(all) == Most {
			all = append(all, Command{Line: line, Err: slipway.Errorf(slipway.Invalid, "a comment may have %d commands", Most).WithFix("put the others into another comment")})
			break
		}
		all = append(all, read(line))
	}
	return all
}

// lines are those that begin with the word.
func lines(body string) []string {
	var all []string
	fence, hidden := "", false
	for raw := range strings.Lines(body) {
		line := strings.TrimSpace(raw)
		switch {
		case hidden:
			hidden = !strings.Contains(line, "-->")
			continue
		case fence != "":
			if strings.HasPrefix(line, fence) {
				fence = ""
			}
			continue
		case strings.HasPrefix(line, "```"), strings.HasPrefix(line, "~~~"):
			fence = line[:3]
			continue
		case strings.Contains(line, "<!--"):
			hidden = !strings.Contains(line[strings.Index(line, "<!--"):], "-->")
			continue
		case strings.HasPrefix(raw, "    "), strings.HasPrefix(raw, "\t"):
			continue
		}
		if word, _, _ := strings.Cut(strings.ReplaceAll(line, "\t", " "), " "); word == Word {
			all = append(all, line)
		}
	}
	return all
}

// read reads one command.
func read(line string) Command {
	c := Command{Line: line}
	words, err := split(strings.TrimPrefix(line, Word))
	if err != nil {
		c.Err = err
		return c
	}
	if len(words) == 0 {
		c.Name = Help
		return c
	}
	name := strings.ToLower(words[0])
	if same, ok := aliases[name]; ok {
		name = same
	}
	r, ok := ruleOf(name)
	if !ok {
		c.Err = unknown(words[0])
		return c
	}
	c.Name = name
	if err := r.read(&c, words[1:]); err != nil {
		return Command{Line: line, Name: name, Err: err}
	}
	return c
}

// unknown names the nearest command.
func unknown(word string) error {
	err := slipway.Errorf(slipway.Invalid, "there is no command %q", clip(word))
	if near := schema.Nearest(strings.ToLower(word), names()); near != "" {
		return err.WithFix("did you mean %s %s?", Word, near)
	}
	return err.WithFix("%s help lists them", Word)
}

// clip keeps short what a stranger wrote.
func clip(word string) string {
	const most = 40
	if runes := []rune(word); len(runes) > most {
		return string(runes[:most]) + "..."
	}
	return word
}

func names() []string {
	var all []string
	for _, r := range grammar() {
		all = append(all, r.name)
	}
	return all
}

// split cuts a line into words. Quotes hold words together, straight ones and those
// that editors make of them.
func split(line string) ([]string, error) {
	var all []string
	var word strings.Builder
	var until rune // the end of the quote under way
	open := false
	end := func() {
		if open {
			all = append(all, word.String())
		}
		word.Reset()
		open = false
	}
	for _, r := range line {
		closing, isQuote := quotes[r]
		switch {
		case until != 0 && r == until:
			until = 0
		case until != 0:
			word.WriteRune(r)
		case isQuote && !open:
			until, open = closing, true
		case unicode.IsSpace(r):
			end()
		default:
			open = true
			word.WriteRune(r)
		}
	}
	if until != 0 {
		return nil, slipway.Errorf(slipway.Invalid, "a quote is not closed")
	}
	end()
	return all, nil
}

//nolint:gochecknoglobals // immutable tables
var (
	quotes  = map[rune]rune{'"': '"', '\'': '\'', '`': '`', '“': '”', '‘': '’', '„': '“'}
	aliases = map[string]string{"signoff": SignOff, "sign_off": SignOff, "roll-back": Rollback, "?": Help}
)

// day reads the last day on which something holds, and returns its end.
func day(text string) (time.Time, error) {
	d, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return d, slipway.Errorf(slipway.Invalid, "%q is not a day", clip(text)).WithFix("write it as 2027-01-31")
	}
	return d.AddDate(0, 0, 1), nil
}

// HelpText lists the commands, or says how one is written, as Markdown.
func HelpText(about string) string {
	var b strings.Builder
	if r, ok := ruleOf(about); ok {
		fmt.Fprintf(&b, "`%s %s` %s.\n\nExample: `%s %s`\n", Word, r.usage, r.help, Word, r.example)
		return b.String()
	}
	b.WriteString("| write | and |\n| --- | --- |\n")
	for _, r := range grammar() {
		fmt.Fprintf(&b, "| `%s %s` | %s |\n", Word, strings.ReplaceAll(r.usage, "|", "\\|"), r.help)
	}
	b.WriteString("\nEach stands on a line of its own. `--app NAME` says which app is meant, where the pull request is about several.\n")
	return b.String()
}
