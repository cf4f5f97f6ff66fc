package slipway

import "time"

// A PullRequest is a proposed change, as the forge has it at one time. It is a
// fact that was read, never one that was told by a webhook. A login here is as
// nobody else at the forge can have it: that of a GitHub app ends in [bot].
type PullRequest struct {
	Repository string        `json:"repository"` // as the forge names it, such as "acme/traffic"
	Number     int           `json:"number"`
	Title      string        `json:"title"`
	URL        string        `json:"url"`    // its page
	Author     string        `json:"author"` // login of who opened it
	State      string        `json:"state"`  // open, closed or merged
	Draft      bool          `json:"draft,omitempty"`
	Fork       bool          `json:"fork,omitempty"` // the head lies in another repository
	Head       string        `json:"head"`           // commit that is proposed
	HeadBranch string        `json:"head_branch"`
	Base       string        `json:"base"`        // branch that it is to be merged into
	BaseCommit string        `json:"base_commit"` // the tip of that branch
	Labels     []string      `json:"labels,omitempty"`
	Asked      []string      `json:"asked,omitempty"` // logins, and teams such as acme/data, that were asked to review
	Files      []ChangedFile `json:"files,omitempty"`
	Commits    []Commit      `json:"commits,omitempty"` // oldest first
	Reviews    []Review      `json:"reviews,omitempty"` // oldest first, all of them
	Comments   []Comment     `json:"comments,omitempty"`
	Statuses   []Status      `json:"statuses,omitempty"` // what systems say of Head, the newest of each
	Updated    time.Time     `json:"updated"`
	Partial    string        `json:"partial,omitempty"` // what the forge does not list of it; then rules about all files or commits cannot be met
}

// A ChangedFile is a file that a pull request changes.
type ChangedFile struct {
	Path    string `json:"path"`
	From    string `json:"from,omitempty"` // its path before, if it was renamed
	Change  string `json:"change"`         // added, modified, removed or renamed
	Added   int    `json:"added"`          // lines
	Removed int    `json:"removed"`
}

// A Commit is one commit of a pull request.
type Commit struct {
	ID        string   `json:"id"`
	Parents   []string `json:"parents,omitempty"`
	Author    string   `json:"author"` // login; empty: the forge knows nobody by its e-mail address
	Committer string   `json:"committer,omitempty"`
	Message   string   `json:"message"`
}

// A Review is what somebody said of a pull request at one commit.
type Review struct {
	ID      string    `json:"id"`
	By      string    `json:"by"`      // login
	Verdict string    `json:"verdict"` // approve, reject, comment or dismissed
	Commit  string    `json:"commit"`  // head at that time
	Body    string    `json:"body,omitempty"`
	Time    time.Time `json:"time"`
}

// A Comment is a remark on a pull request.
type Comment struct {
	ID     string    `json:"id"`
	By     string    `json:"by"` // login
	Body   string    `json:"body"`
	Time   time.Time `json:"time"`
	Edited bool      `json:"edited,omitempty"` // changed since, perhaps by somebody else: nobody's word
}

// A Status is what some system says of a commit: a check run or a commit status.
type Status struct {
	Name        string       `json:"name"`          // of the check, or the context of a commit status
	App         string       `json:"app,omitempty"` // who issued it: the slug of a forge's app, such as codecov, or user:LOGIN, which no app can be called
	State       string       `json:"state"`         // pending, pass, fail, error or neutral
	Summary     string       `json:"summary,omitempty"`
	URL         string       `json:"url,omitempty"`
	Annotations []Annotation `json:"annotations,omitempty"` // only to publish: what others found is not read
	Time        time.Time    `json:"time"`
}

// An Annotation is a remark of a check at a place of the source.
type Annotation struct {
	Path    string `json:"path"`
	Line    int    `json:"line"`
	Level   string `json:"level"` // error, warning or note
	Title   string `json:"title,omitempty"`
	Message string `json:"message"`
}
