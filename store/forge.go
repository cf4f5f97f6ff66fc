package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/slipway-cd/slipway"
)

// A Repository is a repository of a forge that the server looks after.
type Repository struct {
	Forge         string    `json:"forge"`
	Name          string    `json:"name"`
	DefaultBranch string    `json:"default_branch"`
	URL           string    `json:"url"`
	RefsMark      string    `json:"-"` // of the last answer about its refs
	RequestsMark  string    `json:"-"` // of the last answer about its pull requests
	Looked        time.Time `json:"looked,omitzero"`
	Problem       string    `json:"problem,omitempty"` // why it could not be read the last time
}

const repositoryColumns = "forge, name, default_branch, url, refs_mark, requests_mark, looked, problem"

func scanRepository(row cells) (Repository, error) {
	var r Repository
	var looked int64
	err := row.Scan(&r.Forge, &r.Name, &r.DefaultBranch, &r.URL, &r.RefsMark, &r.RequestsMark, &looked, &r.Problem)
	r.Looked = fromMillis(looked)
	return r, err
}

// PutRepository keeps a repository.
func (t *Tx) PutRepository(ctx context.Context, r Repository) error {
	_, err := t.tx.ExecContext(ctx, upsert("repository", repositoryColumns, 2),
		r.Forge, r.Name, r.DefaultBranch, r.URL, r.RefsMark, r.RequestsMark, millis(r.Looked), r.Problem)
	return err
}

// Repository reads a repository within the transaction.
func (t *Tx) Repository(ctx context.Context, forge, name string) (Repository, bool, error) {
	return oneRepository(t.tx.QueryRowContext(ctx, repositoryQuery, forge, name))
}

const repositoryQuery = "SELECT " + repositoryColumns + " FROM repository WHERE forge = ? AND name = ?"

func oneRepository(row *sql.Row) (Repository, bool, error) {
	r, err := scanRepository(row)
	if errors.Is(err, sql.ErrNoRows) {
		return r, false, nil
	}
	return r, err == nil, err
}

// Repository reads a repository; ok is false if it is not known.
func (s *Store) Repository(ctx context.Context, forge, name string) (r Repository, ok bool, err error) {
	r, ok, err = oneRepository(s.reader.QueryRowContext(ctx, repositoryQuery, forge, name))
	return r, ok, explain("read", s.file, err)
}

// Repositories lists the repositories of a forge, by name; without one those of all.
func (s *Store) Repositories(ctx context.Context, forge string) ([]Repository, error) {
	var w filter
	w.is("forge", forge)
	return list(ctx, s, scanRepository, "SELECT "+repositoryColumns+" FROM repository"+w.where()+" ORDER BY forge, name", w.args...)
}

// RepositoriesPage lists repositories by forge and name, from behind one.
func (s *Store) RepositoriesPage(ctx context.Context, forge, name string, limit int) ([]Repository, error) {
	return list(ctx, s, scanRepository, "SELECT "+repositoryColumns+" FROM repository WHERE (forge, name) > (?, ?) ORDER BY forge, name LIMIT ?", forge, name, limit)
}

// DropRepository forgets a repository, with its refs and pull requests. Its apps
// and their history stay.
func (t *Tx) DropRepository(ctx context.Context, forge, name string) error {
	for _, query := range []string{
		"DELETE FROM ref WHERE forge = ? AND repository = ?",
		"DELETE FROM pull_request WHERE forge = ? AND repository = ?",
		"DELETE FROM repository WHERE forge = ? AND name = ?",
	} {
		if _, err := t.tx.ExecContext(ctx, query, forge, name); err != nil {
			return err
		}
	}
	return nil
}

// Refs reads the refs of a repository as they were seen last: heads/main,
// tags/v1, each with its commit.
func (t *Tx) Refs(ctx context.Context, forge, repository string) (map[string]string, error) {
	rows, err := t.tx.QueryContext(ctx, "SELECT name, commit_id FROM ref WHERE forge = ? AND repository = ?", forge, repository)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := map[string]string{}
	for rows.Next() {
		var name, commit string
		if err := rows.Scan(&name, &commit); err != nil {
			return nil, err
		}
		all[name] = commit
	}
	return all, rows.Err()
}

