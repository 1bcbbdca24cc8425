package config

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

func TestRedact(t *testing.T) {
	for dsn, want := range map[string]string{
		"":                                       "",
		"postgres://db/shop":                     "postgres://db/shop",
		"postgres://app@db/shop":                 "postgres://app@db/shop",
		"postgres://app:geheim@db:5432/shop":     "postgres://app:xxxxx@db:5432/shop",
		"postgresql://app:ge%2Fheim@a,b:1,c/x":   "postgresql://app:xxxxx@a,b:1,c/x",
		"postgres://app:geheim@[::1]:5432/x":     "postgres://app:xxxxx@[::1]:5432/x",
		"postgres://:geheim@/x":                  "postgres://:xxxxx@/x",
		"postgres:///x?host=/run&user=u":         "postgres:///x?host=/run&user=u",
		"postgres://db/x?password=geheim":        "postgres://db/x?password=xxxxx",
		"postgres://db/x?p%61ssword=geheim":      "postgres://db/x?p%61ssword=xxxxx",
		"postgres://db?sslpassword=g&sslmode=no": "postgres://db?sslpassword=xxxxx&sslmode=no",
		// Ambiguous: a password with special characters that are not escaped.
		"postgres://app:ge@heim@db/shop":   "postgres://xxxxx",
		"postgres://app:ge/heim@db/shop":   "postgres://xxxxx",
		"postgres://app:12/heim@db/shop":   "postgres://xxxxx",
		"postgres://app:ge?heim@db/shop":   "postgres://xxxxx",
		"postgres://app:ge#heim@db/shop":   "postgres://xxxxx",
		"postgres://app:ge:heim@db/shop":   "postgres://xxxxx",
		"postgres://app:ge heim@db/shop":   "postgres://xxxxx",
		"postgres://app:12?a=heim@db/shop": "postgres://xxxxx",
		"postgres://app:geheim":            "postgres://xxxxx",
		"postgres://db/x?geheim":           "postgres://xxxxx",
		"postgres:/app:geheim@db/shop":     "xxxxx",
		"app:geheim@db/shop":               "xxxxx",
		"geheim":                           "xxxxx",

		"host=db user=app password=geheim":        "host=db user=app password=xxxxx",
		"host = db password = 'ge h\\'eim' ":      "host=db password=xxxxx",
		"password=ge\\ heim dbname='my shop'":     "password=xxxxx dbname='my shop'",
		"dbname='it\\'s' sslpassword=x":           "dbname='it\\'s' sslpassword=xxxxx",
		"password=ge h=eim":                       "password=xxxxx h=xxxxx",
		"password=ge heim host=db":                "xxxxx",
		"password='geheim host=db":                "xxxxx",
		"options='-c geheim' host=''":             "options=xxxxx host=''",
		"host=db password=geheim://x user=a":      "xxxxx",
		"sslkey=/k connect_timeout=3 service=svc": "sslkey=/k connect_timeout=3 service=svc",
	} {
		if got := Redact(dsn); got != want {
			t.Errorf("Redact(%q) = %q, want %q", dsn, got, want)
		}
	}
}

func TestRedactErrorKeepsTheChain(t *testing.T) {
	clearEnv(t)
	if RedactError(nil, "password=x") != nil {
		t.Error("no error became one")
	}
	cause := errors.New("dial geheim+1 at db with ge%2Fheim")
	for dsn, want := range map[string]string{
		"postgres://app:ge%2Fheim@db/x": "connect to postgres://app:xxxxx@db/x: dial geheim+1 at db with xxxxx",
		"password=geheim+1 host=db":     "connect to password=xxxxx host=db: dial xxxxx at db with ge%2Fheim",
		"postgres://a:geheim+1:x@db/x":  "connect to postgres://xxxxx: dial geheim+1 at db with ge%2Fheim",
	} {
		err := RedactError(fmt.Errorf("connect to %s: %w", dsn, cause), dsn)
		if err.Error() != want {
			t.Errorf("%s:\ngot  %s\nwant %s", dsn, err, want)
		}
		if !errors.Is(err, cause) {
			t.Errorf("%s: the cause is lost", dsn)
		}
	}
	t.Setenv("PGPASSWORD", "from the environment")
	if err := RedactError(errors.New("wrong: from the environment"), "host=db"); err.Error() != "wrong: xxxxx" {
		t.Errorf("the password of PGPASSWORD: %v", err)
	}
}

// The driver's own errors are tried with one password in each place where people
// put passwords, well and badly escaped.
func TestPasswordsThroughTheDriversErrors(t *testing.T) {
	clearEnv(t)
	for _, password := range []string{"geheim", "geh/eim", "geh@eim", "geh:eim", "geh?eim=x", "geh#eim", "geh%eim", "geh eim", "geh'eim", `geh\eim`, "12/geheim", "`geheim`", "geh&eim"} {
		for _, form := range []string{
			"postgres://app:%s@db:99999/shop", "postgres://app:%s@db/shop?sslmode=wrong", "postgres://app:%s@db/shop?connect_timeout=wrong",
			"postgres://db/shop?password=%s&sslmode=wrong", "postgres:app:%s@db",
			"host=db password=%s sslmode=wrong", "host=db password='%s' sslmode=wrong", "password=%s port=none", "password='%s", "%s",
		} {
			for _, escaped := range []string{password, url.QueryEscape(password)} {
				dsn := fmt.Sprintf(form, escaped)
				config, err := pgconn.ParseConfig(dsn)
				if err == nil {
					err = fmt.Errorf("connect with %s as %s", dsn, config.Password)
				}
				for _, text := range []string{RedactError(err).Error(), RedactError(err, dsn).Error(), Redact(dsn)} {
					// Without the connection string RedactError can only know the parser's errors.
					if config != nil && text == RedactError(err).Error() && text != RedactError(err, dsn).Error() {
						continue
					}
					for _, part := range []string{password, escaped, "geh", "eim"} {
						if strings.Contains(text, part) {
							t.Errorf("%s shows %q: %s", dsn, part, text)
							break
						}
					}
				}
			}
		}
	}
}
