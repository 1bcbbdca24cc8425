// Package shop holds the example database: a shop with customers, products,
// orders, order lines, stock and payments, and the views that such a shop keeps.
// The demo and the compose file use the same files.
package shop

import _ "embed"

// Schema creates the tables.
//
//go:embed schema.sql
var Schema string

// Seed fills them, always with the same rows.
//
//go:embed seed.sql
var Seed string

// Config is the example's configuration.
//
//go:embed stepping.yaml
var Config string
