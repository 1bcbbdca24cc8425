package dashboard_test

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/jackc/pgx/v5"
	"github.com/rs/zerolog"

	"github.com/stepping-cdc/stepping-cdc/config"
	"github.com/stepping-cdc/stepping-cdc/dashboard"
	"github.com/stepping-cdc/stepping-cdc/embedded"
	"github.com/stepping-cdc/stepping-cdc/pipeline"
)

// browser is a Chromium that tells what it does.
type browser struct {
	t   *testing.T
	ctx context.Context

	mu       sync.Mutex
	requests []string
	said     []string // on the console, errors and warnings
}

// openBrowser starts a browser; the test ends it.
func openBrowser(t *testing.T) *browser {
	t.Helper()
	path, err := embedded.Program(t.Context(), "chromium", []string{"chromium", "chromium-browser", "google-chrome"}, os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := chromedp.NewExecAllocator(context.Background(), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.Flag("disable-dev-shm-usage", true))...)
	t.Cleanup(end)
	ctx, end = chromedp.NewContext(ctx)
	t.Cleanup(end)
	ctx, end = context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(end)
	b := &browser{t: t, ctx: ctx}
	chromedp.ListenTarget(ctx, func(ev any) {
		b.mu.Lock()
		defer b.mu.Unlock()
		switch ev := ev.(type) {
		case *network.EventRequestWillBeSent:
			b.requests = append(b.requests, ev.Request.URL)
		case *network.EventWebSocketCreated:
			b.requests = append(b.requests, ev.URL)
		case *log.EventEntryAdded:
			b.said = append(b.said, fmt.Sprintf("%s: %s %s", ev.Entry.Level, ev.Entry.Text, ev.Entry.URL))
		case *runtime.EventConsoleAPICalled:
			b.said = append(b.said, fmt.Sprint("console.", ev.Type))
		case *runtime.EventExceptionThrown:
			b.said = append(b.said, ev.ExceptionDetails.Error())
		}
	})
	return b
}

func (b *browser) do(actions ...chromedp.Action) {
	b.t.Helper()
	if err := chromedp.Run(b.ctx, actions...); err != nil {
		b.t.Fatal(err)
	}
}

// eval is the value of an expression on the page.
func eval[T any](b *browser, js string) (v T) {
	b.t.Helper()
	b.do(chromedp.Evaluate(js, &v))
	return v
}

// until waits for an expression on the page to be true.
func (b *browser) until(js string) {
	b.t.Helper()
	for end := time.Now().Add(30 * time.Second); !eval[bool](b, js); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			b.t.Fatalf("%s: not so after 30 s; the page:\n%s", js, eval[string](b, "document.body.innerText"))
		}
	}
}

