package ledger_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/ledger"
)

func subject() ledger.Subject {
	return ledger.Subject{App: "traffic-etl", Environment: "staging"}
}

func chain(t testing.TB, n int) []ledger.Entry {
	t.Helper()
	entries := make([]ledger.Entry, n)
	var head ledger.Entry
	for i := range entries {
		e, err := ledger.Seal(head, ledger.Draft{
			Subject: subject(), After: head.Number, ID: "deploy-" + string(rune('a'+i)), Kind: "deployment.started",
			Time: time.Date(2026, 11, 22, 12, 3, i, 123456789, time.FixedZone("", 3600)), By: "ann@laptop",
			Body: map[string]any{"version": "v1.2.0", "note": "<new>"},
		})
		if err != nil {
			t.Fatal(err)
		}
		entries[i], head = e, e
	}
	return entries
}

// The bytes of an entry are for good: ledgers that exist are read with them.
func TestAnEntryIsKeptInTheseBytes(t *testing.T) {
	got, err := ledger.Encode(chain(t, 2)[1])
	if err != nil {
		t.Fatal(err)
	}
	want := `{"app":"traffic-etl","body":{"note":"<new>","version":"v1.2.0"},"by":"ann@laptop","environment":"staging",` +
		`"hash":"sha256:add494c20c7aa4eed8713ebfdbab2044383a57d32d9ad1d9aaef341e9c22a711","id":"deploy-b","kind":"deployment.started","number":2,"prev":"sha256:0f4eb29c6a308f5214a05e93703c13a80d8463ff24dedbaef69be3b0a0e962cf","time":"2026-11-22T11:03:01.123456Z"}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestDecodeReadsWhatEncodeWrote(t *testing.T) {
	for _, want := range chain(t, 3) {
		data, err := ledger.Encode(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := ledger.Decode(data)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

func TestAnEntryWithoutBody(t *testing.T) {
	e, err := ledger.Seal(ledger.Entry{}, ledger.Draft{Subject: subject(), ID: "1", Kind: "x"})
	if err != nil {
		t.Fatal(err)
	}
	data, err := ledger.Encode(e)
	if err != nil {
		t.Fatal(err)
	}
	got, err := ledger.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(e, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if err := ledger.Verify(subject(), ledger.Entry{}, []ledger.Entry{got}); err != nil {
		t.Error(err)
	}
}

func TestDecodeRefuses(t *testing.T) {
	data, err := ledger.Encode(chain(t, 1)[0])
	if err != nil {
		t.Fatal(err)
	}
	good := string(data)
	tests := []struct{ name, data, want string }{
		{"nothing", "", "not a ledger entry: EOF"},
		{"half of it", good[:len(good)/2], "not a ledger entry: unexpected EOF"},
		{"no JSON", "hello", "not a ledger entry: invalid character 'h'"},
		{"an unknown field", strings.Replace(good, `"by"`, `"bye"`, 1), `not a ledger entry: json: unknown field "bye"`},
		{"blanks", strings.Replace(good, ",", ", ", 1), "not a ledger entry: its JSON is not canonical"},
		{"more behind it", good + good, "not a ledger entry: something stands behind it"},
		{"a field twice", strings.Replace(good, `"number":1`, `"number":2,"number":1`, 1), "not a ledger entry: its JSON is not canonical"},
	}
	for _, tt := range tests {
		_, err := ledger.Decode([]byte(tt.data))
		if err == nil || !strings.HasPrefix(err.Error(), tt.want) || slipway.KindOf(err) != slipway.Invalid {
			t.Errorf("%s: got %v, want %s", tt.name, err, tt.want)
		}
	}
}

func TestVerifyFindsTampering(t *testing.T) {
	rehash := func(e ledger.Entry) ledger.Entry {
		e.Hash, _ = ledger.Hash(e)
		return e
	}
	tests := []struct {
		name   string
		tamper func(c []ledger.Entry) []ledger.Entry
		want   string
	}{
		{"a body changed", func(c []ledger.Entry) []ledger.Entry {
			c[1].Body = json.RawMessage(`{"version":"v6.6.6"}`)
			return c
		}, "the ledger of traffic-etl in staging is broken at entry 2: it was changed: its hash is sha256:"},
		{"a body and its hash changed", func(c []ledger.Entry) []ledger.Entry {
			c[1].Body = json.RawMessage(`{"version":"v6.6.6"}`)
			c[1] = rehash(c[1])
			return c
		}, "the ledger of traffic-etl in staging is broken at entry 3: it follows an entry with the hash sha256:"},
		{"the writer changed", func(c []ledger.Entry) []ledger.Entry { c[2].By = "mallory"; return c }, "broken at entry 3: it was changed"},
		{"the time changed", func(c []ledger.Entry) []ledger.Entry { c[0].Time = c[0].Time.Add(1000); return c }, "broken at entry 1: it was changed"},
		{"an entry taken out", func(c []ledger.Entry) []ledger.Entry { return append(c[:1], c[2:]...) }, "broken at entry 2: it is missing, and 3 stands in its place"},
		{"the first taken out", func(c []ledger.Entry) []ledger.Entry { return c[1:] }, "broken at entry 1: it is missing, and 2 stands in its place"},
		{"two exchanged", func(c []ledger.Entry) []ledger.Entry { c[1], c[2] = c[2], c[1]; return c }, "broken at entry 2: it is missing, and 3 stands in its place"},
		{"one of another subject", func(c []ledger.Entry) []ledger.Entry {
			c[1].App = "other"
			c[1] = rehash(c[1])
			return c
		}, "broken at entry 2: it is about other in staging"},
		{"a first that follows something", func(c []ledger.Entry) []ledger.Entry {
			c[0].Prev = c[1].Hash
			c[0] = rehash(c[0])
			return c[:1]
		}, "broken at entry 1: it follows an entry with the hash sha256:"},
		{"an id twice", func(c []ledger.Entry) []ledger.Entry {
			c[1].ID = c[0].ID
			c[1] = rehash(c[1])
			return c[:2]
		}, "broken at entry 2: its id deploy-a is there twice"},
		{"a body that is no JSON", func(c []ledger.Entry) []ledger.Entry { c[1].Body = json.RawMessage(`{`); return c }, "broken at entry 2: it cannot be hashed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := ledger.Verify(subject(), ledger.Entry{}, tt.tamper(chain(t, 4)))
			if err == nil || !strings.Contains(err.Error(), tt.want) || slipway.KindOf(err) != slipway.Conflict {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
}

func TestVerifyContinues(t *testing.T) {
	c := chain(t, 5)
	if err := ledger.Verify(subject(), ledger.Entry{}, nil); err != nil {
		t.Error(err)
	}
	for i := range c {
		if err := ledger.Verify(subject(), ledger.Entry{}, c[:i]); err != nil {
			t.Errorf("first %d: %v", i, err)
		}
		if err := ledger.Verify(subject(), c[i], c[i+1:]); err != nil {
			t.Errorf("behind %d: %v", i+1, err)
		}
	}
	if err := ledger.Verify(subject(), c[1], c[3:]); slipway.KindOf(err) != slipway.Conflict {
		t.Errorf("got %v, want a broken chain", err)
	}
}

func TestSealRefuses(t *testing.T) {
	head := chain(t, 3)[2]
	tests := []struct {
		name string
		head ledger.Entry
		d    ledger.Draft
		kind slipway.Kind
		want string
	}{
		{
			"a chain that moved on", head,
			ledger.Draft{Subject: subject(), After: 2, ID: "x", Kind: "k"},
			slipway.Conflict,
			"the ledger of traffic-etl in staging has moved on to entry 3: deployment.started by ann@laptop at 2026-11-22T11:03:02Z",
		},
		{
			"a chain that went back", head,
			ledger.Draft{Subject: subject(), After: 7, ID: "x", Kind: "k"},
			slipway.Conflict,
			"the ledger of traffic-etl in staging ends at entry 3 and has no entry 7 to follow",
		},
		{
			"a statement without a digest",
			ledger.Entry{},
			ledger.Draft{Subject: subject(), ID: "x", Kind: "k", Statements: []slipway.Digest{"sha256:1"}},
			slipway.Invalid,
			`"sha256:1" is not the digest of a statement`,
		},
		{
			"no id",
			ledger.Entry{},
			ledger.Draft{Subject: subject(), Kind: "k"},
			slipway.Invalid,
			`a ledger entry needs an app, an environment, an id and a kind, not "traffic-etl", "staging", "" and "k"`,
		},
	}
	for _, tt := range tests {
		_, err := ledger.Seal(tt.head, tt.d)
		if err == nil || err.Error() != tt.want || slipway.KindOf(err) != tt.kind {
			t.Errorf("%s: got %v, want %s", tt.name, err, tt.want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, e := range chain(f, 2) {
		data, err := ledger.Encode(e)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(`{"app":"a","body":1e5,"number":-0}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := ledger.Decode(data)
		if err != nil {
			if slipway.KindOf(err) != slipway.Invalid {
				t.Errorf("kind %s: %v", slipway.KindOf(err), err)
			}
			return
		}
		again, err := ledger.Encode(e)
		if err != nil || string(again) != string(data) {
			t.Errorf("%s became %s (%v)", data, again, err)
		}
	})
}

func FuzzCanonical(f *testing.F) {
	for _, seed := range []string{`{"b":[1.50,-0,1e21],"a":"\u20ac\n"}`, `[]`, `"\ud800"`, `123456789012345678901234567890`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		once, err := ledger.Canonical(json.RawMessage(data))
		if err != nil {
			return
		}
		twice, err := ledger.Canonical(json.RawMessage(once))
		if err != nil || string(once) != string(twice) {
			t.Errorf("%s became %s (%v)", once, twice, err)
		}
	})
}

// An entry that was written before entries could name statements is read as it
// always was, and has the hash it had.
func TestEntryWithoutStatements(t *testing.T) {
	text := `{"app":"etl","body":{},"by":"ann","environment":"dev",` +
		`"hash":"sha256:612ced32456bbd9760d01a60926c4069ce84e0bef0f39072ef303e265ba25e27","id":"x","kind":"k","number":1,"prev":"","time":"2026-11-22T11:03:02Z"}`
	e, err := ledger.Decode([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := ledger.Verify(ledger.Subject{App: "etl", Environment: "dev"}, ledger.Entry{}, []ledger.Entry{e}); err != nil {
		t.Error(err)
	}
}
