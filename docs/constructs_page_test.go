package docs

import (
	"fmt"
	"strings"
	"testing"
)

// showConstructs compares the page's tables with what they should be; with -update it
// writes them.
func showConstructs(t *testing.T, sections []*section, version int) {
	t.Helper()
	text := readPaper(t, sqlSupport)
	var tables, refused strings.Builder
	refused.WriteString("| construct | message | code | remedy |\n|---|---|---|---|\n")
	for _, s := range sections {
		tables.WriteString("### " + s.Title + "\n\n")
		if s.Text != "" {
			tables.WriteString(s.Text + "\n\n")
		}
		tables.WriteString("| construct | a change visits | for example |\n|---|---|---|\n")
		for _, c := range s.Constructs {
			main, why := c.rows(t)
			if !c.in(version) {
				main, why = c.recorded(t, text)
			}
			tables.WriteString(main)
			refused.WriteString(why)
		}
		tables.WriteString("\n")
	}
	now := replaceBetween(t, text, "constructs", tables.String())
	now = replaceBetween(t, now, "refused", refused.String())
	if now == text {
		return
	}
	if *update {
		writePaper(t, sqlSupport, now)
		return
	}
	was := strings.Split(text, "\n")
	for i, line := range strings.Split(now, "\n") {
		if i >= len(was) || line != was[i] {
			t.Errorf("%s is out of date: run the test with -update. A line should be\n%s", sqlSupport, line)
			return
		}
	}
}

// name is the construct as the page has it.
func (c *construct) name() string {
	if c.Since > 0 {
		return fmt.Sprintf("%s (since PostgreSQL %d)", c.Construct, c.Since)
	}
	return c.Construct
}

// asCode is text in a cell of a table.
func asCode(s string) string { return "`" + cell(s) + "`" }

func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }

// rows are the construct's line and, if it is refused, that in the table of what is.
func (c *construct) rows(t *testing.T) (main, why string) {
	t.Helper()
	var cost string
	switch {
	case c.refused != nil:
		cost = "[refused](#what-is-refused)"
		why = fmt.Sprintf("| %s | %s | `%s` | %s |\n", c.name(), cell(c.refused.message), c.refused.code, cell(c.refused.remedy))
		why = strings.ReplaceAll(why, "|  |", "| |")
	case c.kept != nil:
		cost = c.visits(t)
		if c.asks {
			cost += "; asks Postgres"
		}
	}
	return fmt.Sprintf("| %s | %s | %s |\n", c.name(), cost, asCode(c.Example)), why
}

// recorded is what the page says of a construct that the server does not have.
func (c *construct) recorded(t *testing.T, page string) (main, why string) {
	t.Helper()
	for line := range strings.Lines(between(t, page, "constructs")) {
		if strings.HasPrefix(line, "| "+c.name()+" | ") && strings.HasSuffix(line, " | "+asCode(c.Example)+" |\n") {
			main = line
		}
	}
	for line := range strings.Lines(between(t, page, "refused")) {
		if strings.HasPrefix(line, "| "+c.name()+" | ") {
			why = line
		}
	}
	if main == "" {
		t.Errorf("%s: this server does not have it. Run the test with -update and, say, STEPPING_TEST_PG_VERSION=%d", c.name(), max(c.Since, c.Before-1))
	}
	return main, why
}

func between(t *testing.T, text, marker string) string {
	t.Helper()
	_, rest, ok := strings.Cut(text, "<!-- "+marker+" -->\n\n")
	body, _, ok2 := strings.Cut(rest, "<!-- end -->")
	if !ok || !ok2 {
		t.Fatalf("%s has nothing between marks for %s", sqlSupport, marker)
	}
	return body
}

func replaceBetween(t *testing.T, text, marker, body string) string {
	t.Helper()
	start := "<!-- " + marker + " -->\n\n"
	at := strings.Index(text, start) + len(start)
	return text[:at] + strings.TrimRight(body, "\n") + "\n\n" + text[at+len(between(t, text, marker)):]
}
