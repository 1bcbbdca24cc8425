package plan_test

// XML, and tables made of it.
func init() {
	const doc = `(SELECT id, qty, note, ('<r xmlns:y="urn:y" day="' || coalesce(day::text, '') || '"><i k="' || id || '">' || coalesce(note, '') || '</i><i/><y:j>' || coalesce(qty::text, '0') || '</y:j></r>')::xml AS x FROM orders)`
	viewCases = append(viewCases,
		viewCase{name: "xml_table", query: `SELECT o.id, t.* FROM ` + doc + ` o, XMLTABLE('/r/i' PASSING o.x COLUMNS n FOR ORDINALITY, k int PATH '@k', v text PATH '.', whole xml PATH '.') t`},
		viewCase{name: "xml_table_defaults", query: `SELECT o.id, t.k, t.q, t.v FROM ` + doc + ` o LEFT JOIN XMLTABLE('/r/i' PASSING o.x COLUMNS k int PATH '@k' DEFAULT o.qty, q numeric(6,2) DEFAULT 1.5, v varchar(3) PATH 'text()' DEFAULT 'nil' NOT NULL) t ON t.k > 2`},
		viewCase{name: "xml_table_namespaces", query: `SELECT o.id, t.j FROM ` + doc + ` o, XMLTABLE(XMLNAMESPACES('urn:y' AS "Y y"), '/r' PASSING o.x COLUMNS j int PATH '*[3]') t`},
		viewCase{name: "xml_table_path", query: `SELECT o.id, t.v FROM ` + doc + ` o, XMLTABLE(('/r/' || CASE WHEN o.qty > 1 THEN 'i' ELSE 'none' END) PASSING o.x COLUMNS v text PATH '@k') t`},
		viewCase{name: "xml_table_dates", query: `SELECT o.id, t.day FROM ` + doc + ` o, XMLTABLE('/r[@day!=""]' PASSING o.x COLUMNS day date PATH '@day') t`},
		viewCase{name: "xml_well_formed", query: `SELECT id, xml_is_well_formed(tx) AS x, xml_is_well_formed('<a>' || id || '</a>') AS y FROM everything`},
		viewCase{name: "xml_table_row", query: `SELECT o.id, t IS NULL AS none, to_jsonb(t) AS j, count(t) OVER () AS n FROM ` + doc + ` o, XMLTABLE('/r/i' PASSING o.x COLUMNS r text PATH '@k', v text PATH '.') t`},
		viewCase{name: "xml_table_group", query: `SELECT t.v, count(*) AS n, sum(t.k) AS s FROM ` + doc + ` o, XMLTABLE('/r/i' PASSING o.x COLUMNS k int PATH '@k', v text PATH '.') t GROUP BY t.v`},
		viewCase{name: "xml_table_sub", query: `SELECT c.id, (SELECT sum(t.k) FROM ` + doc + ` o, XMLTABLE('/r/i' PASSING o.x COLUMNS k int PATH '@k') t WHERE o.qty = c.tier) AS s FROM customers c`},
		viewCase{name: "xml_table_outer", query: `SELECT c.id, (SELECT string_agg(t.v || c.id, ',' ORDER BY t.v) FROM XMLTABLE('//a' PASSING xmlparse(DOCUMENT '<r><a>' || c.id || '</a><a>x</a></r>') COLUMNS v text PATH '.') t) AS s FROM customers c`},
		viewCase{name: "xml_table_constant", query: `SELECT t.v, p.name FROM XMLTABLE('/r/a' PASSING '<r><a>1</a><a>2</a></r>' COLUMNS v int PATH '.') t LEFT JOIN products p ON p.id = t.v`},
		viewCase{name: "xml_bad", query: `SELECT o.id, t.v FROM orders o, XMLTABLE('/a' PASSING (('<a>' || o.note || '</a>')::xml) COLUMNS v int PATH '.') t WHERE o.id < 3`},
		viewCase{name: "xml_element", query: `SELECT c.id, xmlelement(NAME customer, xmlattributes(c.id, c.name AS "full name", c.tier AS t_x0020_), c.region, xmlelement(NAME "a b_x"), c.tier) AS x FROM customers c`},
		viewCase{name: "xml_forest", query: `SELECT e.id, xmlforest(e.b, e.i4 AS "n n", e.n, e.f8, e.tsz, e.d2, e.ba, e.jb) AS x FROM (SELECT *, CASE WHEN d > '0001-01-01' AND d < '9999-01-01' THEN d END AS d2 FROM everything) e WHERE e.tsz < 'infinity' AND e.tsz > '-infinity'`},
		viewCase{name: "xml_concat", query: `SELECT o.id, xmlconcat(xmlcomment(o.note), xmlpi(NAME php, 'echo ' || o.qty), xmlelement(NAME q, o.qty)) AS x FROM orders o`},
		viewCase{name: "xml_parse", query: `SELECT o.id, xmlparse(CONTENT coalesce(o.note, '') || ' <a/>') AS a, xmlparse(DOCUMENT '<a> ' || o.qty || '</a>' PRESERVE WHITESPACE) AS b, xmlroot(xmlelement(NAME x, o.qty), VERSION '1.0', STANDALONE YES) AS c, xmlroot(xmlelement(NAME x, o.qty), VERSION NO VALUE) AS d FROM orders o`},
		viewCase{name: "xml_serialize", query: `SELECT o.id, xmlserialize(CONTENT xmlelement(NAME a, o.note) AS text) AS a, xmlserialize(CONTENT xmlforest(o.qty) AS varchar(12)) AS b, (o.note || '<a/>')::xml IS DOCUMENT AS c FROM orders o`},
		viewCase{name: "xml_agg", query: `SELECT o.customer_id, xmlagg(xmlelement(NAME o, o.id) ORDER BY o.id) AS x FROM orders o GROUP BY o.customer_id`},
		viewCase{name: "xml_path", query: `SELECT o.id, xpath('/r/i/@k', o.x)::text AS k, xmlexists('/r/i' PASSING o.x) AS e, (xpath('//i/text()', o.x))[1] AS t FROM ` + doc + ` o`},
	)
}
