package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// A statement is what was asked of a database.
type statement struct {
	text string
	args []any
}

// A tracer notes what is asked of a database.
type tracer struct {
	mu  sync.Mutex
	all []statement
}

func (t *tracer) note(text string, args []driver.NamedValue) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := statement{text: text}
	for _, a := range args {
		s.args = append(s.args, a.Value)
	}
	t.all = append(t.all, s)
}

// traced connects to what another pool is connected to.
type traced struct {
	*tracer
	under *sql.DB
}

// Connect implements driver.Connector.
func (d traced) Connect(ctx context.Context) (driver.Conn, error) {
	held, err := d.under.Conn(ctx)
	if err != nil {
		return nil, err
	}
	c := &tracedConn{tracer: d.tracer, held: held}
	return c, held.Raw(func(under any) error {
		c.driverConn = under.(driver.Conn) //nolint:forcetypeassert // it is held until this one is closed
		return nil
	})
}

// Driver implements driver.Connector.
func (d traced) Driver() driver.Driver { return d.under.Driver() }

// A tracedConn notes the statements that go through a connection.
type tracedConn struct {
	driverConn
	*tracer
	held *sql.Conn
}

type driverConn = driver.Conn

// Conn is what is below the driver, over PostgreSQL.
func (c *tracedConn) Conn() *pgx.Conn {
	return c.driverConn.(*stdlib.Conn).Conn() //nolint:forcetypeassert // nobody asks for it over SQLite
}

func (c *tracedConn) Close() error { return c.held.Close() }

func (c *tracedConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	c.note(query, args)
	return c.driverConn.(driver.QueryerContext).QueryContext(ctx, query, args) //nolint:forcetypeassert // both drivers are
}

func (c *tracedConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	c.note(query, args)
	return c.driverConn.(driver.ExecerContext).ExecContext(ctx, query, args) //nolint:forcetypeassert // both drivers are
}

func (c *tracedConn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	return c.driverConn.(driver.ConnBeginTx).BeginTx(ctx, opts) //nolint:forcetypeassert // both drivers are
}

func (c *tracedConn) CheckNamedValue(v *driver.NamedValue) error {
	if checker, ok := c.driverConn.(driver.NamedValueChecker); ok {
		return checker.CheckNamedValue(v)
	}
	return driver.ErrSkip
}

// Scans are the statements of fn that go through many rows to find few, each with why.
func (s *Store) Scans(t testing.TB, fn func()) (scans []string) {
	t.Helper()
	seen := &tracer{}
	under := s.reader.DB
	pools := []*database{s.reader}
	if s.writer != s.reader {
		pools = append(pools, s.writer)
	}
	for _, db := range pools {
		before := db.DB
		db.DB = sql.OpenDB(traced{seen, before})
		defer func() {
			_ = db.Close() // what is under it stays
			db.DB = before
		}()
	}
	fn()
	for _, st := range seen.all {
		if !strings.HasPrefix(st.text, "SELECT") && !strings.HasPrefix(st.text, "WITH") {
			continue
		}
		why := scanOfSQLite
		if s.shared != nil {
			why = scanOfPostgres
		}
		if text := why(t, under, st); text != "" {
			scans = append(scans, st.text+": "+text)
		}
	}
	return scans
}

// scanned finds what SQLite goes through, and by which index.
var scanned = regexp.MustCompile(`^SCAN (\w+)(?: USING (?:COVERING )?INDEX (\w+))?`)

// scanOfSQLite says what a statement goes through that is neither an index of some rows
// only nor a page in the order of a table.
func scanOfSQLite(t testing.TB, db *sql.DB, st statement) string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+st.text, st.args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var id, parent, unused int
		var detail string
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			t.Fatal(err)
		}
		m := scanned.FindStringSubmatch(detail)
		if m == nil || strings.Contains(st.text, " LIMIT ") && !strings.Contains(st.text, " WHERE ") {
			continue
		}
		var table, some bool
		if err := db.QueryRowContext(t.Context(), `SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?),
			EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'index' AND name = ? AND sql LIKE '% WHERE %')`, m[1], m[2]).Scan(&table, &some); err != nil {
			t.Fatal(err)
		}
		if table && !some {
			return detail
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return ""
}

// A node is a part of PostgreSQL's plan, with what came of it.
type node struct {
	Type     string  `json:"Node Type"`
	Relation string  `json:"Relation Name"`
	Index    string  `json:"Index Name"`
	Rows     float64 `json:"Actual Rows"`
	Loops    float64 `json:"Actual Loops"`
	Removed  float64 `json:"Rows Removed by Filter"`
	Plans    []node
}

// scanOfPostgres does a statement again and says what it went through in vain.
func scanOfPostgres(t testing.TB, db *sql.DB, st statement) string {
	t.Helper()
	var text string
	if err := db.QueryRowContext(t.Context(), "EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) "+st.text, st.args...).Scan(&text); err != nil {
		t.Fatal(err, st.text)
	}
	var plans []struct{ Plan node }
	if err := json.Unmarshal([]byte(text), &plans); err != nil {
		t.Fatal(err)
	}
	return plans[0].Plan.scan(plans[0].Plan.Rows)
}

// scan says what a part of a plan goes through of which little comes in the end.
func (n node) scan(found float64) string {
	const few = 1000
	through := (n.Rows + n.Removed) * n.Loops
	if n.Relation != "" && through > few && (n.Removed*n.Loops > few || found < few) {
		return fmt.Sprintf("%s of %s %s: %g rows, and %g in vain", n.Type, n.Relation, n.Index, n.Rows*n.Loops, n.Removed*n.Loops)
	}
	for _, p := range n.Plans {
		if text := p.scan(found); text != "" {
			return text
		}
	}
	return ""
}
