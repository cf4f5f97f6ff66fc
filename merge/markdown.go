package merge

import (
	"fmt"
	"strings"
)

// Markdown is the state as a comment on the pull request shows it. The same state
// gives the same bytes, and nobody is called by it.
func Markdown(s State) string {
	var b strings.Builder
	if s.Met {
		fmt.Fprintf(&b, "### %s\n\n%s.\n", Label, upper(plain(s.Summary)))
	} else {
		fmt.Fprintf(&b, "### Not ready to be merged\n\n%s.\n", upper(plain(s.Summary)))
	}
	var missing, rest []Requirement
	for _, r := range s.Requirements {
		if r.Missing() {
			missing = append(missing, r)
		} else {
			rest = append(rest, r)
		}
	}
	if len(missing) > 0 {
		b.WriteString("\n| what | state | why | who can unblock it |\n| --- | --- | --- | --- |\n")
		for _, r := range missing {
			fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", plain(r.For), r.Status, plain(r.Reason)+since(r), plain(names(r.Who)))
		}
	}
	if len(rest) > 0 {
		fmt.Fprintf(&b, "\n<details><summary>%d met or not needed</summary>\n\n| what | state | why |\n| --- | --- | --- |\n", len(rest))
		for _, r := range rest {
			status := string(r.Status)
			if r.Advisory {
				status += ", advisory"
			}
			fmt.Fprintf(&b, "| %s | %s | %s |\n", plain(r.For), status, plain(r.Reason))
		}
		b.WriteString("\n</details>\n")
	}
	fmt.Fprintf(&b, "\nFor commit %s.\n", plain(short(s.Head)))
	return b.String()
}

// since is when somebody began to wait. How long that is changes with every look,
// and would make each comment another.
func since(r Requirement) string {
	if r.Since.IsZero() || r.Status != Waiting {
		return ""
	}
	return ", since " + r.Since.UTC().Format("2006-01-02 15:04 UTC")
}

func names(all []Who) string {
	parts := make([]string, len(all))
	for i, w := range all {
		parts[i] = w.Name
		if w.Kind == WhoAuthor {
			parts[i] += " (author)"
		}
	}
	return strings.Join(parts, ", ")
}

// plain takes from a text what would be markup or call somebody: reasons are in
// part what other systems say.
func plain(text string) string {
	return strings.NewReplacer(
		"\r\n", " ", "\n", " ", "\r", " ", "|", "\\|", "<", "&lt;", ">", "&gt;", "@", "&#64;", "`", "'", "[", "\\[", "]", "\\]", "\\", "\\\\", "*", "\\*", "_", "\\_",
	).Replace(text)
}

func upper(text string) string {
	if text == "" {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:]
}