// RequestsAt are the numbers of the open pull requests with a head.
func (t *Tx) RequestsAt(ctx context.Context, forge, repository, head string) ([]int, error) {
	return t.numbers(ctx, "SELECT number FROM pull_request WHERE forge = ? AND repository = ? AND head = ? AND open = 1 ORDER BY number", forge, repository, head)
}

// OpenRequests are the numbers of the open pull requests of a repository.
func (t *Tx) OpenRequests(ctx context.Context, forge, repository string) ([]int, error) {
	return t.numbers(ctx, "SELECT number FROM pull_request WHERE forge = ? AND repository = ? AND open = 1 ORDER BY number", forge, repository)
}

func (t *Tx) numbers(ctx context.Context, query string, args ...any) ([]int, error) {
	rows, err := t.tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []int
	for rows.Next() {
		var n int
		if err := rows.Scan(&n); err != nil {
			return nil, err
		}
		all = append(all, n)
	}
	return all, rows.Err()
}

// PutRef keeps a ref; with no commit it is gone.
func (t *Tx) PutRef(ctx context.Context, forge, repository, name, commit string) error {
	if commit == "" {
		_, err := t.tx.ExecContext(ctx, "DELETE FROM ref WHERE forge = ? AND repository = ? AND name = ?", forge, repository, name)
		return err
	}
	_, err := t.tx.ExecContext(ctx, upsert("ref", "forge, repository, name, commit_id", 3), forge, repository, name, commit)
	return err
}

// A PullRequest is a pull request as it was read last, and what came of it.
type PullRequest struct {
	Forge      string
	Repository string
	Number     int
	Open       bool
	Head       string
	Stamp      string          // of the forge's listing
	Facts      json.RawMessage // slipway.PullRequest
	State      json.RawMessage // what was worked out of the facts; empty: nothing yet
	View       json.RawMessage // what the forge is to show; empty: nothing yet
	Wanted     string          // digest of the view
	Shown      string          // digest of the view that it was made to show
	Looked     time.Time
}

const requestColumns = "forge, repository, number, open, head, stamp, facts, state, view, wanted, shown, looked"

func scanRequest(row cells) (PullRequest, error) {
	var p PullRequest
	var looked int64
	var facts, state, view string
	err := row.Scan(&p.Forge, &p.Repository, &p.Number, &p.Open, &p.Head, &p.Stamp, &facts, &state, &view, &p.Wanted, &p.Shown, &looked)
	p.Facts, p.State, p.View, p.Looked = json.RawMessage(facts), json.RawMessage(state), json.RawMessage(view), fromMillis(looked)
	return p, err
}

// PutPullRequest keeps a pull request.
func (t *Tx) PutPullRequest(ctx context.Context, p PullRequest) error {
	_, err := t.tx.ExecContext(ctx, upsert("pull_request", requestColumns, 3),
		p.Forge, p.Repository, p.Number, p.Open, p.Head, p.Stamp, string(p.Facts), string(p.State), string(p.View), p.Wanted, p.Shown, millis(p.Looked))
	return err
}

// PullRequest reads a pull request within the transaction.
func (t *Tx) PullRequest(ctx context.Context, forge, repository string, number int) (PullRequest, bool, error) {
	return oneRequest(t.tx.QueryRowContext(ctx, requestQuery, forge, repository, number))
}

const requestQuery = "SELECT " + requestColumns + " FROM pull_request WHERE forge = ? AND repository = ? AND number = ?"

func oneRequest(row *sql.Row) (PullRequest, bool, error) {
	p, err := scanRequest(row)
	if errors.Is(err, sql.ErrNoRows) {
		return p, false, nil
	}
	return p, err == nil, err
}

// PullRequest reads a pull request; ok is false if it is not known.
func (s *Store) PullRequest(ctx context.Context, forge, repository string, number int) (p PullRequest, ok bool, err error) {
	p, ok, err = oneRequest(s.reader.QueryRowContext(ctx, requestQuery, forge, repository, number))
	return p, ok, explain("read", s.file, err)
}

// LookedAt is when a pull request was looked at last; zero: never.
func (t *Tx) LookedAt(ctx context.Context, forge, repository string, number int) (time.Time, error) {
	var looked int64
	err := t.tx.QueryRowContext(ctx, "SELECT looked FROM pull_request WHERE forge = ? AND repository = ? AND number = ?", forge, repository, number).Scan(&looked)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return fromMillis(looked), err
}

