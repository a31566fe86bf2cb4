package viewflip_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "viewflip.app"

// mayImport says which packages of this module a package may import. A package
// that is not listed may not exist. Extending it is a decision with a reason.
func mayImport() map[string][]string {
	const p, x, w = "platform", "platform/x11", "wire"
	const c = "cmd/viewflip/internal/"
	return map[string][]string{
		"": nil, "wire": nil, "video": nil, "keychain": {"private"},
		// Leaves: listeners until their context ends, and modes of files with secrets.
		"bell": nil, "private": nil,
		"video/tile": {"video"}, "video/vpx": {"video"},
		p: {"bell", x, x + "/xinput"}, x: {w}, x + "/xinput": nil, "platform/virtual": {x}, "platform/platformtest": {p, "platform/platformtest/world", x, "video", w}, "platform/platformtest/world": {p, w},
		// capture names the pointer whose shape it asks for.
		"capture": {p, x, x + "/xinput", "video"},
		"input":   {w, p}, "input/xtest": {"input", p, x, x + "/xinput", w}, "input/robot": {"input", "input/xtest", p, x, w}, "input/inputtest": {"input", p, "platform/platformtest/world", w},
		"input/inputtest/model": {"input", "input/inputtest", p, "platform/platformtest/world", w},
		"input/inputtest/onx11": {"input", "input/inputtest", p, "platform/platformtest", "platform/platformtest/world", x, x + "/xinput", w},
		"rtc":                   {w}, "service/client": {"bell", w, w + "/account", "service/srp"},
		// What both sides of an account share; SRP knows nothing of viewflip.
		"wire/account": {w}, "service/srp": nil,
		// The store keeps sessions and device lists in the types of the protocol.
		"service/store": {"private", w, "wire/account"},
		// The mailbox divides its port between HTTP and the relay. What it does not
		// import, no desktop program carries: see neverIn.
		"service": {"private", w, "service/relay"}, "service/relay": {w}, "service/mail": nil, "service/bus": {"private"},
		"service/accounts":    {"service", "service/store", "service/bus", "service/mail", "service/srp", w, "wire/account"},
		"service/servicetest": {"service", "service/accounts", "service/client", "service/store", "service/bus", "service/mail", w, w + "/account"},
		"session":             {"bell", "capture", "input", p, "video", w, w + "/account"}, // the phrase that two compare
		"ui":                  {"session", p, x, "video", w, "ui/glass"},
		"ui/glass":            {"session", p, x, "video", w},
		// Its commands take e-mail addresses in the form of the protocol.
		"cmd/viewflipd": {"private", "service", "service/accounts", "service/client", "service/relay", "service/bus", "service/mail", "service/store", w, w + "/account"},
		c + "command":   nil,
		// The one place where the desktop program names the parts of a system.
		c + "system":     {c + "command", "capture", "input", "input/robot", "input/xtest", p, x, "session", "ui/glass"},
		c + "peer":       {"rtc", "service", "service/client", "service/relay", "session", "video/tile", "video/vpx", w},
		c + "screen":     {x},
		c + "demo":       {c + "command", c + "screen", "platform/virtual"},
		c + "doctor":     {c + "command", c + "peer", c + "system", "keychain", p, "rtc", "service", "service/client", w},
		c + "holder":     {"keychain", "service/client", "session", w, w + "/account"},
		c + "app":        {c + "command", c + "holder", c + "peer", c + "system", "capture", "input", "keychain", p, "rtc", "service", "service/client", "session", w, w + "/account"},
		c + "accountcmd": {c + "app", c + "command", c + "holder", "service/client", w, w + "/account"},
		c + "gui":        {c + "app", c + "command", c + "holder", "capture", p, "service/client", "session", "ui", "ui/glass", "video", w, w + "/account"},
		c + "share":      {c + "app", c + "command", c + "holder", p, "service/client", "session", w},
		"cmd/viewflip":   {c + "accountcmd", c + "command", c + "demo", c + "doctor", c + "gui", c + "share", c + "system", p},
	}
}

// testOnly may be imported by every test, and by tests alone.
func testOnly() []string {
	return []string{"platform/virtual", "platform/platformtest", "platform/platformtest/world", "input/inputtest", "input/inputtest/model", "input/inputtest/onx11", "service/servicetest"}
}

// onlyIn keeps third-party modules where they belong.
func onlyIn() map[string][]string {
	return map[string][]string{
		"filippo.io/bigmod":         {"service/srp"},
		"fyne.io/":                  {"ui", "ui/glass", "cmd/viewflip"},
		"github.com/jackc/":         {"service/store"},
		"github.com/emersion/":      {"service/mail"},
		"github.com/wneessen/":      {"service/mail"},
		"github.com/prometheus/":    {"service/accounts"},
		"github.com/nats-io/":       {"service/bus"},
		"github.com/ncruces/":       {"service/store"},
		"github.com/pion/":          {"rtc", "service/relay"},
		"github.com/pressly/goose/": {"service/store"},
		"github.com/tink-crypto/":   {"service/store"},
		"database/sql":              {"service/store"},
		"github.com/go-vgo/robotgo": {"input/robot"},
		// It takes pictures of all that a screen shows. Nothing that feeds a share may.
		"github.com/kbinani/screenshot": {"cmd/viewflip/internal/demo"},
		"github.com/zalando/go-keyring": {"keychain"},
		"github.com/coder/websocket":    {"service", "service/client", "service/servicetest"},
		"github.com/godbus/dbus/":       {"platform"},
	}
}

// carried is a module that must not be part of a program.
type carried struct{ prefix, why string }

