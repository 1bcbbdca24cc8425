package agg

import "github.com/stepping-cdc/stepping-cdc/values"

// logic holds bool_and (every) and bool_or: how many true and how many false.
type logic struct {
	trues, falses int64
	or            bool
}

func (l *logic) Reset() { l.trues, l.falses = 0, 0 }

func (l *logic) Add(args []values.Datum, w int64) {
	switch {
	case args[0].IsNull():
	case args[0].IsTrue():
		l.trues += w
	default:
		l.falses += w
	}
}

func (l *logic) Result() values.Datum {
	switch {
	case l.trues == 0 && l.falses == 0:
		return values.Null
	case l.or:
		return values.Bool(l.trues > 0)
	}
	return values.Bool(l.falses == 0)
}

func (l *logic) AppendState(dst []byte) []byte {
	return appendCount(appendCount(dst, l.trues), l.falses)
}

func (l *logic) LoadState(src []byte) ([]byte, error) {
	rest, err := loadCount(src, &l.trues)
	if err != nil {
		return nil, err
	}
	return loadCount(rest, &l.falses)
}

func init() {
	registerLinear("bool_and(bool)", func() Accumulator { return &logic{} })
	registerLinear("every(bool)", func() Accumulator { return &logic{} })
	registerLinear("bool_or(bool)", func() Accumulator { return &logic{or: true} })
}
