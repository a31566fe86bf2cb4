package viewflip_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every test that SECURITY.md and docs/asvs.md name exists in the package that it names, and
// every file that a document links to is there.
func TestDocuments(t *testing.T) {
	security, err := os.ReadFile("SECURITY.md")
	if err != nil {
		t.Fatal(err)
	}
	asvs, err := os.ReadFile("docs/asvs.md")
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("`([a-z/0-9]+)\\.((?:Test|Fuzz)\\w+)`").FindAllStringSubmatch(string(security)+string(asvs), -1)
	if len(named) < 20 {
		t.Errorf("they name %d tests", len(named))
	}
	for _, n := range named {
		if !declares(t, n[1], "func "+n[2]+"(") {
			t.Errorf("there is no test %s in %s", n[2], n[1])
		}
	}
	docs, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, doc := range append(docs, "ARCHITECTURE.md", "SECURITY.md") {
		text, err := os.ReadFile(doc)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range regexp.MustCompile(`\]\(([^)#:]+)(?:#[^)]*)?\)`).FindAllStringSubmatch(string(text), -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(doc), l[1])); err != nil {
				t.Errorf("%s links to %s: %v", doc, l[1], err)
			}
		}
	}
}

// declares reports whether a test file of a package contains a declaration.
func declares(t *testing.T, dir, declaration string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(b), declaration) {
			return true
		}
	}
	return false
}
