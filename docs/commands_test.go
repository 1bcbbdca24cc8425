package docs

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// help is what a command says of itself.
func help(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command(binary(t), append(args, "--help")...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v --help: %v\n%s", program, args, err, out)
	}
	return string(out)
}

var (
	invocation = regexp.MustCompile(program + " ([a-z]+)((?: [^ `\n#|)]+)*)")
	option     = regexp.MustCompile(`--[a-z-]+`)
	known      = regexp.MustCompile(`(?m)^  ([a-z]+) +\S`)
	target     = regexp.MustCompile(`(?m)^([a-z]+):`)
	makes      = regexp.MustCompile("(?m)(?:^\\$ |`|&& )make ([a-z]+)")
)

// TestCommandsExist: commands, flags and make targets that the papers name.
func TestCommandsExist(t *testing.T) {
	_, list, _ := strings.Cut(help(t), "Available Commands:")
	list, _, _ = strings.Cut(list, "\n\n")
	var commands []string
	for _, m := range known.FindAllStringSubmatch(list, -1) {
		commands = append(commands, m[1])
	}
	makefile, err := os.ReadFile("../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	var targets []string
	for _, m := range target.FindAllStringSubmatch(string(makefile), -1) {
		targets = append(targets, m[1])
	}
	helps := map[string]string{}
	for _, p := range papers(t) {
		text := inCodeOnly(p.text)
		for _, m := range invocation.FindAllStringSubmatch(text, -1) {
			if !slices.Contains(commands, m[1]) {
				t.Errorf("%s: there is no command %s", p.path, m[1])
				continue
			}
			if helps[m[1]] == "" {
				helps[m[1]] = help(t, m[1])
			}
			for _, flag := range option.FindAllString(m[2], -1) {
				if !strings.Contains(helps[m[1]], flag+" ") {
					t.Errorf("%s: %s has no flag %s", p.path, m[1], flag)
				}
			}
		}
		for _, m := range makes.FindAllStringSubmatch(text, -1) {
			if !slices.Contains(targets, m[1]) {
				t.Errorf("%s: there is no make %s", p.path, m[1])
			}
		}
	}
}

var code = regexp.MustCompile("(?ms)^```console$(.*?)^```$|`([^`\n]+)`")

// inCodeOnly is a paper's transcripts and words in code.
func inCodeOnly(text string) string {
	var out strings.Builder
	for _, m := range code.FindAllStringSubmatch(text, -1) {
		out.WriteString(m[1])
		if m[2] != "" {
			out.WriteString("`" + m[2] + "`\n")
		}
	}
	return out.String()
}
