package dashboard

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"time"

	"github.com/stepping-cdc/stepping-cdc/config"
	"github.com/stepping-cdc/stepping-cdc/pipeline"
)

//go:embed assets
var assets embed.FS

//go:embed page.html
var pageHTML string

var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{
	"bytes": config.FormatSize,
	"unsigned": func(n uint64) string {
		return config.FormatSize(int64(n))
	},
	"clock": func(t *time.Time) string {
		if t == nil {
			return "–"
		}
		return t.UTC().Format("15:04:05.000") + " UTC"
	},
	"count": groupDigits,
}).Parse(pageHTML))

// groupDigits writes a number with a thin space between thousands.
func groupDigits(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "\u202f" + s[i:]
	}
	return s
}

// page shows the present, once or again and again.
type page struct {
	progress func() pipeline.Progress
	statuses *statuses
}

// present is what the template shows.
type present struct {
	Progress  pipeline.Progress
	Freshness string
	Lag       uint64 // bytes of WAL
	Status    *pipeline.Status
	Error     string
}

func (p *page) render(name string) (string, error) {
	now := present{Progress: p.progress(), Freshness: "–"}
	now.Lag = lag(now.Progress)
	if d, ok := freshness(now.Progress); ok {
		now.Freshness = fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000)
	}
	status, err := p.statuses.get()
	if err != nil {
		now.Error = err.Error()
	}
	now.Status = status
	var b bytes.Buffer
	if err := pageTemplate.ExecuteTemplate(&b, name, now); err != nil {
		return "", fmt.Errorf("render %s: %w", name, err)
	}
	return b.String(), nil
}

// freshness is how long after its commit the last transaction was in the outputs.
// It compares the server's clock with ours.
func freshness(p pipeline.Progress) (time.Duration, bool) {
	if p.CommittedAt.IsZero() || p.AppliedAt.Before(p.CommittedAt) {
		return 0, false
	}
	return p.AppliedAt.Sub(p.CommittedAt), true
}

func (p *page) show(w http.ResponseWriter, _ *http.Request) {
	body, err := p.render("page")
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprint(w, body)
}

// events sends the changing part of the page once a second.
// https://html.spec.whatwg.org/multipage/server-sent-events.html
func (p *page) events(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	control := http.NewResponseController(w)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		body, err := p.render("live")
		if err != nil {
			return
		}
		for line := range strings.Lines(body) {
			fmt.Fprintf(w, "data: %s\n", strings.TrimRight(line, "\r\n"))
		}
		fmt.Fprint(w, "\n")
		if control.Flush() != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-tick.C:
		}
	}
}