// TestBrowser looks at the page of a running pipeline as people do.
func TestBrowser(t *testing.T) {
	srv := embedded.StartForTest(t, embedded.Options{})
	dsn := srv.NewDB(t)
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	exec := func(sql string) {
		t.Helper()
		if _, err := conn.PgConn().Exec(t.Context(), sql).ReadAll(); err != nil {
			t.Fatal(err)
		}
	}
	const password = "geheim-wort"
	exec(`CREATE TABLE orders (id int PRIMARY KEY, qty int); INSERT INTO orders SELECT i, 1 + i % 5 FROM generate_series(1, 1000) i;
		ALTER ROLE postgres PASSWORD '` + password + `'`)
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword("postgres", password)
	cfg := &config.Config{
		Source: config.Source{DSN: config.DSN(u.String()), Slot: "browser", Publication: "stepping_cdc", ManagePublication: true},
		Sink:   config.Sink{DSN: config.DSN(u.String()), Schema: "stepping"},
		State:  config.State{Dir: t.TempDir() + "/state", Memory: 32 << 20},
		Views: []config.View{
			{Name: "all_orders", Query: "SELECT id, qty FROM orders"},
			{Name: "shares", Query: "SELECT id, 100 / qty AS share FROM orders"},
			{Name: `<b onclick="alert(1)">bold</b>`, Query: "SELECT count(*) AS n FROM orders"},
		},
	}
	live := make(chan struct{})
	p := pipeline.New(cfg, zerolog.Nop(), pipeline.Options{Live: sync.OnceFunc(func() { close(live) })})
	running, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(running) }()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	<-live
	server, err := dashboard.Listen("127.0.0.1:0", dashboard.Options{
		Progress: p.Progress,
		Status:   func(ctx context.Context) (*pipeline.Status, error) { return pipeline.ReadStatus(ctx, cfg, false) },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	address := "http://" + server.Address()

	b := openBrowser(t)
	b.do(network.Enable(), log.Enable(), runtime.Enable(), chromedp.Navigate(address))
	// Views, states, rows, lag.
	row := func(view string) string {
		return fmt.Sprintf(`[...document.querySelectorAll("tbody tr")].filter(r => r.cells[0].innerText === %q).map(r => r.innerText).join("")`, view)
	}
	has := func(view, text string) string { return fmt.Sprintf(`(%s).includes(%q)`, row(view), text) }
	b.until(has("all_orders", "live") + " && " + has("all_orders", "1\u202f000"))
	b.until(has(cfg.Views[2].Name, "live")) // as text, and no element of ours
	if n := eval[int](b, `document.querySelectorAll("tbody b").length`); n != 0 {
		t.Error("a view's name has become an element")
	}
	b.until(`[...document.querySelectorAll("dt")].some(d => d.innerText.startsWith("behind") && /\d/.test(d.nextElementSibling.innerText))`)
	b.until(`document.querySelector("h1 .state").innerText === "live"`)

	// What is written shows by itself.
	before := eval[string](b, `document.querySelector("dd").innerText`)
	exec("INSERT INTO orders SELECT i, 1 FROM generate_series(2001, 2234) i")
	b.until(has("all_orders", "1\u202f234"))
	if after := eval[string](b, `document.querySelector("dd").innerText`); after == before {
		t.Errorf("the position is still %s", after)
	}

	// A view that fails, and why; then it is mended.
	exec("UPDATE orders SET qty = 0 WHERE id = 7")
	b.until(has("shares", "errored") + " && " + has("shares", "division by zero") + ` && document.querySelector(".problem").innerText.includes("shares")`)
	if color := eval[string](b, `getComputedStyle(document.querySelector(".state.errored")).color`); color == eval[string](b, `getComputedStyle(document.querySelector(".state.live")).color`) {
		t.Error("errored looks like live")
	}

	// On a phone nothing is cut off, the cause included.
	screens := os.Getenv("STEPPING_SCREENSHOTS")
	for _, width := range []int64{320, 390, 1280} {
		b.do(emulation.SetDeviceMetricsOverride(width, 800, 2, width < 500))
		b.until(`document.readyState === "complete"`)
		if over := eval[int64](b, `document.documentElement.scrollWidth`); over > width {
			t.Errorf("at a width of %d, the page is %d wide", width, over)
		}
		if !eval[bool](b, `[...document.querySelectorAll("tbody td, tbody th, dd, .problem")].every(e => { const r = e.getBoundingClientRect(); return r.left >= 0 && r.right <= innerWidth })`) {
			t.Errorf("at a width of %d, something lies outside", width)
		}
		if screens != "" {
			var png []byte
			b.do(chromedp.CaptureScreenshot(&png))
			if err := os.WriteFile(fmt.Sprintf("%s/page-%d.png", screens, width), png, 0o644); err != nil {
				t.Error(err)
			}
		}
	}
	b.do(emulation.ClearDeviceMetricsOverride())
	exec("UPDATE orders SET qty = 1 WHERE id = 7")
	b.until(has("shares", "live") + ` && !document.querySelector(".problem")`)

	// For keyboards and screen readers: a title, a language, a main part, headers that
	// say which rows and columns they are of, a link to go to, no state told by colour alone.
	for _, js := range []string{
		`document.title !== "" && document.documentElement.lang === "en"`,
		`document.querySelectorAll("main, [role=main]").length === 1 && document.querySelectorAll("h1").length === 1`,
		`[...document.querySelectorAll("th")].every(h => h.scope === "row" || h.scope === "col")`,
		`[...document.querySelectorAll(".state")].every(s => s.innerText.trim() !== "")`,
	} {
		if !eval[bool](b, js) {
			t.Errorf("not so: %s", js)
		}
	}
	b.do(chromedp.KeyEvent(kb.Tab))
	if at := eval[string](b, `document.activeElement.tagName + " " + document.activeElement.innerText`); at != "A metrics" {
		t.Errorf("the first tab stop is %s", at)
	}
	// Also as a phone lays them out.
	b.do(emulation.SetDeviceMetricsOverride(390, 800, 2, true))
	var tree struct {
		Nodes []struct {
			Role struct {
				Value any `json:"value"`
			} `json:"role"`
		} `json:"nodes"`
	}
	b.do(chromedp.ActionFunc(func(ctx context.Context) error {
		return cdp.Execute(ctx, accessibility.CommandGetFullAXTree, nil, &tree)
	}))
	roles := map[any]int{}
	for _, n := range tree.Nodes {
		roles[n.Role.Value]++
	}
	for role, least := range map[string]int{"main": 1, "heading": 1, "table": 1, "columnheader": 5, "rowheader": 3, "status": 1, "link": 1} {
		if roles[role] < least {
			t.Errorf("%d of the accessible role %s, want %d: %v", roles[role], role, least, roles)
		}
	}

	if html := eval[string](b, "document.documentElement.outerHTML"); strings.Contains(html, password) || strings.Contains(html, "postgres://") {
		t.Errorf("a secret is shown: %s", html)
	}
	b.mu.Lock()
	requests, said := b.requests, b.said
	b.mu.Unlock()
	if len(requests) < 4 { // the page, its style, its script, the events
		t.Errorf("requests were not seen: %v", requests)
	}
	for _, r := range requests {
		if !strings.HasPrefix(r, address+"/") {
			t.Errorf("a request leaves for %s", r)
		}
	}
	if len(said) > 0 {
		t.Errorf("on the console: %v", said)
	}
	// When the program is gone, the page says so.
	if err := server.Close(); err != nil {
		t.Log(err)
	}
	b.until(`document.getElementById("link").innerText.includes("no connection")`)
}