// neverIn says what may not be in a package or a program, be it by an import of
// an import.
func neverIn() map[string][]carried {
	const db = "what lasts is the business of a service that stays; a private service ends with its call"
	ofServers := []carried{
		{"github.com/nats-io/", "a private service has one node, which talks to no other"},
		{"github.com/jackc/", db},
		{"github.com/ncruces/", db},
		{"modernc.org/", db},
		{"github.com/pressly/goose", db},
		{"github.com/tink-crypto/", "it encrypts the columns of a database; a desktop has none"},
		{"github.com/prometheus/", "nobody watches the figures of a desktop program, and it must have none that could tell of people"},
		{"github.com/wneessen/", "a desktop sends no mail"},
		{"github.com/emersion/", "a desktop sends no mail"},
		{module + "/service/accounts", "it brings in all of the above"},
	}
	return map[string][]carried{"service": ofServers, "cmd/viewflip": ofServers}
}

type pkg struct {
	ImportPath                         string
	Imports, TestImports, XTestImports []string
	GoFiles                            []string
	Dir                                string
}

func list(t *testing.T, goos string, args ...string) []pkg {
	t.Helper()
	if len(args) == 0 {
		args = []string{"./..."}
	}
	cmd := exec.Command("go", append([]string{"list", "-e", "-tags", "x11", "-json=ImportPath,Imports,TestImports,XTestImports,GoFiles,Dir"}, args...)...)
	cmd.Env = append(os.Environ(), "GOOS="+goos)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err, stderr.String())
	}
	var all []pkg
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

func inside(path string) (string, bool) {
	if path == module {
		return "", true
	}
	return strings.CutPrefix(path, module+"/")
}

func TestArchitecture(t *testing.T) {
	allowed := mayImport()
	for _, goos := range []string{"linux", "windows", "darwin"} {
		for _, p := range list(t, goos) {
			name, _ := inside(p.ImportPath)
			may, ok := allowed[name]
			if !ok {
				t.Errorf("%s: package %s is not in the table", goos, p.ImportPath)
				continue
			}
			for _, imp := range p.Imports {
				if in, ok := inside(imp); ok && !slices.Contains(may, in) {
					t.Errorf("%s: %s may not import %s", goos, name, in)
				}
				for prefix, where := range onlyIn() {
					if strings.HasPrefix(imp, prefix) && !slices.Contains(where, name) {
						t.Errorf("%s: %s may not import %s; only %v may", goos, name, imp, where)
					}
				}
			}
			for _, imp := range append(p.TestImports, p.XTestImports...) {
				in, ok := inside(imp)
				if ok && in != name && !slices.Contains(may, in) && !slices.Contains(testOnly(), in) && allowed[in] == nil {
					continue // leaves may be used by tests
				}
				if ok && strings.HasPrefix(in, "cmd/") && !slices.Contains(may, in) && !strings.HasPrefix(in, name+"/internal/") {
					t.Errorf("%s: a test of %s imports %s, which %s may not", goos, name, in, name)
				}
			}
		}
	}
}

// A program carries nothing that it has no use for, however it got in. With all of
// that, cmd/viewflip had 60 MB instead of 36.
func TestCarried(t *testing.T) {
	for _, goos := range []string{"linux", "windows", "darwin"} {
		for name, never := range neverIn() {
			root := module + "/" + name
			imports := map[string][]string{}
			for _, p := range list(t, goos, "-deps", root) {
				imports[p.ImportPath] = p.Imports
			}
			if len(imports) < 100 || imports[root] == nil {
				t.Errorf("%s: %s has %d packages: the test proves nothing", goos, name, len(imports))
			}
			by := reached(imports, root)
			for _, c := range never {
				for path := range by {
					if strings.HasPrefix(path, c.prefix) {
						t.Errorf("%s: %s carries %s, by %s; %s", goos, name, path, chain(by, path), c.why)
						break // one of a module says it
					}
				}
			}
		}
	}
}

// reached says for all that root imports, directly or not, who imports it on a
// shortest way from root.
func reached(imports map[string][]string, root string) map[string]string {
	by := map[string]string{root: ""}
	for next := []string{root}; len(next) > 0; next = next[1:] {
		for _, imp := range imports[next[0]] {
			if _, known := by[imp]; !known {
				by[imp] = next[0]
				next = append(next, imp)
			}
		}
	}
	return by
}

// chain is that way, from root to who imports path.
func chain(by map[string]string, path string) string {
	var way []string
	for p := by[path]; p != ""; p = by[p] {
		way = append([]string{p}, way...)
	}
	return strings.Join(way, " → ")
}

// Every package says what it is for, once; files stay readable.
func TestFiles(t *testing.T) {
	const maxLines = 700
	for _, p := range list(t, "linux") {
		comments := 0
		for _, f := range p.GoFiles {
			b, err := os.ReadFile(p.Dir + "/" + f)
			if err != nil {
				t.Fatal(err)
			}
			if n := bytes.Count(b, []byte("\n")); n > maxLines {
				t.Errorf("%s/%s has %d lines; split it", p.ImportPath, f, n)
			}
			text := "\n" + string(b)
			if strings.Contains(text, "\n// Package ") || strings.Contains(text, "\n// Command ") {
				comments++
			}
		}
		if comments != 1 && len(p.GoFiles) > 0 {
			t.Errorf("%s has %d package comments", p.ImportPath, comments)
		}
		for _, bad := range []string{"util", "utils", "common", "helpers"} {
			if strings.HasSuffix(p.ImportPath, "/"+bad) {
				t.Errorf("%s: name the thing", p.ImportPath)
			}
		}
	}
}
