package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// file is what the strict decoder found: places of settings, and the views.
type file struct {
	settings map[string]*yaml.Node // by path, scalars only
	views    []viewNode
	place    *yaml.Node // of the key "views", nil if there is none
	broken   bool       // "views" is there but is not a list
}

// viewNode is a view as it stands in the file; absent parts are nil.
type viewNode struct {
	key               string // "views[0]"
	node              *yaml.Node
	name, query, from *yaml.Node
	indexes           [][]string
	indexPlaces       []*yaml.Node
	text              textPlace
}

// yamlLine finds the place in the messages of the YAML library, which has no other.
var yamlLine = regexp.MustCompile(`^yaml: (?:[a-z ]+ error: )?(?:line (\d+): )?`)

// yamlParserError are the messages of the library's parser.
var yamlParserError = regexp.MustCompile(`^did not find expected (key|node content|'-'|',' or|<)`)

// document parses the one document of a file. ok is false if nothing can be
// made of it; an empty file is an empty mapping.
func (r *reporter) document(data []byte) (doc *yaml.Node, ok bool) {
	if line, bad := firstInvalidUTF8(data); bad {
		r.add(Problem{Line: line, Message: "the file is not UTF-8", Remedy: "save it in the encoding UTF-8"})
		return nil, false
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var first, second yaml.Node
	if err := dec.Decode(&first); errors.Is(err, io.EOF) {
		return &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}, true
	} else if err != nil {
		r.yamlError(err)
		return nil, false
	}
	if err := dec.Decode(&second); err == nil {
		r.add(Problem{
			Line: second.Line, Column: second.Column,
			Message: "the file has more than one YAML document", Remedy: "remove the line \"---\" and what follows, or merge the two",
		})
		return nil, false
	} else if !errors.Is(err, io.EOF) {
		r.yamlError(err)
		return nil, false
	}
	if len(first.Content) != 1 {
		return &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}, true
	}
	return first.Content[0], true
}

func (r *reporter) yamlError(err error) {
	p := Problem{Remedy: "check the indentation, the colons and the quotes there"}
	text := err.Error()
	if m := yamlLine.FindStringSubmatch(text); m != nil {
		text = text[len(m[0]):]
		// No number, no place: Atoi's zero says just that.
		p.Line, _ = strconv.Atoi(m[1])
		// The library counts its parser's lines from 0, its scanner's from 1.
		if p.Line > 0 && yamlParserError.MatchString(text) {
			p.Line++
		}
	}
	p.Message = "not valid YAML: " + text
	r.add(p)
}

func firstInvalidUTF8(data []byte) (line int, bad bool) {
	line = 1
	for len(data) > 0 {
		c, size := utf8.DecodeRune(data)
		if c == utf8.RuneError && size == 1 {
			return line, true
		}
		if c == '\n' {
			line++
		}
		data = data[size:]
	}
	return 0, false
}

// at starts a problem at a node.
func at(n *yaml.Node, key, message, remedy string) Problem {
	return Problem{Line: n.Line, Column: n.Column, Key: key, Message: message, Remedy: remedy}
}

// file walks the document by the schema. Everything else in it is a problem.
func (r *reporter) file(doc *yaml.Node, lines [][]byte) *file {
	f := &file{settings: map[string]*yaml.Node{}}
	r.mapping(doc, "", topKeys, func(key string, k, v *yaml.Node) {
		if key == "views" {
			f.place = k
			f.broken = !r.list(v, key, "a list of views, each with a name and a query", func(path string, item *yaml.Node) {
				f.views = append(f.views, r.view(path, item, lines))
			})
			return
		}
		if sectionKeys[key] == nil {
			if r.scalar(v, key) {
				f.settings[key] = v
			}
			return
		}
		r.mapping(v, key, sectionKeys[key], func(name string, _, value *yaml.Node) {
			path := key + "." + name
			if r.scalar(value, path) {
				f.settings[path] = value
			}
		})
	})
	return f
}

