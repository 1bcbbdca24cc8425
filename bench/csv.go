package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
)

// csvHeader: a line is one round of one figure, so that two files can be compared.
var csvHeader = []string{"experiment", "figure", "unit", "round", "value", "note"}

func (r *report) writeCSV(path string) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return writeFigures(f, r.rows)
}

func writeFigures(to io.Writer, figures []figure) error {
	w := csv.NewWriter(to)
	rows := [][]string{csvHeader}
	for _, f := range figures {
		for round, v := range f.runs {
			rows = append(rows, []string{f.section, f.what, f.unit, strconv.Itoa(round + 1), strconv.FormatFloat(v, 'g', 6, 64), f.note})
		}
	}
	return w.WriteAll(rows)
}

// readFigures reads what writeFigures wrote, in the same order.
func readFigures(from io.Reader) ([]figure, error) {
	rows, err := csv.NewReader(from).ReadAll()
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 || !slices.Equal(rows[0], csvHeader) {
		return nil, fmt.Errorf("the first line is not %v: not a file of results, or an older one", csvHeader)
	}
	var out []figure
	at := map[[3]string]int{}
	for i, row := range rows[1:] {
		v, err := strconv.ParseFloat(row[4], 64)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", i+2, err)
		}
		key := [3]string{row[0], row[1], row[2]}
		n, ok := at[key]
		if !ok {
			n = len(out)
			at[key] = n
			out = append(out, figure{section: row[0], what: row[1], unit: row[2], note: row[5]})
		}
		out[n].runs.add(v)
	}
	return out, nil
}
