package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// block is one fenced block of a paper.
type block struct {
	lang  string
	text  string            // without the fences, with a final newline
	notes map[string]string // from the comments in front of it
	line  int               // of the opening fence, from 1
	from  int               // bytes of the paper that text is
	to    int
}

// paper is one Markdown file.
type paper struct {
	path   string
	text   string
	blocks []*block
	notes  map[string]string // of the paper as a whole
}

// papers are the files that readers are pointed to.
func papers(t *testing.T) []*paper {
	t.Helper()
	paths, err := filepath.Glob("*.md")
	if err != nil {
		t.Fatal(err)
	}
	var all []*paper
	for _, path := range append([]string{"../README.md"}, paths...) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, parse(t, path, string(text)))
	}
	return all
}

var note = regexp.MustCompile(`^<!-- ([a-z][a-z ]*)(?:: (.*?))? -->$`)

func parse(t *testing.T, path, text string) *paper {
	t.Helper()
	p := &paper{path: path, text: text, notes: map[string]string{}}
	var open *block
	notes := map[string]string{}
	at := 0
	for i, line := range strings.SplitAfter(text, "\n") {
		next := at + len(line)
		bare := strings.TrimRight(line, "\r\n")
		switch {
		case open != nil && bare == "```":
			open.to = at
			open.text = text[open.from:at]
			p.blocks = append(p.blocks, open)
			open = nil
		case open != nil:
		case strings.HasPrefix(bare, "```"):
			open = &block{lang: strings.TrimPrefix(bare, "```"), notes: notes, line: i + 1, from: next}
			notes = map[string]string{}
		default:
			if m := note.FindStringSubmatch(bare); m != nil {
				if len(p.blocks) == 0 && (m[1] == "in") {
					p.notes[m[1]] = m[2]
				} else {
					notes[m[1]] = m[2]
				}
			} else if bare != "" {
				notes = map[string]string{}
			}
		}
		at = next
	}
	if open != nil {
		t.Fatalf("%s:%d: the block is not closed", path, open.line)
	}
	return p
}

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#{1,6} +(.*)$`)
	fence   = regexp.MustCompile("(?ms)^```.*?^```$")
)

// anchors are the names that a paper's headings can be linked to by, as GitHub
// makes them.
func anchors(text string) map[string]bool {
	names := map[string]bool{}
	for _, m := range heading.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
		name := strings.Map(func(r rune) rune {
			switch {
			case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '-', r == '_', r > 127:
				return r
			case r == ' ':
				return '-'
			}
			return -1
		}, strings.ToLower(m[1]))
		names[name] = true
	}
	return names
}

func TestLinksResolve(t *testing.T) {
	for _, p := range papers(t) {
		for _, m := range link.FindAllStringSubmatch(fence.ReplaceAllString(p.text, ""), -1) {
			target := m[1]
			if strings.Contains(target, "://") {
				continue
			}
			file, anchor, _ := strings.Cut(target, "#")
			text := p.text
			if file != "" {
				data, err := os.ReadFile(filepath.Join(filepath.Dir(p.path), file))
				if err != nil {
					if info, statErr := os.Stat(filepath.Join(filepath.Dir(p.path), file)); statErr == nil && info.IsDir() {
						continue
					}
					t.Errorf("%s: link to %s: %v", p.path, target, err)
					continue
				}
				text = string(data)
			}
			if anchor != "" && !anchors(text)[anchor] {
				t.Errorf("%s: link to %s: there is no such heading", p.path, target)
			}
		}
	}
}

// Every paper can be reached from the README.
func TestPapersAreLinked(t *testing.T) {
	all := papers(t)
	for _, p := range all[1:] {
		if !strings.Contains(all[0].text, "(docs/"+p.path+")") {
			t.Errorf("README.md does not link to docs/%s", p.path)
		}
	}
}

var testName = regexp.MustCompile("`((?:Test|Example|Fuzz|Benchmark)[A-Za-z0-9_]+)`")

// Tests that the papers name as witnesses exist.
func TestNamedTestsExist(t *testing.T) {
	have := map[string]bool{}
	err := filepath.WalkDir("..", func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, m := range regexp.MustCompile(`(?m)^func (\w+)\(`).FindAllStringSubmatch(string(text), -1) {
			have[m[1]] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range papers(t) {
		for _, m := range testName.FindAllStringSubmatch(p.text, -1) {
			if !have[m[1]] {
				t.Errorf("%s: there is no %s", p.path, m[1])
			}
		}
	}
}
