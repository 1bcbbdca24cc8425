package values

import (
	"encoding/json"
	"errors"
	"strings"
)

// Two types of records may have fields of the same types, under other names: what is sent of
// their values is the same, and JSON tells them apart. Such values are sent as ROW(JSON, value).

// DecodeTold reads a value that was sent together with its JSON, as a text before it.
func DecodeTold(t *Type, src []byte) (Datum, error) {
	s := string(src)
	text, s, ok := toldField(s, 4)
	if !ok {
		return Null, malformed(t, "no JSON beside it")
	}
	value, _, ok := toldField(s, 0)
	if !ok {
		return Null, malformed(t, "JSON alone")
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	told, err := readNames(d)
	if err != nil {
		return Null, malformed(t, "the JSON beside it: "+err.Error())
	}
	if t.Kind == KindArray {
		return decodeRecordArray(t, value, told)
	}
	return decodeRecord(t, value, told)
}

// toldField reads a field of a record that is sent: behind its type and its length.
func toldField(src string, from int) (field, rest string, ok bool) {
	if len(src) < from+8 {
		return "", "", false
	}
	n, src := u32(src[from+4:]), src[from+8:]
	if uint64(n) > uint64(len(src)) {
		return "", "", false
	}
	return src[:n], src[n:], true
}

// names are what the fields in a value are called, as far as they are told: those of a record, and
// what there is of names in each of its fields, or in each element of an array.
type names struct {
	fields []string
	of     []*names
	array  bool
}

// at is what is told of a field or an element.
func (n *names) at(i int) *names {
	if n == nil || i >= len(n.of) {
		return nil
	}
	return n.of[i]
}

// are says whether the names may be those of a type's fields.
func (n *names) are(t *Type) bool {
	if n == nil {
		return true
	}
	if len(n.fields) != len(t.Fields) {
		return false
	}
	for i, f := range t.Fields {
		if n.fields[i] != f.Name {
			return false
		}
	}
	return true
}

// readNames reads the names in a JSON value. Arrays of several dimensions are arrays in JSON's, here the
// elements are one after the other.
func readNames(d *json.Decoder) (*names, error) {
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	open, ok := token.(json.Delim)
	if !ok {
		return nil, nil // a scalar
	}
	n := &names{}
	for d.More() {
		if open == '{' {
			name, err := d.Token()
			if err != nil {
				return nil, err
			}
			field, ok := name.(string)
			if !ok {
				return nil, errors.New("a field without a name")
			}
			n.fields = append(n.fields, field)
		}
		of, err := readNames(d)
		switch {
		case err != nil:
			return nil, err
		case open == '[' && of != nil && of.array:
			n.of = append(n.of, of.of...)
		default:
			n.of = append(n.of, of)
		}
	}
	n.array = open == '['
	_, err = d.Token()
	return n, err
}
