package decode_test

import (
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/stepping-cdc/stepping-cdc/decode"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// Every message cut short, and every one with bytes after its end, is an error.
func TestDamagedMessages(t *testing.T) {
	for _, s := range recorded(t) {
		// Only messages outside stream blocks: their layout depends on nothing else.
		p := decode.Parser{ParallelStreaming: s.parallel}
		for _, msg := range s.messages {
			var m decode.Message
			q := p
			if err := p.Parse(msg, &m); err != nil {
				t.Fatalf("%s: %x: %v", s.name, msg, err)
			}
			for n := range len(msg) {
				r := q
				var pe *decode.ParseError
				if err := r.Parse(msg[:n], &m); !errors.As(err, &pe) || pe.Error() == "" {
					t.Fatalf("%s: %x cut at %d: %v", s.name, msg, n, err)
				}
			}
			r := q
			if err := r.Parse(msg+"\x00", &m); err == nil {
				t.Fatalf("%s: %x with a byte more parses", s.name, msg)
			}
		}
	}
}

func TestCountsThatCannotBe(t *testing.T) {
	for _, msg := range []string{
		"", "?", "I\x00\x00\x00\x01N\xff\xff", "T\xff\xff\xff\xff\x00", "T\x7f\xff\xff\xff\x00",
		"I\x00\x00\x00\x01N\x00\x01b\x7f\xff\xff\xff", "I\x00\x00\x00\x01N\x00\x01t\xff\xff\xff\xff",
		"I\x00\x00\x00\x01N\x00\x01?", "I\x00\x00\x00\x01K\x00\x00", "U\x00\x00\x00\x01K\x00\x00K", "D\x00\x00\x00\x01N\x00\x00",
		"R\x00\x00\x00\x01s\x00n\x00d\xff\xff", "R\x00\x00\x00\x01" + strings.Repeat("x", 100), "E",
		"M\x00\x00\x00\x00\x00\x00\x00\x00\x00p\x00\xff\xff\xff\xff",
	} {
		var p decode.Parser
		var m decode.Message
		if err := p.Parse(msg, &m); err == nil {
			t.Errorf("%q parses as %+v", msg, m)
		}
	}
	var p decode.Parser
	var m decode.Message
	if err := p.Parse("S\x00\x00\x00\x01\x01", &m); err != nil || m.XID != 1 || !m.First {
		t.Fatalf("%+v, %v", m, err)
	}
	if err := p.Parse("B"+strings.Repeat("\x00", 20), &m); err == nil {
		t.Fatal("Begin inside a stream block parses")
	}
}

// FuzzParse: no bytes make the parser panic or allocate beyond a small multiple
// of their number.
func FuzzParse(f *testing.F) {
	for _, s := range recorded(f) {
		inStream := false
		for _, msg := range s.messages {
			f.Add([]byte(msg), inStream, s.parallel)
			switch msg[0] {
			case 'S':
				inStream = true
			case 'E':
				inStream = false
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, inStream, parallel bool) {
		p := decode.Parser{ParallelStreaming: parallel}
		var m decode.Message
		if inStream {
			if err := p.Parse("S\x00\x00\x00\x01\x01", &m); err != nil {
				t.Fatal(err)
			}
		}
		msg := string(data)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := p.Parse(msg, &m)
		runtime.ReadMemStats(&after)
		if grown := after.TotalAlloc - before.TotalAlloc; grown > uint64(100*len(data)+1<<16) {
			t.Fatalf("%d bytes allocated for %d", grown, len(data))
		}
		var pe *decode.ParseError
		if err != nil && !errors.As(err, &pe) {
			t.Fatalf("error of type %T", err)
		}
	})
}

// FuzzDecode: whatever follows a table's description, the decoder answers with
// changes or an error.
func FuzzDecode(f *testing.F) {
	for _, s := range recorded(f) {
		if !strings.Contains(s.name, "proto_version 1") {
			continue
		}
		for _, msg := range s.messages {
			f.Add([]byte(msg), []byte(s.messages[0]))
		}
	}
	table := decode.Table{OID: 7, Schema: "public", Name: "t", Columns: []decode.Column{
		{Name: "id", Type: values.Int4Type, Key: true}, {Name: "v", Type: values.TextType}, {Name: "n", Type: values.NumericType},
	}}
	f.Fuzz(func(t *testing.T, first, second []byte) {
		d := decode.NewDecoder([]decode.Table{table}, nil)
		messages := []string{
			"B" + strings.Repeat("\x00", 20),
			"R\x00\x00\x00\x07public\x00t\x00d\x00\x03\x01id\x00\x00\x00\x00\x17\xff\xff\xff\xff" +
				"\x00v\x00\x00\x00\x00\x19\xff\xff\xff\xff\x00n\x00\x00\x00\x06\xa4\xff\xff\xff\xff",
		}
		for _, b := range [][]byte{first, second} {
			if len(b) > 5 && strings.IndexByte("IUD", b[0]) >= 0 {
				copy(b[1:], "\x00\x00\x00\x07") // of the table described
			}
			messages = append(messages, string(b))
		}
		var out decode.Changes
		if err := d.Decode(messages, &out); err != nil {
			return
		}
		for _, c := range out.List {
			if c.Kind != decode.Truncate && c.Kind != decode.Delete && len(c.New) != 3 {
				t.Fatalf("row of %d columns", len(c.New))
			}
		}
		_ = decode.NewDeltas(d.Tables(), nothing{}).Add(out.List)
	})
}

// nothing is the trace of empty tables.
type nothing struct{}

func (nothing) Get(int, []byte) ([]values.Datum, bool, error)     { return nil, false, nil }
func (nothing) Scan(int, func([]values.Datum, int64) error) error { return nil }
