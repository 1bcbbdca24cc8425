package randomview

import (
	"cmp"
	"slices"
	"strings"
	"testing"
)

// A template that no seed has picked yet must be right as well.
func TestTemplatesNameTypes(t *testing.T) {
	for typ, f := range families {
		for _, template := range slices.Concat(f.exprs, f.conds, failing[typ]) {
			for _, h := range hole.FindAllStringSubmatch(template, -1) {
				of := cmp.Or(h[2], h[1])
				if families[of] == nil && !strings.Contains(template, "{"+of+"=") {
					t.Errorf("%s: template %s: no type %s", typ, template, of)
				}
			}
		}
	}
}
