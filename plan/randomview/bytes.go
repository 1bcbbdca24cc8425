package randomview

// Bytes, blank-padded characters, and orders of texts that Go does not have.
func init() {
	declare("bytea", family{
		constants: []string{`'\x00ff'::bytea`, `'\x'::bytea`, "NULL::bytea", `'ab'::bytea`},
		exprs: []string{
			"({bytea} || {bytea})", "substr({bytea}, 1, 2)", "convert_to({text}, 'UTF8')", "overlay({bytea} placing '\\x01' from 1)", "decode(md5({text}), 'hex')", "sha256({bytea})", "trim('\\x00'::bytea from {bytea})",
			"CASE WHEN length({x=bytea}) > 0 THEN set_byte({x}, 0, 65) END",
		},
		conds: []string{"({bytea} LIKE '\\\\x00%'::bytea)", "(position({bytea} in {bytea}) > 0)", "({bytea} LIKE {bytea})"},
	})
	declare("bpchar", family{
		constants: []string{"'a'::char(4)", "'ab c'::char(4)", "''::char(4)", "NULL::char(4)"},
		exprs:     []string{"({text})::char(4)", "({int})::char(4)", "({bpchar} || 'x')::char(4)", "({bpchar})::char(2)::char(4)"},
		conds:     []string{"({bpchar} LIKE 'a%')", "({bpchar} ~ 'a $')", "({bpchar} = ANY (ARRAY[{bpchar}, 'b']))", "({bpchar} = {text}::bpchar)", "({bpchar} < {bpchar})", "({bpchar}::text < {text})"},
		extremes:  true,
	})
	declare("int", family{exprs: []string{"length({bytea})", "octet_length({text})", "CASE WHEN length({x=bytea}) > 0 THEN get_byte({x}, 0) END", "length({bpchar})", "octet_length({bpchar})", "bit_length({text})"}})
	declare("text", family{
		exprs: []string{"encode({bytea}, 'hex')", "encode({bytea}, 'escape')", "encode({bytea}, 'base64')", "({bytea})::text", "md5({bytea})", "({bpchar})::text", "({bpchar} || {text})", "upper({bpchar})"},
		conds: []string{
			`({text} < {text} COLLATE "en-US-x-icu")`, `({text} COLLATE "de-x-icu" BETWEEN {text} AND {text})`, `({text} = {text} COLLATE app.loose)`, `({text} COLLATE app.loose IN ({text}, 'A'))`, `({text} >= {text} COLLATE "C")`,
			`({text} COLLATE app.loose < {text})`, `(upper({text} COLLATE "en-US-x-icu") = {text})`,
		},
	})
}