func (r *reporter) view(path string, n *yaml.Node, lines [][]byte) viewNode {
	v := viewNode{key: path, node: n}
	r.mapping(n, path, viewKeys, func(key string, _, value *yaml.Node) {
		full := path + "." + key
		if key == "indexes" {
			r.list(value, full, "a list of column lists, like [[region], [region, revenue]]", func(indexPath string, item *yaml.Node) {
				columns := []string{}
				if r.list(item, indexPath, "a list of columns, like [region, revenue]", func(columnPath string, c *yaml.Node) {
					if r.text(c, columnPath) {
						columns = append(columns, c.Value)
					}
				}) {
					v.indexes = append(v.indexes, columns)
					v.indexPlaces = append(v.indexPlaces, item)
				}
			})
			return
		}
		if isNull(value) || !r.text(value, full) {
			return
		}
		switch key {
		case "name":
			v.name = value
		case "query":
			v.query, v.text = value, placeOf(value, lines)
		case "from":
			v.from, v.text = value, placeOf(value, lines)
		}
	})
	return v
}

// mapping calls visit for each known key of a mapping, and reports the others.
// An empty value (null) is an absent one.
func (r *reporter) mapping(n *yaml.Node, path string, known []string, visit func(key string, k, v *yaml.Node)) {
	if isNull(n) {
		return
	}
	if n.Kind == yaml.AliasNode {
		r.alias(n, path)
		return
	}
	if n.Kind != yaml.MappingNode {
		r.add(at(n, path, "must be a mapping, and is "+kind(n), "known keys here are "+strings.Join(known, ", ")))
		return
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		full := strings.TrimPrefix(path+"."+k.Value, ".")
		switch {
		case k.Kind == yaml.AliasNode:
			r.alias(k, path)
		case k.Kind != yaml.ScalarNode:
			r.add(at(k, path, "a key must be a word, and is "+kind(k), "known keys here are "+strings.Join(known, ", ")))
		case k.Tag == "!!merge":
			r.add(at(k, full, "YAML's merge key is not supported", "write the keys out"))
		case seen[k.Value] > 0:
			r.add(at(k, full, fmt.Sprintf("the key is there twice, first in line %d", seen[k.Value]), "keep one"))
		case !slices.Contains(known, k.Value):
			seen[k.Value] = k.Line
			r.add(at(k, shorten(full), "unknown key", unknownKey(k.Value, known)))
		default:
			seen[k.Value] = k.Line
			visit(k.Value, k, v)
		}
	}
}

// list calls visit for each element, and reports whether n is a list at all.
func (r *reporter) list(n *yaml.Node, path, want string, visit func(path string, item *yaml.Node)) bool {
	switch {
	case isNull(n):
		return true
	case n.Kind == yaml.AliasNode:
		r.alias(n, path)
		return false
	case n.Kind != yaml.SequenceNode:
		r.add(at(n, path, "must be a list, and is "+kind(n), "write "+want))
		return false
	}
	for i, item := range n.Content {
		visit(fmt.Sprintf("%s[%d]", path, i), item)
	}
	return true
}

// scalar reports whether n is a single value.
func (r *reporter) scalar(n *yaml.Node, path string) bool {
	switch {
	case n.Kind == yaml.AliasNode:
		r.alias(n, path)
		return false
	case n.Kind != yaml.ScalarNode:
		r.add(at(n, path, "must be a single value, and is "+kind(n), ""))
		return false
	}
	return true
}

// text reports whether n is text, not a number or the like that YAML makes of
// some unquoted words: names are taken to the letter, and `name: 007` would not be.
func (r *reporter) text(n *yaml.Node, path string) bool {
	if !r.scalar(n, path) {
		return false
	}
	if n.Tag != "!!str" {
		r.add(at(n, path, "must be text, and is "+kind(n), "put it in quotes"))
		return false
	}
	return true
}

// alias refuses a reference. A few bytes of nested aliases can stand for
// gigabytes, and a list of views needs none.
func (r *reporter) alias(n *yaml.Node, path string) {
	r.add(at(n, path, "YAML aliases are not supported", "write the value out"))
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

// kind names what a node is, for messages.
func kind(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.AliasNode:
		return "an alias"
	}
	switch n.Tag {
	case "!!str":
		return "text"
	case "!!int", "!!float":
		return "a number"
	case "!!bool":
		return "a truth value"
	case "!!null":
		return "empty"
	case "!!timestamp":
		return "a date"
	}
	return "of the type " + shorten(n.Tag)
}

// shorten keeps hostile words from filling the screen.
func shorten(s string) string {
	const most = 80
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most]) + "…"
}
