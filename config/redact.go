package config

import (
	"errors"
	"net/url"
	"regexp"
	"sort"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// mask stands for what is not shown.
const mask = "xxxxx"

// DSN is a connection string. It prints without its secrets, however it is
// printed; convert it to string to connect.
type DSN string

// String is the connection string without its secrets.
func (d DSN) String() string { return Redact(string(d)) }

// GoString is String, for %#v.
func (d DSN) GoString() string { return Redact(string(d)) }

// MarshalText is String, for JSON and YAML.
func (d DSN) MarshalText() ([]byte, error) { return []byte(Redact(string(d))), nil }

// shown are the parameters whose values are no secrets. Others are masked: what
// follows an unquoted blank or an unescaped "&" in a password looks like a
// parameter of another name.
var shown = map[string]bool{
	"host": true, "hostaddr": true, "port": true, "dbname": true, "database": true, "user": true,
	"application_name": true, "connect_timeout": true, "service": true, "sslmode": true,
	"sslrootcert": true, "sslcert": true, "sslkey": true, "target_session_attrs": true,
}

// plainURL matches the connection URLs in which it is certain where the password
// ends: no second "@", and nothing but numbers where ports belong. A password with
// an unescaped "/", "?", "#", ":" or "@" does not match.
var plainURL = regexp.MustCompile(`^(postgres(?:ql)?://)` +
	`(?:([^:@/?#\s]*)(:[^:@/?#\s]*)?@)?` +
	`((?:\[[0-9A-Fa-f:.%]*\]|[\w.%-]*)(?::\d{1,5})?(?:,(?:\[[0-9A-Fa-f:.%]*\]|[\w.%-]*)(?::\d{1,5})?)*)` +
	`(/[^:@/?#\s]*)?(?:\?([^@?#\s]*))?$`)

// Redact returns a connection string without its secrets. Of one that does not
// read unambiguously it shows nothing but the scheme.
func Redact(dsn string) string {
	r, ok := redact(dsn)
	if !ok {
		if scheme, _, found := strings.Cut(dsn, "://"); found && (scheme == "postgres" || scheme == "postgresql") {
			return scheme + "://" + mask
		}
		return mask
	}
	return r
}

// wellFormed reports whether a connection string reads unambiguously.
func wellFormed(dsn string) bool {
	_, ok := redact(dsn)
	return ok
}

func redact(dsn string) (string, bool) {
	dsn = strings.TrimSpace(dsn)
	if m := plainURL.FindStringSubmatch(dsn); m != nil {
		return redactURL(m)
	}
	params, ok := keywords(dsn)
	if !ok || strings.Contains(dsn, "://") {
		return "", false
	}
	parts := make([]string, len(params))
	for i, p := range params {
		value := p.value
		if !shown[p.key] {
			value = mask
		} else if value == "" || strings.ContainsAny(value, ` '\`) {
			value = "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(value) + "'"
		}
		parts[i] = p.key + "=" + value
	}
	return strings.Join(parts, " "), true
}

func redactURL(m []string) (string, bool) {
	scheme, user, password, hosts, path, query := m[1], m[2], m[3], m[4], m[5], m[6]
	var b strings.Builder
	b.WriteString(scheme)
	if user != "" || password != "" {
		b.WriteString(user)
		if password != "" {
			b.WriteString(":" + mask)
		}
		b.WriteByte('@')
	}
	b.WriteString(hosts + path)
	for i, param := range strings.Split(query, "&") {
		if query == "" {
			break
		}
		b.WriteByte("?&"[min(i, 1)])
		key, value, found := strings.Cut(param, "=")
		name, err := url.QueryUnescape(key)
		if err != nil || !found {
			return "", false
		}
		if !shown[name] {
			value = mask
		}
		b.WriteString(key + "=" + value)
	}
	return b.String(), true
}

type keyword struct{ key, value string }

// keywords splits a connection string of the form "key=value key='other value'",
// by libpq's rules (conninfo_parse): blanks around "=" are allowed, and backslashes
// escape in and out of quotes.
func keywords(s string) (params []keyword, ok bool) {
	const blank = " \t\n\r\f\v"
	for s = strings.TrimLeft(s, blank); s != ""; s = strings.TrimLeft(s, blank) {
		key, afterKey, found := strings.Cut(s, "=")
		key = strings.TrimRight(key, blank)
		if !found || key == "" || strings.Trim(key, "abcdefghijklmnopqrstuvwxyz_") != "" {
			return nil, false
		}
		value, rest, closed := keywordValue(strings.TrimLeft(afterKey, blank))
		// In "user= password=x" the user is called "password=x", which nobody meant.
		if quoted := strings.HasPrefix(strings.TrimLeft(afterKey, blank), "'"); !closed || !quoted && strings.Contains(value, "=") {
			return nil, false
		}
		params = append(params, keyword{key, value})
		s = rest
	}
	return params, true
}

func keywordValue(s string) (value, rest string, ok bool) {
	quoted := strings.HasPrefix(s, "'")
	i := 0
	if quoted {
		i = 1
	}
	var b strings.Builder
	for ; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		case quoted && c == '\'':
			return b.String(), s[i+1:], true
		case !quoted && strings.IndexByte(" \t\n\r\f\v", c) >= 0:
			return b.String(), s[i:], true
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), "", !quoted
}

// RedactError returns an error with the same chain whose text shows no secrets
// of the connection strings. Every error that comes from connecting passes
// through it before it is logged, stored or shown.
func RedactError(err error, dsn ...string) error {
	if err == nil {
		return nil
	}
	var parseErr *pgconn.ParseConfigError
	if errors.As(err, &parseErr) {
		dsn = append(dsn, parseErr.ConnString)
	}
	text := err.Error()
	if parseErr != nil {
		text = quotedDSN.ReplaceAllString(text, "the connection string")
	}
	for _, d := range dsn {
		if parseErr != nil && !wellFormed(d) {
			// The parser's complaint quotes what it took for a port or a database,
			// which in a malformed string may be part of the password.
			text = "the connection string cannot be parsed"
			continue
		}
		if d != "" {
			text = strings.ReplaceAll(text, d, Redact(d))
		}
		for _, s := range secrets(d) {
			text = strings.ReplaceAll(text, s, mask)
		}
	}
	return &redactedError{text: text, err: err}
}

// quotedDSN is the driver's own quotation, redacted by its best efforts, not ours.
var quotedDSN = regexp.MustCompile("(?s)`.*`")

type redactedError struct {
	text string
	err  error
}

func (e *redactedError) Error() string { return e.text }
func (e *redactedError) Unwrap() error { return e.err }

// secrets are the passwords of a connection string in each form in which a message
// may repeat them, longest first.
func secrets(dsn string) []string {
	found := map[string]bool{}
	note := func(s string) {
		found[s] = true
		if plain, err := url.PathUnescape(s); err == nil {
			found[plain] = true
		}
	}
	if m := plainURL.FindStringSubmatch(dsn); m != nil {
		note(strings.TrimPrefix(m[3], ":"))
		for param := range strings.SplitSeq(m[6], "&") {
			key, value, _ := strings.Cut(param, "=")
			if name, err := url.QueryUnescape(key); err != nil || !shown[name] {
				note(value)
			}
		}
	} else if params, ok := keywords(dsn); ok {
		for _, p := range params {
			if !shown[p.key] {
				note(p.value)
			}
		}
	}
	// The effective password may come from PGPASSWORD or a password file, or from
	// a string that the driver reads and Redact finds ambiguous.
	if config, err := pgconn.ParseConfig(dsn); err == nil {
		note(config.Password)
	}
	delete(found, "")
	list := make([]string, 0, len(found))
	for s := range found {
		list = append(list, s)
	}
	sort.Slice(list, func(i, j int) bool { return len(list[i]) > len(list[j]) })
	return list
}
