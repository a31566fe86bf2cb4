package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"viewflip.app/cmd/viewflip/internal/holder"
	"viewflip.app/keychain"
	"viewflip.app/wire/account"
)

// insideKeyring marks the test binary that runs itself on a session bus of its
// own: the D-Bus library keeps one connection for each process.
const insideKeyring = "VIEWFLIP_KEYRING_TEST"

// inKeyring is what the Secret Service has of viewflip, asked for by D-Bus.
func inKeyring(t *testing.T) int {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "dbus-send", "--session", "--print-reply", "--dest=org.freedesktop.secrets",
		"/org/freedesktop/secrets", "org.freedesktop.Secret.Service.SearchItems", "dict:string:string:username,account").CombinedOutput()
	if err != nil {
		t.Fatalf("dbus-send: %v\n%s", err, out)
	}
	return strings.Count(string(out), "object path")
}

// The life of an account whose keys are in a real Secret Service: there, and in
// no file, on no disk and in no log.
func TestAccountInTheKeyring(t *testing.T) {
	if os.Getenv(insideKeyring) == "" {
		for _, p := range []string{"dbus-run-session", "dbus-send", "gnome-keyring-daemon"} {
			if _, err := exec.LookPath(p); err != nil {
				t.Fatalf("%s is missing; \"make test\" installs it", p)
			}
		}
		exe, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		home := t.TempDir()
		cmd := exec.CommandContext(t.Context(), "dbus-run-session", "--", exe, "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=120s")
		cmd.Env = []string{
			insideKeyring + "=1", "PATH=" + os.Getenv("PATH"), "HOME=" + home, "XDG_RUNTIME_DIR=" + home, "LC_ALL=C.UTF-8",
			"XDG_DATA_HOME=" + filepath.Join(home, "data"), "XDG_CONFIG_HOME=" + filepath.Join(home, "config"), "XDG_CACHE_HOME=" + filepath.Join(home, "cache"),
		}
		cmd.WaitDelay = 5 * time.Second
		if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	daemon := exec.CommandContext(t.Context(), "gnome-keyring-daemon", "--foreground", "--unlock", "--components=secrets")
	daemon.Stdin = strings.NewReader("password of the login keyring\n")
	if err := daemon.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = daemon.Process.Kill(); _ = daemon.Wait() })
	// Asking for a secret too early would make the bus start another daemon.
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		out, err := exec.CommandContext(t.Context(), "dbus-send", "--session", "--print-reply", "--dest=org.freedesktop.DBus",
			"/org/freedesktop/DBus", "org.freedesktop.DBus.NameHasOwner", "string:org.freedesktop.secrets").CombinedOutput()
		if err == nil && bytes.Contains(out, []byte("boolean true")) {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("gnome-keyring did not start: %s", out)
		}
	}

	w := newTown(t)
	w.keyring = "anna"
	w.signUp("anna", "Plantedname Anna")
	w.signUp("ben", "Ben")
	if n := inKeyring(t); n != 1 {
		t.Fatalf("the keyring has %d accounts", n)
	}
	w.must("ben", "", "contacts", "accept", strings.TrimSpace(w.must("anna", "", "contacts", "invite")))
	w.linkDevice("anna", "tower")
	if out := w.must("tower", "", "contacts"); !strings.Contains(out, "Ben") {
		t.Error(out)
	}

	k, err := keychain.Open(t.Context(), keychain.Options{App: "viewflip", Kind: keychain.OS})
	if err != nil {
		t.Fatal(err)
	}
	b, err := k.Get(t.Context(), holder.AccountEntry)
	if err != nil {
		t.Fatal(err)
	}
	c, err := account.ParseCredentials(b)
	if err != nil {
		t.Fatal(err)
	}
	seed := c.Key.Seed()
	planted := []string{"planted.example", "Plantedname"}
	// The pass-key is the 32 bytes after the version (docs/protocol.md, 15.2).
	for _, secret := range [][]byte{b[1:33], seed[:], c.PassKey.Password()} {
		planted = append(planted, string(secret), hex.EncodeToString(secret),
			base64.StdEncoding.EncodeToString(secret), base64.RawURLEncoding.EncodeToString(secret))
	}
	w.scan(planted...)
	keyrings := 0
	err = filepath.Walk(os.Getenv("HOME"), func(path string, i os.FileInfo, err error) error {
		if err != nil || !i.Mode().IsRegular() {
			return err
		}
		if strings.HasSuffix(path, ".keyring") {
			keyrings++
		}
		b, err := os.ReadFile(path)
		for _, p := range planted {
			if bytes.Contains(b, []byte(p)) {
				t.Errorf("a secret is in clear text in %s", path)
			}
		}
		return err
	})
	if err != nil || keyrings == 0 {
		t.Errorf("%d files of the keyring, %v", keyrings, err)
	}
	files, err := filepath.Glob(filepath.Join(w.home("anna"), "viewflip", "*"))
	if err != nil {
		t.Error(err)
	}
	for _, f := range files {
		if strings.Contains(filepath.Base(f), "key") {
			t.Errorf("there is a key file: %s", f)
		}
	}
	if there, err := filepath.Glob(filepath.Join(w.home("ben"), "viewflip", "*key*")); err != nil || len(there) == 0 {
		t.Error("where is Ben's key file, and would Anna's be seen?", err)
	}

	w.must("anna", "DELETE\n", "account", "delete")
	if n := inKeyring(t); n != 0 {
		t.Errorf("after the end the keyring has %d accounts", n)
	}
	if out := w.must("ben", "", "contacts"); strings.Contains(out, "Planted") {
		t.Error("a deleted person is still there:", out)
	}
	w.scan(planted...)
}
