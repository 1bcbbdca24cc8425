package fn

// Arguments that functions of text and bytea are tried with beside the pools of
// their types: patterns, sets, encodings, lengths at the limits.

func init() {
	for _, name := range []string{"substring", "substr"} {
		addArgs(name, 1, "1", "0", "-1", "2", "3", "2147483647", "-2147483648")
		addArgs(name, 2, "0", "1", "2", "-1", "2147483647", "-2147483648")
	}
	addArgs("overlay", 2, "0", "1", "2", "3", "2147483647", "-5")
	addArgs("overlay", 3, "0", "1", "2", "-1", "-2147483648", "2147483647")
	for _, name := range []string{"left", "right"} {
		addArgs(name, 1, "0", "1", "2", "-1", "-2", "2147483647", "-2147483647", "-2147483648")
	}
	for _, name := range []string{"position", "strpos", "starts_with"} {
		addArgs(name, 0, "日本語日本", "aaab", "", "a🙂b")
		addArgs(name, 1, "本", "", "ab", "b", "語日", "aab", "🙂")
	}
	// Also a bytea's: hence no character beyond ASCII and no lone backslash.
	for _, name := range []string{"btrim", "ltrim", "rtrim"} {
		addArgs(name, 0, "  x y  ", "xyxa bxyy", "", "aaa", " ", "zzyab")
		addArgs(name, 1, " ", "", "xy", "a", "abcz ")
	}
	for _, name := range []string{"lpad", "rpad"} {
		addArgs(name, 1, "0", "-1", "3", "10", "2147483647", "300000000", "-2147483648")
		addArgs(name, 2, "", "xy", "日本", "🙂")
	}
	addArgs("replace", 0, "abcabc", "日本語日本", "aaaa", "")
	addArgs("replace", 1, "", "a", "aa", "日", "bc", "b")
	addArgs("replace", 2, "", "x", "本本", "aa")
	addArgs("translate", 0, "12345", "日本語", "aabbcc", "a🙂b")
	addArgs("translate", 1, "143", "日語", "aab", "", "🙂a")
	addArgs("translate", 2, "ax", "", "語日本", "🙂", "x")
	addArgs("split_part", 0, "a,b,c", "a", ",", ",,a,", "日本語", "aaaaa", "")
	addArgs("split_part", 1, ",", "", "a", "aa", "本", "zz")
	addArgs("split_part", 2, "0", "1", "2", "3", "-1", "-2", "-3", "2147483647", "-2147483648")
	addArgs("chr", 0, "0", "-1", "65", "233", "26085", "128578", "1114111", "1114112", "55295", "55296", "57343", "57344", "65533", "2147483647")
	addArgs("initcap", 0, "hello WORLD", "o'neil 3rd x1y", "éa ßB", "日aB")
	addArgs("quote_literal", 0, `a'b`, `a\b`, `\'`, "''")
	addArgs("quote_nullable", 0, `a'b`, `a\b`)
	addArgs("name", 0, "a23456789012345678901234567890123456789012345678901234567890123456789",
		"a2345678901234567890123456789012345678901234567890123456789012日本",
		"a23456789012345678901234567890123456789012345678901234567890 日",
		"a23456789012345678901234567890123456789012345678901234567890   x")
	addArgs("varchar", 0, "abc   ", "abcdef", "日本語", "日本  ", "a     b")
	addArgs("bpchar", 0, "abc   ", "abcdef", "日本語", "日本  ", "a     b")
	for _, name := range []string{"varchar", "bpchar"} {
		addArgs(name, 1, "-1", "4", "5", "6", "7", "8", "20", "3", "0")
	}
	for _, t := range []string{"text", "bpchar", "name"} {
		likeArgs(t+"like", t+"nlike", t+"iclike", t+"icnlike")
	}
	likeArgs("bytealike", "byteanlike", "like", "notlike")
	addArgs("like_escape", 0, "a#%b", "#", "##", `a\\b`, "a#_", "%#%%", "")
	addArgs("like_escape", 1, "#", "", "a", "##", `\\`, "%")
	addArgs("get_byte", 1, "0", "1", "2", "3", "-1", "2147483647")
	addArgs("set_byte", 1, "0", "1", "2", "-1")
	addArgs("set_byte", 2, "0", "255", "256", "-1", "65")
	for _, name := range []string{"get_bit", "set_bit"} {
		addArgs(name, 1, "0", "1", "7", "8", "15", "16", "-1", "9223372036854775807")
	}
	addArgs("set_bit", 2, "0", "1", "2", "-1")
	for _, name := range []string{"encode", "decode"} {
		addArgs(name, 1, "hex", "base64", "escape", "HEX", "Base64", "foo", "")
	}
	long := ""
	for range 20 {
		long += "3q2+7wABAgMEBQYHCAkKCwwNDg8Q"
	}
	addArgs("decode", 0, "6162", " 61 62\n", "6 1", "616", "6g", "é", "YWI=", "YW I=\n", "YQ==", "YQ==YWJj", "Y=", "YQ=", "YWJjZ", "Y*==",
		"a==G", "aGk=a", "YWJj", long, `\000\141`, `\\x`, `\`, `a\400`, `\12`, `\3779`, "日", "", "=")
	addArgs("encode", 0, `\x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363738`,
		`\x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f30313233343536373839`,
		`\x5c00807f`, `\x`)
}

// likeArgs are read as bytea, too: a backslash for LIKE is two.
func likeArgs(functions ...string) {
	for _, name := range functions {
		addArgs(name, 0, "abc", "aabc", "abcabc", "", "a%c", "ABC", "aXbXc", "a_c", "abab")
		addArgs(name, 1, "%", "%%", "", "_", "___", "a%", "%c", "%b%", "a_c", "A_C", "%ab%c", "_%", "%_", "%_b%", "a%b%c", "abc%",
			`a\\%c`, `a\\_c`, `%\\`, `abc\\`, `\\a%`, `%\\%%`, `\\`, "%bc%", "%x", "_____", "%abab", "%b_")
	}
}
