package workflowtest

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway/workflow"
)

// A thing has a field of every type that stages hand on.
type thing struct {
	Time    time.Time          `json:"time"`
	Zero    time.Time          `json:"zero,omitzero"`
	Took    time.Duration      `json:"took"`
	Map     map[string]any     `json:"map"`
	Nil     *thing             `json:"nil"`
	Next    *thing             `json:"next"`
	List    []thing            `json:"list"`
	Empty   []string           `json:"empty"`
	Bytes   []byte             `json:"bytes"`
	Number  int64              `json:"number"`
	Pointer *float64           `json:"pointer"`
	Texts   map[string][]int64 `json:"texts"`
}

func things() thing {
	half := 0.5
	return thing{
		Time: time.Date(2026, 11, 22, 12, 3, 10, 123456789, time.UTC), Took: 90 * time.Second,
		Map:  map[string]any{"workers": 10.0, "secret": map[string]any{"secret": "a/b"}, "nothing": nil, "text": "<&>\u2028é\x00"},
		Next: &thing{Number: 1}, List: []thing{{Number: 2}, {}}, Empty: []string{}, Bytes: []byte{0, 255},
		Number: 1<<62 + 1, Pointer: &half, Texts: map[string][]int64{"a": {1, 2}, "b": nil},
	}
}

// values sends a thing through the input, a step and the result, with a stop
// between, and nil pointers too.
func values(t *testing.T, k Kit) {
	stop := func(context.Context) {}
	var w *workflow.Workflow[thing, *thing]
	register := func(e *workflow.Engine) {
		w = workflow.Register(e, "values", func(steps *workflow.Steps, in thing) (*thing, error) {
			made, err := workflow.Do(steps, "make", func(context.Context) (*thing, error) { return &in, nil })
			if err != nil {
				return nil, err
			}
			none, err := workflow.Do(steps, "nothing", func(context.Context) (*thing, error) { return nil, nil }) //nolint:nilnil // a stage says so that it found nothing
			if err != nil || none != nil {
				return nil, fmt.Errorf("nothing became %v, %w", none, err)
			}
			_, err = workflow.Do(steps, "stop", func(ctx context.Context) (int, error) { stop(ctx); return 0, ctx.Err() })
			return made, err
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	stop = func(ctx context.Context) { cancel(); <-ctx.Done() }
	e := k.Open(t, register)
	if _, err := w.Run(ctx, e, "s", things(), nil); err == nil {
		t.Fatal("Run gives no error")
	}
	stop = func(context.Context) {}
	e = k.Open(t, register)
	got, err := w.Run(t.Context(), e, "s", thing{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := things()
	if diff := cmp.Diff(&want, got); diff != "" {
		t.Errorf("the thing (-want +got):\n%s", diff)
	}
}

// concurrent has each of many subjects wait, in its step b, until all are there.
func concurrent(t *testing.T, k Kit) {
	const n = 8
	var there sync.WaitGroup
	there.Add(n)
	j, e := open(t, k, map[string]func(context.Context) (string, error){"b": func(context.Context) (string, error) {
		there.Done()
		there.Wait()
		return "b", nil
	}})
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			in := strconv.Itoa(i)
			got, err := j.flow.Run(t.Context(), e, "subject/"+in, in, nil)
			if err != nil || got != in+"abc" {
				t.Errorf("subject %d: %q, %v", i, got, err)
			}
		})
	}
	all.Wait()
}

// apart has subjects that are beginnings of each other, and a second workflow.
func apart(t *testing.T, k Kit) {
	for _, subject := range []string{"s", "s/1", "s/1/1", "s/2"} {
		cut(t, k, subject, subject+":")
	}
	t.Run("a name holds no slash", func(t *testing.T) {
		defer func() {
			if recover() == nil {
				t.Error("a name with a slash is registered")
			}
		}()
		workflow.Register(nil, "job/s", func(*workflow.Steps, int) (int, error) { return 0, nil })
	})
	var other *workflow.Workflow[int, int]
	j := &job{}
	e := k.Open(t, func(e *workflow.Engine) {
		j.register(e)
		other = workflow.Register(e, "job-s", func(_ *workflow.Steps, in int) (int, error) { return in + 1, nil })
	})
	for _, subject := range []string{"1", "1/1", "x"} {
		got, err := other.Run(t.Context(), e, subject, 41, func() { t.Errorf("%s goes on with another workflow", subject) })
		if err != nil || got != 42 {
			t.Errorf("Run gives %d, %v", got, err)
		}
	}
	for _, subject := range []string{"s/2", "s/1/1", "s/1", "s"} {
		j.mustRun(t, e, subject, "new", subject+":abc")
	}
}

func prune(t *testing.T, k Kit) {
	cut(t, k, "open", "open:")
	j, e := open(t, k, nil)
	for i := range 6 {
		j.mustRun(t, e, fmt.Sprint("ended/", i), "", "abc")
	}
	for _, keep := range []int{10, 2, 2, 0} {
		if err := e.Prune(keep); err != nil {
			t.Fatal(err)
		}
	}
	j.lines = nil
	j.step = map[string]func(context.Context) (string, error){"a": func(context.Context) (string, error) { return "A", nil }}
	j.mustRun(t, e, "ended/0", "new:", "new:Abc")
	j.want(t, "a", "b", "c")
	j.mustRun(t, e, "open", "new:", "open:abc")
	j.want(t, "resuming", "b", "c")
}