// RequestFilter says which pull requests are meant; what is empty leaves all.
type RequestFilter struct {
	Forge, Repository string
	Number            int    // 0: any
	Open              bool   // only those that are open
	Head              string // only those with this head
	Behind            bool   // only those of which the forge does not show what it should
}

// PullRequests lists pull requests in order of repository and number, from behind
// the one that after names.
func (s *Store) PullRequests(ctx context.Context, f RequestFilter, after PullRequest, limit int) ([]PullRequest, error) {
	var w filter
	w.is("forge", f.Forge)
	w.is("repository", f.Repository)
	w.is("head", f.Head)
	if f.Number > 0 {
		w.and("number = ?", f.Number)
	}
	if f.Open {
		w.and("open = 1")
	}
	if f.Behind {
		w.and("wanted != shown")
	}
	switch {
	case after.Forge == "":
	case f.Forge != "" && f.Repository != "": // as after is
		w.and("number > ?", after.Number)
	default:
		w.and("(forge, repository, number) > (?, ?, ?)", after.Forge, after.Repository, after.Number)
	}
	return list(ctx, s, scanRequest, "SELECT "+requestColumns+" FROM pull_request"+w.where()+" ORDER BY forge, repository, number LIMIT ?", append(w.args, limit)...)
}

// Hear keeps that a webhook was delivered. It reports whether it is new: a replay
// has the id of a delivery that was heard before.
func (t *Tx) Hear(ctx context.Context, forge, id, event string, now time.Time) (bool, error) {
	r, err := t.tx.ExecContext(ctx, "INSERT INTO delivery (forge, id, event, time) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", forge, id, event, millis(now))
	if err != nil {
		return false, err
	}
	n, err := r.RowsAffected()
	return n > 0, err
}

// AppTeams are the teams that own apps, by app.
func (s *Store) AppTeams(ctx context.Context) (map[string]string, error) {
	type pair struct{ app, team string }
	all, err := list(ctx, s, func(row cells) (p pair, err error) {
		return p, row.Scan(&p.app, &p.team)
	}, "SELECT name, team FROM app WHERE team != ''")
	teams := make(map[string]string, len(all))
	for _, p := range all {
		teams[p.app] = p.team
	}
	return teams, err
}

// An App is an app as its manifest on the default branch says.
type App struct {
	Name       string    `json:"name"`
	Forge      string    `json:"forge"`
	Repository string    `json:"repository"`
	Folder     string    `json:"folder"` // in the repository; "." is its root
	Team       string    `json:"team,omitempty"`
	Shape      string    `json:"shape"`
	Commit     string    `json:"commit"` // of the default branch when its manifest was read
	Tree       string    `json:"tree"`   // git's name of the folder at that commit
	Updated    time.Time `json:"updated"`
	RunsOn     []string  `json:"runs_on,omitempty"` // the labels that its builds need
}

const appColumns = "name, forge, repository, folder, team, shape, commit_id, tree, updated, runs_on"

func scanApp(row cells) (App, error) {
	var a App
	var updated int64
	var runsOn string
	err := row.Scan(&a.Name, &a.Forge, &a.Repository, &a.Folder, &a.Team, &a.Shape, &a.Commit, &a.Tree, &updated, &runsOn)
	a.RunsOn = strings.Fields(runsOn)
	a.Updated = fromMillis(updated)
	return a, err
}

// PutApp keeps an app. A name that an app in another place has is an error of kind
// Conflict.
func (t *Tx) PutApp(ctx context.Context, a App) error {
	had, ok, err := t.App(ctx, a.Name)
	switch {
	case err != nil:
		return err
	case ok && (had.Forge != a.Forge || had.Repository != a.Repository):
		return slipway.Errorf(slipway.Conflict, "there is an app %s already: in %s of %s", a.Name, had.Repository, had.Forge).
			WithFix("give the one in %s another name in its manifest; what one ships would take the other's place", a.Repository)
	}
	_, err = t.tx.ExecContext(ctx, upsert("app", appColumns, 1),
		a.Name, a.Forge, a.Repository, a.Folder, a.Team, a.Shape, a.Commit, a.Tree, millis(a.Updated), labelText(a.RunsOn))
	return err
}

