package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// burn is found in the profile by its name.
//
//go:noinline
func burn(d time.Duration) (n int) {
	for started := time.Now(); time.Since(started) < d; n++ {
	}
	return n
}

func TestFlameGraph(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cpu.pprof")
	stop, err := profileTo(path)
	if err != nil {
		t.Fatal(err)
	}
	burn(500 * time.Millisecond)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	root, err := readProfile(path)
	if err != nil {
		t.Fatal(err)
	}
	find := func(name string) (nanos int64) {
		var walk func(c *call)
		walk = func(c *call) {
			if strings.HasSuffix(c.name, name) {
				nanos += c.nanos
				return
			}
			var inner int64
			for _, k := range c.calls {
				inner += k.nanos
				walk(k)
			}
			if inner > c.nanos {
				t.Errorf("%s: %d ns in calls of %d", c.name, inner, c.nanos)
			}
		}
		walk(root)
		return nanos
	}
	if got := time.Duration(find(".burn")); got < root10th(root) {
		t.Errorf("%v of %v are in burn", got, time.Duration(root.nanos))
	}
	picture := flameGraph("a & b", root)
	if !bytes.Contains(picture, []byte(".burn")) {
		t.Error("burn is not in the picture")
	}
	for d := xml.NewDecoder(bytes.NewReader(picture)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("the picture is not XML: %v", err)
		}
	}
}

// root10th is a part that burn surely has, however busy the machine is.
func root10th(root *call) time.Duration { return time.Duration(root.nanos / 10) }

func TestBrokenProfile(t *testing.T) {
	for _, b := range []string{"\x12\x05\x0a", "\xff", "\x0b"} {
		if err := message([]byte(b), func(int, uint64, []byte) error { return nil }); !errors.Is(err, errProfile) {
			t.Errorf("%q: %v", b, err)
		}
	}
}

func TestShortName(t *testing.T) {
	for name, want := range map[string]string{
		"github.com/cockroachdb/pebble/v2.(*DB).Get": "v2.(*DB).Get",
		"slices.SortFunc[go.shape.[]a/b.c]":          "slices.SortFunc",
		"runtime.mallocgc":                           "runtime.mallocgc",
	} {
		if got := shortName(name); got != want {
			t.Errorf("shortName(%q) = %q, want %q", name, got, want)
		}
	}
}
