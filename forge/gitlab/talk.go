package gitlab

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/forge"
)

// mostShown is how much of a note is of use to anybody; GitLab takes a million characters.
const mostShown = 65_535

// Comment looks for our note that begins with the marker, changes it if it says
// something else, and makes it if there is none. Nobody else's is touched.
func (f *Forge) Comment(ctx context.Context, repository string, number int, marker, body string) error {
	path, err := pathOf(repository)
	if err != nil {
		return err
	}
	self, err := f.Self(ctx)
	if err != nil {
		return err
	}
	a := ask{"write the note on merge request " + strconv.Itoa(number), repository}
	at := fmt.Sprintf("%s/merge_requests/%d/notes", path, number)
	all, err := list[note](ctx, f, a, at, url.Values{"sort": {"asc"}, "order_by": {"created_at"}})
	if err != nil {
		return err
	}
	want := map[string]string{"body": forge.Cut(withoutCommands(body), mostShown)}
	for _, n := range all {
		switch {
		case n.System || n.Author.name() != self.Login || !strings.HasPrefix(n.Body, marker):
		case forge.SameText(n.Body, want["body"]):
			return nil
		default:
			_, err := f.call(ctx, a, http.MethodPut, fmt.Sprintf("%s/%d", at, n.ID), want, nil)
			return err
		}
	}
	_, err = f.call(ctx, a, http.MethodPost, at, want, nil)
	return err
}

// withoutCommands makes every line that begins with a slash say what it says and no
// more: GitLab does what such a line of a note commands, as /merge or /approve, and
// parts of our texts are written by others. In code it does not.
func withoutCommands(body string) string {
	lines := strings.Split(body, "\n")
	fence := ""
	for i, line := range lines {
		text := strings.TrimLeft(line, " \t")
		switch {
		case fence != "":
			if strings.HasPrefix(text, fence) && strings.Trim(text, fence[:1]+" \t\r") == "" {
				fence = ""
			}
		case strings.HasPrefix(text, "```") || strings.HasPrefix(text, "~~~"):
			fence = text[:len(text)-len(strings.TrimLeft(text, text[:1]))]
		case strings.HasPrefix(text, "/"):
			lines[i] = line[:len(line)-len(text)] + `\` + text
		}
	}
	return strings.Join(lines, "\n")
}

// Label puts a label on a merge request or takes it off. GitLab makes one that neither
// the project nor its groups have.
func (f *Forge) Label(ctx context.Context, repository string, number int, name string, on bool) error {
	path, err := pathOf(repository)
	if err != nil {
		return err
	}
	if strings.Contains(name, ",") {
		return slipway.Errorf(slipway.Invalid, "%q is no label of GitLab", name).WithFix("leave out the comma, which separates labels there")
	}
	a := ask{"change the labels of merge request " + strconv.Itoa(number), repository}
	at := fmt.Sprintf("%s/merge_requests/%d", path, number)
	var got mergeRequest
	if err := f.get(ctx, a, at, &got); err != nil {
		return err
	}
	if on == slices.Contains(got.Labels, name) {
		return nil
	}
	change := map[string]string{"remove_labels": name}
	if on {
		change = map[string]string{"add_labels": name}
	}
	_, err = f.call(ctx, a, http.MethodPut, at, change, nil)
	return err
}