// DropApp forgets an app; its history stays in the ledger.
func (t *Tx) DropApp(ctx context.Context, name string) error {
	_, err := t.tx.ExecContext(ctx, "DELETE FROM app WHERE name = ?", name)
	return err
}

// App reads an app within the transaction.
func (t *Tx) App(ctx context.Context, name string) (App, bool, error) {
	a, err := scanApp(t.tx.QueryRowContext(ctx, "SELECT "+appColumns+" FROM app WHERE name = ?", name))
	if errors.Is(err, sql.ErrNoRows) {
		return a, false, nil
	}
	return a, err == nil, err
}

// AppsOf lists the apps of a repository within the transaction.
func (t *Tx) AppsOf(ctx context.Context, forge, repository string) ([]App, error) {
	return gather(ctx, t.tx, scanApp, "SELECT "+appColumns+" FROM app WHERE forge = ? AND repository = ? ORDER BY name", forge, repository)
}

// App reads an app; ok is false if it is not known.
func (s *Store) App(ctx context.Context, name string) (a App, ok bool, err error) {
	a, err = scanApp(s.reader.QueryRowContext(ctx, "SELECT "+appColumns+" FROM app WHERE name = ?", name))
	if errors.Is(err, sql.ErrNoRows) {
		return a, false, nil
	}
	return a, err == nil, explain("read", s.file, err)
}

// AppFilter says which apps are meant; what is empty leaves all.
type AppFilter struct{ Forge, Repository, Team string }

// Apps lists apps by name, from behind the one named after.
func (s *Store) Apps(ctx context.Context, f AppFilter, after string, limit int) ([]App, error) {
	var w filter
	w.and("name > ?", after)
	w.is("forge", f.Forge)
	w.is("repository", f.Repository)
	w.is("team", f.Team)
	return list(ctx, s, scanApp, "SELECT "+appColumns+" FROM app"+w.where()+" ORDER BY name LIMIT ?", append(w.args, limit)...)
}

// PutCheckResults keeps what the checks of an app said of a commit, with notes for
// those who look at it.
func (t *Tx) PutCheckResults(ctx context.Context, forge, repository, commit, app string, job int64, results []slipway.CheckResult, notes string) error {
	data, err := json.Marshal(results)
	if err != nil {
		return err
	}
	_, err = t.tx.ExecContext(ctx, upsert("check_result", "forge, repository, commit_id, app, job, results, notes", 4),
		forge, repository, commit, app, job, string(data), notes)
	return err
}

// CheckResults reads what the checks said of a commit, by app.
func (s *Store) CheckResults(ctx context.Context, forge, repository, commit string) (map[string][]slipway.CheckResult, error) {
	all, err := checkResults(ctx, s.reader, forge, repository, commit)
	return all, explain("read", s.file, err)
}

// CheckResults reads what the checks said of a commit, by app, within the
// transaction.
func (t *Tx) CheckResults(ctx context.Context, forge, repository, commit string) (map[string][]slipway.CheckResult, error) {
	return checkResults(ctx, t.tx, forge, repository, commit)
}

func checkResults(ctx context.Context, from querier, forge, repository, commit string) (map[string][]slipway.CheckResult, error) {
	rows, err := from.QueryContext(ctx, "SELECT app, results FROM check_result WHERE forge = ? AND repository = ? AND commit_id = ?", forge, repository, commit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := map[string][]slipway.CheckResult{}
	for rows.Next() {
		var app, text string
		if err := rows.Scan(&app, &text); err != nil {
			return nil, err
		}
		var results []slipway.CheckResult
		if err := json.Unmarshal([]byte(text), &results); err != nil {
			return nil, slipway.Errorf(slipway.Internal, "the check results of %s at %s cannot be read: %w", app, commit, err)
		}
		all[app] = results
	}
	return all, rows.Err()
}

// Notes are the notes on a commit, by app, within the transaction.
func (t *Tx) Notes(ctx context.Context, forge, repository, commit string) (map[string]string, error) {
	rows, err := t.tx.QueryContext(ctx, "SELECT app, notes FROM check_result WHERE forge = ? AND repository = ? AND commit_id = ?", forge, repository, commit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := map[string]string{}
	for rows.Next() {
		var app, text string
		if err := rows.Scan(&app, &text); err != nil {
			return nil, err
		}
		all[app] = text
	}
	return all, rows.Err()
}
