package dashboard_test

import (
	"bufio"
	"context"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"go.uber.org/goleak"

	"github.com/stepping-cdc/stepping-cdc/dashboard"
	"github.com/stepping-cdc/stepping-cdc/pipeline"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// source is a pipeline as far as the dashboard sees it.
type source struct {
	state  atomic.Value
	asked  atomic.Int64
	failed atomic.Bool
}

func (s *source) progress() pipeline.Progress {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	return pipeline.Progress{
		State: s.state.Load().(string), Applied: 0x1_0000_0010, Position: 0x1_0000_0020, WALEnd: 0x1_0000_0120,
		CommittedAt: at, AppliedAt: at.Add(2500 * time.Microsecond), Transactions: 12345, StateBytes: 3 << 20, Clock: at.Add(3 * time.Second),
	}
}

func (s *source) status(context.Context) (*pipeline.Status, error) {
	s.asked.Add(1)
	if s.failed.Load() {
		return nil, errors.New("connect to source: refused")
	}
	safe := int64(1 << 30)
	return &pipeline.Status{
		Slot: &pipeline.SlotStatus{Name: "s", Active: true, RetainedBytes: 2048, SafeBytes: &safe},
		Views: []pipeline.ViewStatus{
			{Name: "revenue", State: "live", Rows: 1234567, Configured: true},
			{Name: `<script>alert("x")</script>`, State: "errored", Error: "2 rows fail", Cause: `division by zero & "more"`, ErrorRows: 2, Configured: true},
		},
		Problems: []string{"view x is errored"},
	}, nil
}

func listen(t *testing.T) (*source, string) {
	t.Helper()
	s := &source{}
	s.state.Store("live")
	server, err := dashboard.Listen("127.0.0.1:0", dashboard.Options{Progress: s.progress, Status: s.status})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		http.DefaultClient.CloseIdleConnections()
	})
	return s, "http://" + server.Address()
}

func get(t *testing.T, url string) (int, http.Header, string) {
	t.Helper()
	r, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r.StatusCode, r.Header, string(body)
}

func contains(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("%q is missing in:\n%s", p, text)
		}
	}
}

func TestPage(t *testing.T) {
	s, url := listen(t)
	code, header, body := get(t, url+"/")
	if code != 200 {
		t.Fatalf("%d", code)
	}
	contains(t, body, "revenue", "1\u202f234\u202f567", "2.5 ms", "12\u202f345", "1/10", "&lt;script&gt;", "division by zero &amp;", "view x is errored")
	if strings.Contains(body, "<script>alert") {
		t.Error("a view's name is not escaped")
	}
	contains(t, header.Get("Content-Security-Policy"), "default-src 'none'", "frame-ancestors 'none'")
	// Nothing is loaded from elsewhere, and what is named is there.
	for _, asset := range []string{"assets/page.css", "assets/page.js"} {
		contains(t, body, asset)
		if code, _, _ := get(t, url+"/"+asset); code != 200 {
			t.Errorf("%s: %d", asset, code)
		}
	}
	if strings.Contains(body, "http://") || strings.Contains(body, "https://") {
		t.Error("the page names another site")
	}
	d := xml.NewDecoder(strings.NewReader(body))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	for {
		if _, err := d.Token(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatalf("the page is not well-formed: %v", err)
		}
	}

	s.failed.Store(true)
	time.Sleep(1100 * time.Millisecond) // the answer is kept for a second
	code, _, body = get(t, url+"/")
	if code != 200 {
		t.Errorf("%d", code)
	}
	contains(t, body, "connect to source: refused", "12\u202f345")
}

func TestNothingElseIsServed(t *testing.T) {
	_, url := listen(t)
	for _, path := range []string{"/nonsense", "/page.html", "/assets/../page.html", "/debug/pprof/"} {
		if code, _, _ := get(t, url+path); code != 404 {
			t.Errorf("%s: %d", path, code)
		}
	}
	r, err := http.Post(url+"/", "text/plain", strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	if r.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", r.StatusCode)
	}
}

func TestHealth(t *testing.T) {
	s, url := listen(t)
	for state, want := range map[string]int{"starting": 503, "loading": 503, "reconnecting": 503, "live": 200} {
		s.state.Store(state)
		if code, _, body := get(t, url+"/readyz"); code != want || body != state+"\n" {
			t.Errorf("readyz while %s: %d %s", state, code, body)
		}
		if code, _, _ := get(t, url+"/healthz"); code != 200 {
			t.Errorf("healthz while %s: %d", state, code)
		}
	}
}

func TestMetrics(t *testing.T) {
	s, url := listen(t)
	_, _, body := get(t, url+"/metrics")
	contains(t, body, "stepping_cdc_live 1\n", "stepping_cdc_transactions_total 12345\n", "stepping_cdc_lag_bytes 256\n",
		"stepping_cdc_freshness_seconds 0.0025\n", `stepping_cdc_view_rows{view="revenue"} 1.234567e+06`,
		`stepping_cdc_view_state{state="live",view="revenue"} 1`, "stepping_cdc_slot_retained_bytes 2048\n",
		"stepping_cdc_slot_safe_bytes 1.073741824e+09\n", "stepping_cdc_status_up 1\n", "go_goroutines ")
	problems, err := promlint.New(strings.NewReader(body)).Lint()
	if err != nil || len(problems) > 0 {
		t.Errorf("%v %v", problems, err)
	}
	s.failed.Store(true)
	time.Sleep(1100 * time.Millisecond)
	_, _, body = get(t, url+"/metrics")
	contains(t, body, "stepping_cdc_status_up 0\n", "stepping_cdc_live 1\n")
}

// The stream goes on, does not ask the databases more often than once a second
// for any number of readers, and ends with the server.
func TestEvents(t *testing.T) {
	s, url := listen(t)
	for range 3 {
		r, err := http.Get(url + "/events")
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		if ct := r.Header.Get("Content-Type"); ct != "text/event-stream" {
			t.Errorf("%s", ct)
		}
		lines := bufio.NewScanner(r.Body)
		for events := 0; events < 2 && lines.Scan(); {
			switch text := lines.Text(); {
			case text == "":
				events++
			case !strings.HasPrefix(text, "data: "):
				t.Fatalf("%q is no event", text)
			}
		}
	}
	if n := s.asked.Load(); n > 5 {
		t.Errorf("asked %d times", n)
	}
}
