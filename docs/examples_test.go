package docs

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stepping-cdc/stepping-cdc/config"
	"github.com/stepping-cdc/stepping-cdc/embedded"
)

var update = flag.Bool("update", false, "write what the examples print into the papers")

func TestMain(m *testing.M) {
	code := embedded.RunTests(m)
	if built.path != "" {
		_ = os.RemoveAll(filepath.Dir(built.path))
	}
	os.Exit(code)
}

// TestExamples runs every block of every paper.
func TestExamples(t *testing.T) {
	for _, p := range papers(t) {
		if p.path == "benchmarks.md" {
			continue // what it shows comes from "make bench"
		}
		t.Run(filepath.Base(p.path), func(t *testing.T) {
			r := &reader{t: t, paper: p, dir: t.TempDir()}
			if *update {
				defer r.write()
			}
			for _, b := range p.blocks {
				r.read(b)
			}
		})
	}
}

// reader does what a paper says.
type reader struct {
	t     *testing.T
	paper *paper
	dir   string
	world *world
	last  string // what the block before printed
	ran   bool   // the block before was run
	edits map[*block]string
}

func (r *reader) fail(b *block, format string, args ...any) {
	r.t.Helper()
	r.t.Fatalf("%s:%d: %s", r.paper.path, b.line, fmt.Sprintf(format, args...))
}

func (r *reader) read(b *block) {
	if _, ok := b.notes["not run"]; ok {
		r.ran = false
		return
	}
	ran := true
	switch b.lang {
	case "":
		ran = false
	case "yaml":
		r.yaml(b)
	case "sql":
		r.sql(b)
	case "console":
		r.console(b)
	case "go":
		r.last = runGo(r.t, b.text)
	case "text":
		if !r.ran {
			r.fail(b, "what printed this?")
		}
		r.compare(b, b.text, r.last)
		ran = false
	default:
		r.fail(b, "nobody knows what to do with %q", b.lang)
	}
	r.ran = ran
}

// compare expects the same up to what differs from run to run.
func (r *reader) compare(b *block, want, got string) {
	if normal(want) == normal(got) {
		return
	}
	if *update {
		r.edit(b, got)
		return
	}
	r.t.Errorf("%s:%d: shows\n%s\nand it prints\n%s", r.paper.path, b.line, want, got)
}

func (r *reader) edit(b *block, text string) {
	if r.edits == nil {
		r.edits = map[*block]string{}
	}
	r.edits[b] = text
}

// write puts what was printed into the paper.
func (r *reader) write() {
	if len(r.edits) == 0 {
		return
	}
	var out strings.Builder
	at := 0
	for _, b := range r.paper.blocks {
		if text, ok := r.edits[b]; ok {
			out.WriteString(r.paper.text[at:b.from])
			out.WriteString(strings.TrimRight(text, "\n") + "\n")
			at = b.to
		}
	}
	out.WriteString(r.paper.text[at:])
	if err := os.WriteFile(r.paper.path, []byte(out.String()), 0o644); err != nil {
		r.t.Fatal(err)
	}
}

const oneView = "\nviews:\n  - name: v\n    query: SELECT 1\n"

// yaml loads a configuration. Settings alone get a view, since there has to be
// one.
func (r *reader) yaml(b *block) {
	text := b.text
	whole := strings.Contains(text, "\nviews:") || strings.HasPrefix(text, "views:")
	if !whole {
		text += oneView
	}
	path := filepath.Join(r.dir, "other.yaml")
	if whole {
		path = r.configPath()
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		r.t.Fatal(err)
	}
	_, err := config.Load(path, nil)
	want, refused := b.notes["refused"]
	switch {
	case refused && err == nil:
		r.fail(b, "is not refused")
	case refused:
		r.last = strings.ReplaceAll(err.Error(), path, filepath.Base(path)) + "\n"
		if !strings.Contains(err.Error(), want) {
			r.fail(b, "is refused by %v", err)
		}
	case err != nil:
		r.fail(b, "%v", err)
	}
}

func (r *reader) configPath() string { return filepath.Join(r.dir, config.DefaultPath) }

// server starts the paper's server, on first use.
func (r *reader) server() *world {
	if r.world == nil {
		r.world = newWorld(r.t, r.dir, r.paper.notes["in"] != "empty")
	}
	return r.world
}

func (r *reader) sql(b *block) {
	w := r.server()
	out, err := w.query(w.as(b.notes["as"]), b.text)
	want, refused := b.notes["refused"]
	switch {
	case refused && (err == nil || !strings.Contains(err.Error(), want)):
		r.fail(b, "should fail by %q: %v", want, err)
	case refused:
		out = errorText(err)
	case err != nil:
		r.fail(b, "%v", err)
	}
	r.last = out
}

// console runs the commands of a transcript.
func (r *reader) console(b *block) {
	var shown strings.Builder // as it should be
	edited := false
	commands := splitCommands(b.text)
	r.last = ""
	for _, c := range commands {
		shown.WriteString("$ " + c.line + "\n")
		words := strings.Fields(c.line)
		if len(words) == 0 || words[0] != program {
			shown.WriteString(c.output)
			continue
		}
		out := r.server().command(words[1:], b.notes["as"])
		r.last = out
		if c.output != "" && normal(c.output) != normal(out) {
			if *update {
				edited = true
			} else {
				r.t.Errorf("%s:%d: %s shows\n%s\nand it prints\n%s", r.paper.path, b.line, c.line, c.output, out)
			}
			shown.WriteString(out)
		} else {
			shown.WriteString(c.output)
		}
	}
	if edited {
		r.edit(b, shown.String())
	}
}

type command struct{ line, output string }

func splitCommands(text string) []command {
	var all []command
	for line := range strings.Lines(text) {
		if after, ok := strings.CutPrefix(line, "$ "); ok {
			all = append(all, command{line: strings.TrimSpace(after)})
		} else if len(all) > 0 {
			all[len(all)-1].output += line
		}
	}
	return all
}
