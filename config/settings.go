package config

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/spf13/pflag"
	"github.com/spf13/viper"
	"go.yaml.in/yaml/v3"
)

// settings answers what a setting is and where it was said.
type settings struct {
	viper *viper.Viper
	nodes map[string]*yaml.Node
	flags *pflag.FlagSet
}

// settings lays flags over the environment over the file over the defaults.
func (r *reporter) settings(f *file, flags *pflag.FlagSet) *settings {
	s := &settings{viper: viper.New(), nodes: f.settings, flags: flags}
	for key, value := range defaults {
		s.viper.SetDefault(key, value)
		if err := s.viper.BindEnv(key, EnvName(key)); err != nil {
			r.add(Problem{Key: key, Message: "cannot bind the environment: " + err.Error()})
		}
		if flag := s.flag(key); flag != nil {
			if err := s.viper.BindPFlag(key, flag); err != nil {
				r.add(Problem{Key: key, Message: "cannot bind the flag: " + err.Error()})
			}
		}
	}
	fromFile := map[string]any{}
	for key, node := range f.settings {
		if isNull(node) {
			continue
		}
		section, name, within := strings.Cut(key, ".")
		if !within {
			fromFile[key] = node.Value
			continue
		}
		values, ok := fromFile[section].(map[string]any)
		if !ok {
			values = map[string]any{}
			fromFile[section] = values
		}
		values[name] = node.Value
	}
	if err := s.viper.MergeConfigMap(fromFile); err != nil {
		r.add(Problem{Message: "cannot merge the file's settings: " + err.Error()})
	}
	return s
}

// flag is the flag that sets a key, nil if the command has none.
func (s *settings) flag(key string) *pflag.Flag {
	if s.flags == nil {
		return nil
	}
	return s.flags.Lookup(FlagName(key))
}

func (s *settings) get(key string) string { return s.viper.GetString(key) }

// problem describes what is wrong with a setting, at the place that gave its value.
func (s *settings) problem(key, message, remedy string) Problem {
	p := Problem{Key: key, Message: message, Remedy: remedy}
	if flag := s.flag(key); flag != nil && flag.Changed {
		p.Message += fmt.Sprintf(" (given by --%s)", flag.Name)
	} else if os.Getenv(EnvName(key)) != "" {
		p.Message += fmt.Sprintf(" (given by the environment variable %s)", EnvName(key))
	} else if n := s.nodes[key]; n != nil {
		p.Line, p.Column = n.Line, n.Column
	}
	return p
}

// config checks the settings and fills a Config without views.
func (r *reporter) config(s *settings, dir string) *Config {
	c := &Config{
		Source: Source{
			DSN:               DSN(s.get("source.dsn")),
			Slot:              s.get("source.slot"),
			Publication:       s.get("source.publication"),
			ManagePublication: r.boolean(s, "source.manage_publication"),
		},
		Sink:  Sink{DSN: DSN(s.get("sink.dsn")), Schema: s.get("sink.schema")},
		State: State{Dir: s.get("state.dir"), Memory: r.memory(s, "state.memory")},
		Clock: Clock{Tick: r.tick(s, "clock.tick")},
		HTTP:  HTTP{Listen: r.listen(s, "http.listen")},

		RecursionLimit: r.recursionLimit(s, "recursion_limit"),
		Log: Log{
			Level:  r.oneOf(s, "log.level", "trace", "debug", "info", "warn", "error"),
			Format: r.oneOf(s, "log.format", "auto", "console", "json"),
		},
	}
	r.dsn(s, "source.dsn", c.Source.DSN)
	if c.Sink.DSN == "" {
		c.Sink.DSN = c.Source.DSN
	} else {
		r.dsn(s, "sink.dsn", c.Sink.DSN)
	}
	if !slotName.MatchString(c.Source.Slot) {
		r.add(s.problem("source.slot", fmt.Sprintf("%q cannot name a replication slot", shorten(c.Source.Slot)),
			"use 1 to 63 lower-case letters, digits and underscores"))
	}
	r.identifier(s, "source.publication", c.Source.Publication)
	r.schema(s, "sink.schema", c.Sink.Schema)
	switch {
	case strings.TrimSpace(c.State.Dir) == "":
		r.add(s.problem("state.dir", "must not be empty", "name a folder, like "+defaults["state.dir"]))
	case strings.ContainsRune(c.State.Dir, 0):
		r.add(s.problem("state.dir", "contains a NUL character", "remove it"))
	case !filepath.IsAbs(c.State.Dir):
		c.State.Dir = filepath.Join(dir, c.State.Dir)
	}
	return c
}

// slotName is what Postgres allows: ReplicationSlotValidateName in slot.c.
var slotName = regexp.MustCompile(`^[a-z0-9_]{1,63}$`)

// maxIdentifier is NAMEDATALEN-1: Postgres cuts longer names off, silently.
const maxIdentifier = 63

// badIdentifier says what keeps a string from being a name in Postgres, "" if nothing.
func badIdentifier(name string) (message, remedy string) {
	switch {
	case name == "":
		return "must not be empty", "give it a name"
	case strings.ContainsRune(name, 0):
		return "contains a NUL character", "remove it"
	case len(name) > maxIdentifier:
		return fmt.Sprintf("%q has %d bytes, and Postgres cuts names off after %d", shorten(name), len(name), maxIdentifier), "choose a shorter one"
	}
	return "", ""
}

