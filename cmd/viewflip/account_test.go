package main

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"viewflip.app/cmd/viewflip/internal/command"
	"viewflip.app/service"
	"viewflip.app/service/servicetest"
)

// locked is a buffer that several goroutines write.
type locked struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *locked) Write(p []byte) (int, error) { l.mu.Lock(); defer l.mu.Unlock(); return l.b.Write(p) }
func (l *locked) String() string              { l.mu.Lock(); defer l.mu.Unlock(); return l.b.String() }

// town is a service with accounts, and the homes of who uses it.
type town struct {
	t    *testing.T
	url  string
	out  *servicetest.Outbox
	data string
	logs locked
	// keyring is who has his keys in the keychain of the system; "" is nobody.
	keyring string
}

func newTown(t *testing.T) *town {
	t.Helper()
	w := &town{t: t, data: t.TempDir()}
	log := slog.New(slog.NewTextHandler(&w.logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	cfg, out := servicetest.Accounts(t, service.Config{Log: log}, w.data)
	w.out = out
	r, _ := servicetest.StartAccounts(t, cfg)
	w.url = r.Service().URL()
	return w
}

// run runs a command as somebody whose home lasts.
func (w *town) run(who string, stdin io.Reader, args ...string) (stdout, stderr string, code int) {
	w.t.Helper()
	env := map[string]string{
		"HOME": filepath.Join(w.t.TempDir(), "unused"), "XDG_DATA_HOME": w.home(who), "XDG_CONFIG_HOME": w.home(who),
		"VIEWFLIP_KEYCHAIN": "file", "VIEWFLIP_PASSPHRASE": "secret of " + who, "VIEWFLIP_SERVICE": w.url, "VIEWFLIP_LOG": "debug",
	}
	if who == w.keyring {
		env["VIEWFLIP_KEYCHAIN"], env["VIEWFLIP_PASSPHRASE"] = "os", ""
	}
	var out, err locked
	code = run(w.t.Context(), command.World{Stdin: stdin, Stdout: &out, Stderr: &err, Getenv: func(k string) string { return env[k] }}, args)
	_, _ = io.WriteString(&w.logs, err.String())
	return out.String(), err.String(), code
}

func (w *town) home(who string) string {
	d := filepath.Join(w.data, "..", "home-"+who)
	if err := os.MkdirAll(d, 0o700); err != nil {
		w.t.Fatal(err)
	}
	return d
}

// must runs a command that succeeds.
func (w *town) must(who, stdin string, args ...string) string {
	w.t.Helper()
	out, err, code := w.run(who, strings.NewReader(stdin), args...)
	if code != exitOK {
		w.t.Fatalf("%s: viewflip %v: %d, %s", who, args, code, err)
	}
	return out
}

// codeReader is a person who types what was mailed when asked.
type codeReader struct {
	w     *town
	email string
	first string // typed before
	rest  *strings.Reader
}

func (r *codeReader) Read(p []byte) (int, error) {
	if r.first != "" {
		n := copy(p, r.first)
		r.first = r.first[n:]
		return n, nil
	}
	if r.rest == nil {
		for end := time.Now().Add(10 * time.Second); r.w.out.Last(r.email).Code == "" && time.Now().Before(end); {
			time.Sleep(10 * time.Millisecond)
		}
		r.rest = strings.NewReader(r.w.out.Last(r.email).Code + "\n")
	}
	return r.rest.Read(p)
}

func (w *town) signUp(who, name string) {
	w.t.Helper()
	email := who + "@planted.example"
	// The first code is wrong: it may be typed again.
	out, err, code := w.run(who, &codeReader{w: w, email: email, first: "12\n"}, "signup", "--email", email, "--name", name)
	if code != exitOK || !strings.Contains(out, name) || !strings.Contains(err, "eight digits") {
		w.t.Fatalf("%d, %s, %s", code, out, err)
	}
}

// The whole life of an account, as people type it.
func TestAccountsByCommand(t *testing.T) {
	w := newTown(t)
	w.signUp("anna", "Plantedname Anna")
	w.signUp("ben", "Ben")
	if _, err, code := w.run("anna", strings.NewReader(""), "signup", "--email", "x@y.example"); code != exitError || !strings.Contains(err, "has an account already") {
		t.Errorf("%d, %s", code, err)
	}
	link := strings.TrimSpace(w.must("anna", "", "contacts", "invite"))
	if out := w.must("ben", "", "contacts", "accept", link); !strings.Contains(out, "Plantedname Anna is a contact now, verified") {
		t.Error(out)
	}
	if _, err, code := w.run("ben", strings.NewReader(""), "contacts", "accept", link); code != exitError || !strings.Contains(err, "was used") {
		t.Errorf("a link twice: %d, %s", code, err)
	}
	for who, other := range map[string]string{"anna": "Ben", "ben": "Plantedname Anna"} {
		if out := w.must(who, "", "contacts"); !strings.Contains(out, other) || !strings.Contains(out, "verified") {
			t.Errorf("%s has %s", who, out)
		}
	}
	if out := w.must("ben", "", "contacts", "ask", "nobody@planted.example"); out != w.must("ben", "", "contacts", "ask", "anna@planted.example") {
		t.Error("the answers differ")
	}

	// A second device, and its end.
	devices := func(who string) (ids []string) {
		var a struct{ Devices []struct{ ID string } }
		if err := json.Unmarshal([]byte(w.must(who, "", "account", "--json")), &a); err != nil {
			t.Fatal(err)
		}
		for _, d := range a.Devices {
			ids = append(ids, d.ID)
		}
		return ids
	}
	w.linkDevice("anna", "tower")
	ids := devices("tower")
	if len(ids) != 2 || !strings.Contains(w.must("tower", "", "contacts"), "Ben") {
		t.Errorf("the new device sees %v", ids)
	}
	kit, _, _ := strings.Cut(w.must("anna", "", "account", "kit"), "\n")
	w.must("anna", "", "account", "remove-device", ids[1])
	for _, want := range []string{"was removed", "no account on this device"} {
		if _, err, code := w.run("tower", strings.NewReader(""), "account"); code != exitError || !strings.Contains(err, want) {
			t.Errorf("a removed device: %d, %s", code, err)
		}
	}
	// That is the service's word: the key is kept until the person says so.
	if _, err, code := w.run("tower", strings.NewReader(""), "account", "again"); code != exitError || !strings.Contains(err, "is kept") {
		t.Errorf("a removed device, again: %d, %s", code, err)
	}
	w.must("tower", "", "account", "forget")
	if _, err, code := w.run("tower", strings.NewReader(""), "account", "again"); code != exitError || !strings.Contains(err, "no account that was set aside") {
		t.Errorf("a removed device, forgotten: %d, %s", code, err)
	}

	// An ask, and what a contact is called.
	if out := w.must("ben", "", "contacts"); !strings.Contains(out, "asked, no answer yet") {
		t.Error(out)
	}
	for _, e := range []string{"nobody@planted.example", "anna@planted.example"} {
		if out := w.must("ben", "", "contacts", "withdraw", e); out != "" {
			t.Error(out)
		}
	}
	w.must("anna", "", "account", "name", "Plantedname Annie")
	if out := w.must("ben", "", "contacts"); strings.Contains(out, "no answer") || !strings.Contains(out, "Plantedname Anna ") || !strings.Contains(out, `is "Plantedname Annie" now`) {
		t.Error(out)
	}
	var list []struct{ ID, Name, Says string }
	if err := json.Unmarshal([]byte(w.must("ben", "", "contacts", "--json")), &list); err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	w.must("ben", "", "contacts", "rename", list[0].ID, "Plantedname Annie")
	if out := w.must("ben", "", "contacts"); strings.Contains(out, "now") {
		t.Error(out)
	}

	// Everything lost but the kit.
	w.out.Forget("anna@planted.example")
	out, serr, code := w.run("new", &codeReader{w: w, email: "anna@planted.example", first: strings.ToLower(kit) + "\n"}, "account", "recover")
	if code != exitOK {
		t.Fatalf("%d, %s, %s", code, out, serr)
	}
	if out := w.must("new", "", "contacts"); !strings.Contains(out, "Ben") || !strings.Contains(out, "verified") {
		t.Error(out)
	}
	if out := w.must("new", "", "account", "export"); !strings.Contains(out, "anna@planted.example") || strings.Contains(out, "ben@planted.example") {
		t.Error(out)
	}
	w.must("new", "DELETE\n", "account", "delete")
	if out := w.must("ben", "", "contacts"); strings.Contains(out, "Planted") {
		t.Error("a deleted person is still there: ", out)
	}
	w.scan("planted.example", "Plantedname", kit, strings.ReplaceAll(kit, "-", ""))
}

// linkDevice has newcomer join the account of old.
func (w *town) linkDevice(old, newcomer string) {
	w.t.Helper()
	pr, pw := io.Pipe()
	done := make(chan int, 1)
	go func() {
		env := map[string]string{
			"XDG_DATA_HOME": w.home(newcomer), "XDG_CONFIG_HOME": w.home(newcomer), "HOME": w.home(newcomer),
			"VIEWFLIP_KEYCHAIN": "file", "VIEWFLIP_PASSPHRASE": "secret of " + newcomer, "VIEWFLIP_SERVICE": w.url,
		}
		code := run(w.t.Context(), command.World{Stdin: strings.NewReader(""), Stdout: pw, Stderr: &w.logs, Getenv: func(k string) string { return env[k] }}, []string{"account", "join"})
		_ = pw.Close()
		done <- code
	}()
	b := make([]byte, 4096)
	n, err := pr.Read(b)
	if err != nil {
		w.t.Fatal(err)
	}
	go func() { _, _ = io.Copy(io.Discard, pr) }()
	code := regexp.MustCompile(`\d{4} \d{4} \d{4}`).FindString(string(b[:n]))
	w.must(old, "ADD\n", "account", "link", code)
	if c := <-done; c != exitOK {
		w.t.Fatal("the new device ended with", c)
	}
}

// scan looks for planted secrets in logs, keychains and the service's data.
func (w *town) scan(planted ...string) {
	w.t.Helper()
	look := func(where string, b []byte) {
		for _, p := range planted {
			if p != "" && bytes.Contains(b, []byte(p)) {
				w.t.Errorf("%q is in clear text in %s", p, where)
			}
		}
	}
	// What a person typed and was told is on his own screen, not in a log.
	for line := range strings.Lines(w.logs.String()) {
		if strings.HasPrefix(line, "time=") {
			look("a log", []byte(line))
		}
	}
	err := filepath.Walk(filepath.Dir(w.data), func(path string, i os.FileInfo, err error) error {
		if err != nil || i.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		look(path, b)
		return err
	})
	if err != nil {
		w.t.Error(err)
	}
}
