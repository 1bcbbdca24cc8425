package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
)

// found are the matches of a pattern in source files: what a paper has to list.
func found(t *testing.T, pattern string, files ...string) []string {
	t.Helper()
	var all []string
	for _, file := range files {
		text, err := os.ReadFile(filepath.Join("..", file))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(string(text), -1) {
			all = append(all, m[1])
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// TestCodesAreListed: the tables list what the program can say, and no more.
func TestCodesAreListed(t *testing.T) {
	const privilege = `^(schema|database)_privilege$|^output_foreign$|^state_dir$`
	check := found(t, `report\("([a-z_]+)"`, "replication/check.go", "replication/publication.go", "replication/pubstate.go")
	check = append(check, found(t, `Code: "([a-z]+_[a-z]+)"`, "pipeline/check/check.go")...)
	if !slices.ContainsFunc(check, regexp.MustCompile(privilege).MatchString) {
		t.Error("the codes of the sink are no longer where they were")
	}
	metrics := found(t, `desc\("([a-z_]+)"`, "dashboard/metrics.go")
	for i, m := range metrics {
		metrics[i] = "stepping_cdc_" + m
	}
	for table, want := range map[string][]string{
		"stop codes":  found(t, `Code = "([a-z_]+)"`, "replication/errors.go"),
		"check codes": check,
		"metrics":     metrics,
	} {
		var have []string
		for _, row := range rows(t, readPaper(t, "operating.md"), table) {
			have = append(have, inCode.FindStringSubmatch(row)[1])
		}
		for _, w := range want {
			if !slices.Contains(have, w) {
				t.Errorf("%s: %s is missing", table, w)
			}
		}
		for _, h := range have {
			if !slices.Contains(want, h) {
				t.Errorf("%s: there is no %s", table, h)
			}
		}
	}
}
