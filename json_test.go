package viewflip_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// What people and their programs read as JSON is written by wire.NewJSON, which
// leaves & as it is: a link that is cut out of a line must lead somewhere.
func TestJSONForPeopleIsWrittenInOnePlace(t *testing.T) {
	// These write for themselves, or for a peer of ours, and for nobody else.
	internal := map[string]bool{
		"keychain/file.go": true, "rtc/negotiate.go": true, "service/client/vault.go": true, "service/accounts/signup.go": true,
		"service/store/backup.go": true, "service/store/keyring.go": true, "wire/json.go": true,
	}
	writes := regexp.MustCompile(`\bjson\.(NewEncoder|Marshal|MarshalIndent)\(`)
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || internal[filepath.ToSlash(path)] {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if m := writes.Find(b); m != nil {
			t.Errorf("%s uses %s: wire.NewJSON is for that", path, m)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
