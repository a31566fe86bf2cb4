package store

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// The document for operators says of every table what the code does with it.
func TestRetentionDocument(t *testing.T) {
	doc, err := os.ReadFile("../../docs/privacy.md")
	if err != nil {
		t.Fatal(err)
	}
	backup := map[carried]string{notKept: "no", inData: "data", inKeys: "keys"}
	var want strings.Builder
	for _, x := range tables() {
		export := "yes"
		if x.export == "" {
			export = "no: " + x.why
		}
		fmt.Fprintf(&want, "| `%s` | %s | %s | %s |\n", x.name, x.life, export, backup[x.backup])
	}
	if !strings.Contains(string(doc), want.String()) {
		t.Errorf("docs/privacy.md does not have these rows:\n%s", want.String())
	}
}
