package bus_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"viewflip.app/service/bus"
)

func TestCredentialsOfOthers(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there are no modes")
	}
	file := filepath.Join(t.TempDir(), "nkey")
	if err := os.WriteFile(file, []byte("SUxx"), 0o600); err != nil {
		t.Fatal(err)
	}
	for mode, want := range map[os.FileMode]string{0o640: "chmod 600 " + file, 0o604: "chmod 600 " + file, 0o600: "neither NATS credentials nor"} {
		if err := os.Chmod(file, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := bus.Open(within(t), bus.Config{URL: "tls://127.0.0.1:1?creds=" + file}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v", mode, err)
		}
	}
}