func (r *reporter) identifier(s *settings, key, name string) {
	if message, remedy := badIdentifier(name); message != "" {
		r.add(s.problem(key, message, remedy))
	}
}

// schema keeps the output tables away from schemas that are not theirs.
func (r *reporter) schema(s *settings, key, name string) {
	switch {
	case name == "stepping_cdc":
		r.add(s.problem(key, "stepping_cdc is the schema of the program's own tables", "choose another for the outputs"))
	case strings.HasPrefix(name, "pg_") || name == "information_schema":
		r.add(s.problem(key, fmt.Sprintf("%q is a schema of Postgres itself", shorten(name)), "choose another for the outputs"))
	default:
		r.identifier(s, key, name)
	}
}

func (r *reporter) boolean(s *settings, key string) bool {
	switch s.get(key) {
	case "true":
		return true
	case "false":
		return false
	}
	r.add(s.problem(key, fmt.Sprintf("%q is neither true nor false", shorten(s.get(key))), "write true or false"))
	return false
}

func (r *reporter) oneOf(s *settings, key string, choices ...string) string {
	value := s.get(key)
	if slices.Contains(choices, value) {
		return value
	}
	remedy := "choose one of " + strings.Join(choices, ", ")
	if near := nearest(value, choices); near != "" {
		remedy = fmt.Sprintf("did you mean %q?", near)
	}
	r.add(s.problem(key, fmt.Sprintf("%q is not known", shorten(value)), remedy))
	return value
}

func (r *reporter) listen(s *settings, key string) string {
	value := s.get(key)
	if value == "off" {
		return ""
	}
	const remedy = "write host:port, like 127.0.0.1:8585, or off"
	host, port, err := net.SplitHostPort(value)
	if err != nil {
		r.add(s.problem(key, fmt.Sprintf("%q is not an address", shorten(value)), remedy))
		return ""
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || strconv.FormatUint(n, 10) != port {
		r.add(s.problem(key, fmt.Sprintf("%q is not a port from 0 to 65535", shorten(port)), remedy))
	}
	if strings.ContainsFunc(host, func(c rune) bool { return unicode.IsSpace(c) || unicode.IsControl(c) || c == '/' || c == '@' }) {
		r.add(s.problem(key, fmt.Sprintf("%q is not a host", shorten(host)), remedy))
	}
	return value
}

// The clock's tick divides a day, so that midnight is a tick; more often than a
// hundredth of a second it would do nothing but tick.
const (
	minTick = 10 * time.Millisecond
	day     = 24 * time.Hour
)

func (r *reporter) tick(s *settings, key string) time.Duration {
	const remedy = "write a duration like 100ms, 1s or 1m"
	value := s.get(key)
	d, err := time.ParseDuration(value)
	switch {
	case err != nil:
		r.add(s.problem(key, fmt.Sprintf("%q is not a duration", shorten(value)), remedy))
	case d < minTick || d > time.Hour:
		r.add(s.problem(key, shorten(value)+" is not between 10ms and 1h", remedy))
	case day%d != 0:
		r.add(s.problem(key, shorten(value)+" does not divide a day", remedy))
	}
	return d
}

// maxRecursion bounds the iterations of a recursive query: a loop of more of them
// would go on for hours.
const maxRecursion = 1_000_000_000

func (r *reporter) recursionLimit(s *settings, key string) int64 {
	const remedy = "write a number from 1 to 1000000000"
	value := s.get(key)
	n, err := strconv.ParseInt(value, 10, 64)
	switch {
	case errors.Is(err, strconv.ErrSyntax):
		r.add(s.problem(key, fmt.Sprintf("%q is not a number", shorten(value)), remedy))
	case err != nil || n < 1 || n > maxRecursion:
		r.add(s.problem(key, shorten(value)+" is out of range", remedy))
	}
	return n
}

// minMemory is what the state store needs for its write buffers alone.
const minMemory = 16 << 20

func (r *reporter) memory(s *settings, key string) int64 {
	n, err := ParseSize(s.get(key))
	if err != nil {
		r.add(s.problem(key, err.Error(), "write a size like 256MiB or 2GB"))
	} else if n < minMemory {
		r.add(s.problem(key, shorten(s.get(key))+" is too little", fmt.Sprintf("give it %dMiB or more", minMemory>>20)))
	}
	return n
}

// dsn checks a connection string as the driver will read it, with libpq's
// environment variables, service files and password files.
func (r *reporter) dsn(s *settings, key string, dsn DSN) {
	_, err := pgconn.ParseConfig(string(dsn))
	if err == nil {
		return
	}
	remedy := "see libpq's chapter \"Connection Strings\""
	if !wellFormed(string(dsn)) {
		remedy = "write postgres://user@host:port/database or host=… dbname=…; in a URL, write special characters of a password as %XX"
	}
	r.add(s.problem(key, RedactError(err, string(dsn)).Error(), remedy))
}
