package plan_test

// Text and its bytes. Some bytes are no text, which is an error in the data.
func init() {
	viewCases = append(viewCases,
		viewCase{name: "text_to_bytes", query: `SELECT id, convert_to(note, 'UTF8') AS b, encode(sha256(convert_to(note || 'é', 'utf-8')), 'hex') AS h FROM orders`},
		viewCase{name: "bytes_to_text", query: `SELECT id, convert_from(decode(CASE WHEN id % 3 = 0 THEN md5(note) ELSE '6162' END, 'hex'), 'UTF8') AS t FROM orders WHERE qty > 1`},
		viewCase{name: "bytes_and_back", query: `SELECT convert_from(convert_to(note, 'UTF8'), 'UTF8') = note AS same, count(*) FROM orders GROUP BY 1`},
	)
}
