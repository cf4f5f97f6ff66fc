//go:build linux && amd64

package main_test

import (
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// A hub is a Gitea of one repository, acme/pulse, which is the bare one of a site, with
// one pull request: the branch change, once there is one. It keeps what we write there.
type hub struct {
	url         string
	certificate []byte // the same for all, which git and the server are to trust
	bare        string

	mu   sync.Mutex
	kept hubState
	// sees is shown each call that writes, before and after it has acted; nil: nobody looks.
	sees func(event)
}

// What people and programs have written at a hub.
type hubState struct {
	Comments []hubComment
	Statuses []hubStatus // the newest first
	Labels   []hubLabel  // of the repository
	On       []int64     // labels of the pull request
	Last     int64       // the last number that was given
	Changed  time.Time
}

type (
	hubUser struct {
		Login string `json:"login"`
	}
	hubComment struct {
		ID      int64     `json:"id"`
		User    hubUser   `json:"user"`
		Body    string    `json:"body"`
		Created time.Time `json:"created_at"`
		Updated time.Time `json:"updated_at"`
	}
	hubStatus struct {
		ID      int64     `json:"id"`
		Commit  string    `json:"sha"`
		State   string    `json:"status"`
		Given   string    `json:"state"` // how it is called when it is written
		Target  string    `json:"target_url"`
		Says    string    `json:"description"`
		Context string    `json:"context"`
		Creator hubUser   `json:"creator"`
		Created time.Time `json:"created_at"`
		Updated time.Time `json:"updated_at"`
	}
	hubLabel struct {
		ID   int64  `json:"id"`
		Name string `json:"name"`
	}
)

// askForge is the call of an event in which a forge is asked to keep or change something:
// as it has heard of it, and as it has done it and not answered yet.
const askForge = "ask the forge"

// hubRobot is whose token the server has.
const hubRobot = "robot"

// startHub serves the bare repository of a site until the test ends.
func startHub(t *testing.T, bare string, kept hubState) *hub {
	t.Helper()
	git, err := exec.LookPath("git")
	if err != nil {
		t.Fatal(err)
	}
	h := &hub{bare: bare, kept: kept}
	mux := http.NewServeMux()
	const repo = " /api/v1/repos/acme/pulse"
	for pattern, answer := range map[string]func(*http.Request) (any, error){
		"GET /api/v1/user":                                 func(*http.Request) (any, error) { return hubUser{hubRobot}, nil },
		"GET /api/v1/user/repos":                           h.repositories,
		"GET" + repo:                                       h.repository,
		"GET" + repo + "/git/refs":                         h.refs,
		"GET" + repo + "/pulls":                            h.pulls,
		"GET" + repo + "/pulls/1":                          h.pull,
		"GET" + repo + "/pulls/1/files":                    h.files,
		"GET" + repo + "/pulls/1/commits":                  h.commits,
		"GET" + repo + "/pulls/1/reviews":                  func(*http.Request) (any, error) { return []any{}, nil },
		"GET" + repo + "/collaborators/{login}/permission": func(*http.Request) (any, error) { return map[string]string{"permission": "write"}, nil },
		"GET" + repo + "/issues/1/comments":                func(*http.Request) (any, error) { return h.kept.Comments, nil },
		"POST" + repo + "/issues/1/comments":               h.comment,
		"PATCH" + repo + "/issues/comments/{id}":           h.changeComment,
		"GET" + repo + "/labels":                           func(*http.Request) (any, error) { return h.kept.Labels, nil },
		"POST" + repo + "/labels":                          h.newLabel,
		"GET /api/v1/orgs/acme/labels":                     func(*http.Request) (any, error) { return []any{}, nil },
		"GET" + repo + "/issues/1/labels":                  func(*http.Request) (any, error) { return h.on(), nil },
		"POST" + repo + "/issues/1/labels":                 h.putLabels,
		"DELETE" + repo + "/issues/1/labels/{id}":          h.dropLabel,
		"GET" + repo + "/commits/{commit}/statuses":        h.statuses,
		"POST" + repo + "/statuses/{commit}":               h.status,
	} {
		mux.HandleFunc(pattern, h.answer(t, answer))
	}
	mux.Handle("GET"+repo+"/commits/{commit}/pull", http.NotFoundHandler()) // nothing was merged
	mux.Handle("/acme/", http.StripPrefix("/acme", &cgi.Handler{
		Path: git, Args: []string{"http-backend"}, Env: []string{"GIT_PROJECT_ROOT=" + filepath.Dir(bare), "GIT_HTTP_EXPORT_ALL=1"},
	}))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		t.Errorf("the forge does not know %s %s", r.Method, r.URL)
		http.NotFound(w, r)
	})
	server := httptest.NewTLSServer(mux)
	t.Cleanup(server.Close)
	h.url, h.certificate = server.URL, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	return h
}

