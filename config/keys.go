package config

import (
	"fmt"
	"slices"
	"strings"
)

// Defaults of the settings. All keys of the file but the views are here.
var defaults = map[string]string{
	"source.dsn":                "",
	"source.slot":               "stepping_cdc",
	"source.publication":        "stepping_cdc",
	"source.manage_publication": "true",
	"sink.dsn":                  "",
	"sink.schema":               "stepping",
	"state.dir":                 "./stepping-state",
	"state.memory":              "256MiB",
	"clock.tick":                "1s",
	"recursion_limit":           "10000",
	"http.listen":               "127.0.0.1:8585",
	"log.level":                 "info",
	"log.format":                "auto",
}

// Keys in the order in which messages list them.
var (
	topKeys     = []string{"source", "sink", "state", "clock", "recursion_limit", "http", "log", "views"}
	sectionKeys = map[string][]string{
		"source": {"dsn", "slot", "publication", "manage_publication"},
		"sink":   {"dsn", "schema"},
		"state":  {"dir", "memory"},
		"clock":  {"tick"},
		"http":   {"listen"},
		"log":    {"level", "format"},
	}
	viewKeys = []string{"name", "query", "from", "indexes"}
)

// EnvName is the environment variable that overrides a setting.
func EnvName(key string) string {
	return "STEPPING_" + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

// FlagName is the flag that overrides a setting, where the command has it.
func FlagName(key string) string {
	return strings.NewReplacer(".", "-", "_", "-").Replace(key)
}

// unknownKey words the remedy for a key that does not exist where it stands.
func unknownKey(key string, known []string) string {
	if near := nearest(key, known); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	for _, section := range topKeys {
		if slices.Contains(sectionKeys[section], key) {
			return fmt.Sprintf("%s belongs under %s", key, section)
		}
	}
	return "known keys here are " + strings.Join(known, ", ")
}

// nearest is the known key that a typing error most likely meant, "" if none is near.
func nearest(key string, known []string) string {
	key = strings.ReplaceAll(strings.ToLower(key), "-", "_")
	// Long keys are not near anything, and the comparison is quadratic.
	if len(key) > 64 {
		return ""
	}
	best, bestDistance := "", 0
	for _, k := range known {
		d := levenshtein(key, k)
		if d <= max(1, len(k)/2) && d < len(key) && (best == "" || d < bestDistance) {
			best, bestDistance = k, d
		}
	}
	return best
}

// levenshtein counts the characters to insert, delete or replace to get b from a.
func levenshtein(a, b string) int {
	as, bs := []rune(a), []rune(b)
	row := make([]int, len(bs)+1)
	for j := range row {
		row[j] = j
	}
	for i, ca := range as {
		diagonal := row[0]
		row[0] = i + 1
		for j, cb := range bs {
			cost := 1
			if ca == cb {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(bs)]
}
