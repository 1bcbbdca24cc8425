// Package config turns stepping.yaml, the environment and flags into a Config
// that has been checked as far as is possible without a connection.
//
// Settings (everything but the views) go through viper, in the order flag,
// STEPPING_* environment variable, file, default. The file itself is read by a
// strict decoder of YAML nodes, because viper lower-cases keys and splits them at
// dots, and because every problem has to be reported at once with its line.
//
// The package knows names, sizes and addresses. It does not know SQL: whether a
// query can be maintained is for plan to say, with Postgres' help. It never
// connects anywhere, and it never prints a password: see DSN and Redact.
package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"time"

	"github.com/spf13/pflag"
)

// DefaultPath is the file that commands read when none is named.
const DefaultPath = "stepping.yaml"

// maxFileSize bounds the memory that a file can make us use. Thousands of views fit.
const maxFileSize = 4 << 20

// Config is a checked configuration, with all defaults filled in.
type Config struct {
	// File is the file's name as it was given.
	File string
	// Path is the absolute path of the file.
	Path   string
	Source Source
	Sink   Sink
	State  State
	Clock  Clock
	// RecursionLimit is the number of iterations after which a recursive query is
	// taken to have no end.
	RecursionLimit int64
	HTTP           HTTP
	Log            Log
	Views          []View
}

// Source is the database that is followed.
type Source struct {
	// DSN may be empty: libpq's environment variables then say everything.
	DSN         DSN
	Slot        string
	Publication string
	// ManagePublication is false where a DBA creates and keeps the publication.
	ManagePublication bool
}

// Sink is the database that holds the output tables.
type Sink struct {
	DSN    DSN // the source's, unless set
	Schema string
}

// State is the local, rebuildable store.
type State struct {
	Dir    string // absolute
	Memory int64  // bytes that caches and buffers may use
}

// Clock is the present time as views see it.
type Clock struct {
	Tick time.Duration // by how much it moves
}

// HTTP is the dashboard with its metrics and health pages.
type HTTP struct {
	Listen string // host:port, or "" when turned off
}

// Log says what is logged and how.
type Log struct {
	Level  string // trace, debug, info, warn or error
	Format string // auto, console or json
}

// View is a query whose result is kept in a table of the same name.
type View struct {
	Name string
	// Exactly one of Query and From is set. From names an existing view or
	// materialized view, whose definition is adopted.
	Query string
	From  string
	// Indexes lists the columns of extra indexes on the output table.
	Indexes [][]string
	// Line and Column are the view's place in the file, counted from 1.
	Line, Column int

	text textPlace
}

// QueryPlace translates a position in Query, in characters counted from 1 as in
// the P field of Postgres' error messages, to a line and column of the file.
// For From it returns the place of its value.
func (v View) QueryPlace(position int) (line, column int) {
	return v.text.at(v.Query, position)
}

// Load reads and checks a configuration. A flag overrides the setting of its
// name, with dashes for dots and underscores: --source-dsn sets source.dsn. Flags
// may be nil. The error is a *Problems that lists everything that is wrong.
func Load(path string, flags *pflag.FlagSet) (*Config, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, &Problems{File: path, List: []Problem{{Message: "cannot find its folder: " + err.Error()}}}
	}
	data, problem := readFile(path)
	if problem != nil {
		return nil, &Problems{File: path, List: []Problem{*problem}}
	}
	cfg, problems := parse(data, filepath.Dir(abs), flags)
	if len(problems) > 0 {
		sort.SliceStable(problems, func(i, j int) bool {
			a, b := problems[i], problems[j]
			if a.Line != b.Line {
				return a.Line < b.Line
			}
			return a.Column < b.Column
		})
		return nil, &Problems{File: path, List: problems}
	}
	cfg.File, cfg.Path = path, abs
	return cfg, nil
}

func readFile(path string) ([]byte, *Problem) {
	f, err := os.Open(path)
	if err != nil {
		p := &Problem{Message: "cannot read the configuration: " + cause(err)}
		if errors.Is(err, os.ErrNotExist) {
			p.Remedy = "create the file, or name another one with --config"
		}
		return nil, p
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFileSize+1))
	if err != nil {
		return nil, &Problem{Message: "cannot read the configuration: " + cause(err)}
	}
	if len(data) > maxFileSize {
		return nil, &Problem{
			Message: fmt.Sprintf("the file is larger than %d MiB", maxFileSize>>20),
			Remedy:  "a configuration holds settings and queries; check that this is the right file",
		}
	}
	return data, nil
}

// cause is what went wrong with a file, without its path, which the report names already.
func cause(err error) string {
	if pathErr, ok := errors.AsType[*os.PathError](err); ok {
		return pathErr.Err.Error()
	}
	return err.Error()
}

// parse is Load without files; dir is what a relative state.dir is relative to.
func parse(data []byte, dir string, flags *pflag.FlagSet) (*Config, []Problem) {
	var r reporter
	doc, ok := r.document(data)
	if !ok {
		return nil, r.problems
	}
	file := r.file(doc, bytes.Split(data, []byte("\n")))
	s := r.settings(file, flags)
	cfg := r.config(s, dir)
	cfg.Views = r.views(file)
	return cfg, r.problems
}
