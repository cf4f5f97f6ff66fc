package notice_test

import (
	"bufio"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/notice"
)

func failure() notice.Message {
	return notice.Message{
		ID: "traffic/prod/run-7/failed", Kind: notice.Failed, App: "traffic", Environment: "prod", Team: "data", Run: "run-7", State: "failed", Version: "v3",
		Text: "traffic.ipynb, cell 5, line 3: ValueError: <empty>", URL: "https://slipway.example.com/x", Time: time.Date(2026, 11, 23, 3, 0, 0, 0, time.UTC),
	}
}

// received is what a server got.
type received struct {
	body   []byte
	header http.Header
}

func receiver(t *testing.T, status int) (*httptest.Server, *received) {
	t.Helper()
	var got received
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got.header = r.Header
		got.body, _ = io.ReadAll(r.Body)
		w.WriteHeader(status)
	}))
	t.Cleanup(s.Close)
	return s, &got
}

func TestWebhook(t *testing.T) {
	s, got := receiver(t, 204)
	sender := notice.Sender{HTTP: s.Client(), Sign: "key"}
	if err := sender.Send(t.Context(), notice.Target{Webhook: s.URL}, failure()); err != nil {
		t.Fatal(err)
	}
	var m notice.Message
	if err := json.Unmarshal(got.body, &m); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(failure(), m); diff != "" {
		t.Errorf("the message (-want +got):\n%s", diff)
	}
	mac := hmac.New(sha256.New, []byte("key"))
	mac.Write(got.body)
	if sig := got.header.Get("Slipway-Signature"); sig != "sha256="+hex.EncodeToString(mac.Sum(nil)) {
		t.Errorf("the signature is %s", sig)
	}
	if id := got.header.Get("Slipway-Message"); id != m.ID {
		t.Errorf("the id is %s", id)
	}
}

func TestSlack(t *testing.T) {
	s, got := receiver(t, 200)
	if err := (notice.Sender{HTTP: s.Client()}).Send(t.Context(), notice.Target{Slack: s.URL}, failure()); err != nil {
		t.Fatal(err)
	}
	var m struct{ Text string }
	if err := json.Unmarshal(got.body, &m); err != nil {
		t.Fatal(err)
	}
	want := "traffic in prod: run run-7 failed\n\ntraffic.ipynb, cell 5, line 3: ValueError: &lt;empty&gt;\n\nversion v3, 2026-11-23 03:00:00 UTC\nhttps://slipway.example.com/x\n"
	if diff := cmp.Diff(want, m.Text); diff != "" {
		t.Errorf("the text (-want +got):\n%s", diff)
	}
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		status int
		kind   slipway.Kind
		text   string
	}{
		{404, slipway.Failed, "127.0.0.1:PORT refuses a webhook: 404 Not Found"},
		{429, slipway.Unavailable, "127.0.0.1:PORT answers a webhook with 429 Too Many Requests"},
		{503, slipway.Unavailable, "127.0.0.1:PORT answers a webhook with 503 Service Unavailable"},
	} {
		s, _ := receiver(t, c.status)
		err := notice.Sender{HTTP: s.Client()}.Send(t.Context(), notice.Target{Webhook: s.URL + "/s3cret"}, failure())
		text := strings.ReplaceAll(fmt.Sprint(err), strings.TrimPrefix(s.URL, "http://"), "127.0.0.1:PORT")
		if slipway.KindOf(err) != c.kind || text != c.text {
			t.Errorf("%d: %s %s; want %s %s", c.status, slipway.KindOf(err), text, c.kind, c.text)
		}
	}
	s, _ := receiver(t, 200)
	s.Close()
	err := notice.Sender{HTTP: http.DefaultClient}.Send(t.Context(), notice.Target{Webhook: s.URL + "/s3cret"}, failure())
	if slipway.KindOf(err) != slipway.Unavailable || strings.Contains(err.Error(), "s3cret") || !strings.Contains(err.Error(), "a webhook cannot be sent: ") {
		t.Errorf("with nobody there: %v", err)
	}
	for want, to := range map[string]notice.Target{
		"there is no way to send the message to": {},
		"there is no server for e-mail":          {Email: []string{"a@example.com"}},
	} {
		if err := (notice.Sender{HTTP: http.DefaultClient}).Send(t.Context(), to, failure()); slipway.KindOf(err) != slipway.Invalid || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// TestMail sends to a server that speaks as much SMTP as is needed.
func TestMail(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	got := make(chan string, 1)
	go func() { got <- smtp(l) }()
	addr, _ := l.Addr().(*net.TCPAddr)
	sender := notice.Sender{Mail: &notice.Mail{Host: "127.0.0.1", Port: addr.Port, From: "slipway@example.com", Insecure: true}}
	if err := sender.Send(t.Context(), notice.Target{Email: []string{"mara@example.com"}}, failure()); err != nil {
		t.Fatal(err)
	}
	text := <-got
	for _, want := range []string{"MAIL FROM:<slipway@example.com>", "RCPT TO:<mara@example.com>", "Subject: traffic in prod: run run-7 failed", "cell 5, line 3", "Message-ID: <traffic/prod/run-7/failed@slipway>"} {
		if !strings.Contains(text, want) {
			t.Errorf("there is no %q in\n%s", want, text)
		}
	}
}

// smtp takes one message (RFC 5321) and returns all that was said.
func smtp(l net.Listener) string {
	c, err := l.Accept()
	if err != nil {
		return err.Error()
	}
	defer c.Close()
	var said strings.Builder
	fmt.Fprint(c, "220 test\r\n")
	lines := bufio.NewScanner(c)
	data := false
	for lines.Scan() {
		line := lines.Text()
		said.WriteString(line + "\n")
		switch {
		case data && line != ".":
		case line == ".":
			data = false
			fmt.Fprint(c, "250 ok\r\n")
		case strings.HasPrefix(line, "DATA"):
			data = true
			fmt.Fprint(c, "354 go on\r\n")
		case strings.HasPrefix(line, "QUIT"):
			fmt.Fprint(c, "221 bye\r\n")
			return said.String()
		default:
			fmt.Fprint(c, "250 ok\r\n")
		}
	}
	return said.String()
}
