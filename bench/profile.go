package main

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// call is a function in its place among its callers, with the CPU time spent in it and
// in what it called.
type call struct {
	name  string
	nanos int64
	calls []*call // in the order in which they were met
}

func (c *call) to(name string) *call {
	for _, k := range c.calls {
		if k.name == name {
			return k
		}
	}
	k := &call{name: name}
	c.calls = append(c.calls, k)
	return k
}

// readProfile reads a CPU profile of runtime/pprof into a tree of calls. Of the format
// (github.com/google/pprof/blob/main/proto/profile.proto) it reads the stacks and the
// names of functions, which is all that a picture needs.
func readProfile(path string) (*call, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if z, err := gzip.NewReader(bytes.NewReader(b)); err == nil {
		if b, err = io.ReadAll(z); err != nil {
			return nil, fmt.Errorf("unpack the profile: %w", err)
		}
	}
	p := profile{lines: map[uint64][]uint64{}, names: map[uint64]uint64{}}
	if err := message(b, p.field); err != nil {
		return nil, fmt.Errorf("read the profile: %w", err)
	}
	root := &call{name: "all"}
	for _, s := range p.samples {
		if len(s.values) == 0 {
			continue
		}
		nanos := int64(s.values[len(s.values)-1]) // the first is the count
		root.nanos += nanos
		at := root
		for i := len(s.stack) - 1; i >= 0; i-- {
			lines := p.lines[s.stack[i]]
			for j := len(lines) - 1; j >= 0; j-- { // inlined calls come first
				name := "?"
				if n := p.names[lines[j]]; n < uint64(len(p.text)) {
					name = p.text[n]
				}
				at = at.to(name)
				at.nanos += nanos
			}
		}
	}
	return root, nil
}

// profile is what is read of one.
type profile struct {
	samples []stack
	lines   map[uint64][]uint64 // location → functions
	names   map[uint64]uint64   // function → place in text
	text    []string
}

type stack struct{ stack, values []uint64 }

// field takes one of a Profile.
func (p *profile) field(number int, n uint64, b []byte) error {
	switch number {
	case 2: // sample
		var s stack
		err := message(b, func(number int, n uint64, b []byte) (err error) {
			switch number {
			case 1:
				s.stack, err = repeated(s.stack, n, b)
			case 2:
				s.values, err = repeated(s.values, n, b)
			}
			return err
		})
		p.samples = append(p.samples, s)
		return err
	case 4: // location
		var id uint64
		var functions []uint64
		err := message(b, func(number int, n uint64, b []byte) error {
			switch number {
			case 1:
				id = n
			case 4: // line
				return message(b, func(number int, n uint64, _ []byte) error {
					if number == 1 {
						functions = append(functions, n)
					}
					return nil
				})
			}
			return nil
		})
		p.lines[id] = functions
		return err
	case 5: // function
		var id, name uint64
		err := message(b, func(number int, n uint64, _ []byte) error {
			switch number {
			case 1:
				id = n
			case 2:
				name = n
			}
			return nil
		})
		p.names[id] = name
		return err
	case 6: // string_table
		p.text = append(p.text, string(b))
	}
	return nil
}

var errProfile = errors.New("it is cut short, or is no profile")

// message visits the fields of a protocol buffer: numbers in n, all else in b.
func message(src []byte, visit func(number int, n uint64, b []byte) error) error {
	for len(src) > 0 {
		tag, size := binary.Uvarint(src)
		if size <= 0 {
			return errProfile
		}
		src = src[size:]
		var n uint64
		var b []byte
		switch tag & 7 {
		case 0:
			if n, size = binary.Uvarint(src); size <= 0 {
				return errProfile
			}
			src = src[size:]
		case 2:
			length, size := binary.Uvarint(src)
			if size <= 0 || length > uint64(len(src)-size) {
				return errProfile
			}
			b, src = src[size:size+int(length)], src[size+int(length):]
		default:
			return errProfile
		}
		if err := visit(int(tag>>3), n, b); err != nil {
			return err
		}
	}
	return nil
}

// repeated appends numbers, packed in b, or one.
func repeated(dst []uint64, n uint64, b []byte) ([]uint64, error) {
	if b == nil {
		return append(dst, n), nil
	}
	for len(b) > 0 {
		n, size := binary.Uvarint(b)
		if size <= 0 {
			return dst, errProfile
		}
		dst, b = append(dst, n), b[size:]
	}
	return dst, nil
}

// shortName is a function's name without the path of its package.
func shortName(name string) string {
	// What generic functions are instantiated with has paths too.
	if i := strings.IndexByte(name, '['); i >= 0 {
		name = name[:i]
	}
	return name[strings.LastIndexByte(name, '/')+1:]
}