// watched has a function shown the calls that write.
func (h *hub) watched(sees func(event)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sees = sees
}

// copy is a hub over another bare repository, at which the same was written.
func (h *hub) copy(t *testing.T, bare string) *hub {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	k := h.kept
	k.Comments, k.Statuses, k.Labels, k.On = slices.Clone(k.Comments), slices.Clone(k.Statuses), slices.Clone(k.Labels), slices.Clone(k.On)
	return startHub(t, bare, k)
}

// answer serves a call. A list has as many items as were asked for, and says how many
// there are.
func (h *hub) answer(t *testing.T, ask func(*http.Request) (any, error)) http.HandlerFunc {
	t.Helper()
	return func(w http.ResponseWriter, r *http.Request) {
		h.mu.Lock()
		defer h.mu.Unlock()
		writes := func(done bool) {
			if h.sees != nil && r.Method != http.MethodGet {
				h.sees(event{call: askForge, path: r.Method + " " + r.URL.Path, done: done})
			}
		}
		writes(false)
		out, err := ask(r)
		writes(true)
		if err != nil {
			t.Errorf("%s %s: %v", r.Method, r.URL, err)
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		data, err := json.Marshal(out)
		var list []json.RawMessage
		if err == nil && json.Unmarshal(data, &list) == nil && list != nil {
			w.Header().Set("X-Total-Count", strconv.Itoa(len(list)))
			if limit, err := strconv.Atoi(r.FormValue("limit")); err == nil && limit < len(list) {
				data, _ = json.Marshal(list[:limit]) // it came from JSON
			}
		}
		if string(data) == "null" {
			data = []byte("[]")
		}
		w.Header().Set("Content-Type", "application/json")
		if err != nil {
			t.Error(err)
		}
		_, _ = w.Write(data) // whoever was killed does not hear it
	}
}

// git asks the bare repository.
func (h *hub) git(args ...string) (string, error) {
	out, err := exec.Command("git", append([]string{"--git-dir", h.bare}, args...)...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("git %q: %w\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out)), nil
}

// next is a number that nothing else has.
func (h *hub) next() int64 {
	h.kept.Last++
	h.kept.Changed = time.Now().UTC()
	return h.kept.Last
}

func (h *hub) repository(*http.Request) (any, error) {
	return map[string]any{"full_name": "acme/pulse", "default_branch": "main", "html_url": h.url + "/acme/pulse"}, nil
}

func (h *hub) repositories(r *http.Request) (any, error) {
	one, err := h.repository(r)
	return []any{one}, err
}

func (h *hub) refs(*http.Request) (any, error) {
	out, err := h.git("for-each-ref", "--format=%(refname) %(objectname) %(objecttype)")
	all := []map[string]any{}
	for line := range strings.Lines(out) {
		if f := strings.Fields(line); len(f) == 3 {
			all = append(all, map[string]any{"ref": f[0], "object": map[string]string{"sha": f[1], "type": f[2]}})
		}
	}
	return all, err
}

// pulls are the open pull requests.
func (h *hub) pulls(r *http.Request) (any, error) {
	if _, err := h.git("rev-parse", "--verify", "-q", "refs/heads/change"); err != nil {
		return []any{}, nil //nolint:nilerr // there is none yet
	}
	p, err := h.pull(r)
	return []any{p}, err
}

func (h *hub) pull(*http.Request) (any, error) {
	out, err := h.git("rev-parse", "change", "main")
	head, base, _ := strings.Cut(out, "\n")
	return map[string]any{
		"number": 1, "title": "Another version", "state": "open", "user": hubUser{"mara"}, "labels": h.on(), "comments": len(h.kept.Comments),
		"updated_at": h.kept.Changed, "head": map[string]any{"ref": "change", "sha": head, "repo_id": 1}, "base": map[string]any{"ref": "main", "sha": base, "repo_id": 1},
	}, err
}

func (h *hub) files(*http.Request) (any, error) {
	out, err := h.git("diff", "--name-only", "main...change")
	all := []map[string]any{}
	for name := range strings.Lines(out) {
		all = append(all, map[string]any{"filename": strings.TrimSpace(name), "status": "changed", "additions": 1, "deletions": 1})
	}
	return all, err
}

func (h *hub) commits(*http.Request) (any, error) {
	out, err := h.git("log", "--format=%H %P", "main..change")
	all := []map[string]any{}
	for line := range strings.Lines(out) {
		id, parent, _ := strings.Cut(strings.TrimSpace(line), " ")
		all = append(all, map[string]any{
			"sha": id, "author": hubUser{"mara"}, "committer": hubUser{"mara"}, "commit": map[string]string{"message": "change"}, "parents": []map[string]string{{"sha": parent}},
		})
	}
	return all, err
}

func (h *hub) comment(r *http.Request) (any, error) {
	var c hubComment
	err := json.NewDecoder(r.Body).Decode(&c)
	return h.write(hubRobot, c.Body), err
}

// write adds a comment.
func (h *hub) write(by, body string) hubComment {
	c := hubComment{ID: h.next(), User: hubUser{by}, Body: body, Created: h.kept.Changed, Updated: h.kept.Changed}
	h.kept.Comments = append(h.kept.Comments, c)
	return c
}

func (h *hub) changeComment(r *http.Request) (any, error) {
	i := slices.IndexFunc(h.kept.Comments, func(c hubComment) bool { return strconv.FormatInt(c.ID, 10) == r.PathValue("id") })
	if i < 0 {
		return nil, errors.New("there is no such comment")
	}
	h.next()
	c := &h.kept.Comments[i]
	c.Updated = h.kept.Changed
	return c, json.NewDecoder(r.Body).Decode(c)
}

func (h *hub) newLabel(r *http.Request) (any, error) {
	l := hubLabel{ID: h.next()}
	err := json.NewDecoder(r.Body).Decode(&l)
	h.kept.Labels = append(h.kept.Labels, l)
	return l, err
}

// on are the labels of the pull request.
func (h *hub) on() []hubLabel {
	all := []hubLabel{}
	for _, l := range h.kept.Labels {
		if slices.Contains(h.kept.On, l.ID) {
			all = append(all, l)
		}
	}
	return all
}

func (h *hub) putLabels(r *http.Request) (any, error) {
	var in struct{ Labels []int64 }
	err := json.NewDecoder(r.Body).Decode(&in)
	h.next()
	h.kept.On = append(h.kept.On, in.Labels...)
	return h.on(), err
}

func (h *hub) dropLabel(r *http.Request) (any, error) {
	h.next()
	h.kept.On = slices.DeleteFunc(h.kept.On, func(id int64) bool { return strconv.FormatInt(id, 10) == r.PathValue("id") })
	return h.on(), nil
}

func (h *hub) statuses(r *http.Request) (any, error) {
	all := []hubStatus{}
	for _, s := range h.kept.Statuses {
		if s.Commit == r.PathValue("commit") {
			all = append(all, s)
		}
	}
	return all, nil
}

func (h *hub) status(r *http.Request) (any, error) {
	s := hubStatus{ID: h.next(), Creator: hubUser{hubRobot}}
	s.Created, s.Updated = h.kept.Changed, h.kept.Changed
	err := json.NewDecoder(r.Body).Decode(&s)
	s.Commit, s.State = r.PathValue("commit"), s.Given
	h.kept.Statuses = slices.Insert(h.kept.Statuses, 0, s)
	return s, err
}

// say lets somebody write a comment, once.
func (h *hub) say(by, body string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !slices.ContainsFunc(h.kept.Comments, func(c hubComment) bool { return c.User.Login == by && c.Body == body }) {
		h.write(by, body)
	}
}

// What differs between two lives that did the same: numbers of jobs, and versions.
var (
	aJobLink = regexp.MustCompile(`\[Job \d+\]\([^)]*\)`)
	aVersion = regexp.MustCompile(`\b0\.0\.0-[0-9a-z.+-]*[0-9a-z]`)
)

// shows are the labels, the newest statuses of the head, and all that we wrote.
func (h *hub) shows() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var all []string
	for _, l := range h.on() {
		all = append(all, "label "+l.Name)
	}
	head, _ := h.git("rev-parse", "change") // there may be none
	newest := map[string]bool{}
	for _, s := range h.kept.Statuses {
		if s.Commit == head && !newest[s.Context] {
			newest[s.Context] = true
			all = append(all, "status "+s.Context+" "+s.State)
		}
	}
	for _, c := range h.kept.Comments {
		first, rest, _ := strings.Cut(c.Body, "\n")
		switch {
		case c.User.Login != hubRobot:
			all = append(all, c.User.Login+" says "+aVersion.ReplaceAllString(first, "V"))
		case strings.HasPrefix(first, "<!-- slipway answer "):
			all = append(all, "answer: "+aVersion.ReplaceAllString(aJobLink.ReplaceAllString(strings.TrimSpace(rest), "Job"), "V"))
		default:
			all = append(all, "comment "+first)
		}
	}
	slices.Sort(all)
	return all
}
