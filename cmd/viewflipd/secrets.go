package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"viewflip.app/private"
)

// maxSecret bounds a file with a setting, in bytes.
const maxSecret = 8 << 10

// concealed is a setting that can have a password in it. Arguments are in the
// list of processes, which every user of the machine can read; so it may be in
// a file instead, and must not be an argument while there is a password in it.
type concealed struct {
	name  string  // of the flag; the file's has -file behind it
	value *string // of the flag, else of the variable
	file  *string
}

// concealed defines both flags of a setting.
func (e env) concealed(fs *flag.FlagSet, name string, value *string) concealed {
	c := concealed{name: name, value: value, file: new(string)}
	fs.StringVar(value, name, e.getenv(c.variable()), "")
	fs.StringVar(c.file, name+"-file", e.getenv(c.variable()+"_FILE"), "")
	return c
}

func (c concealed) variable() string { return "VIEWFLIP_" + strings.ToUpper(c.name) }

// reveal settles the values once the flags are parsed: a flag comes before a
// variable, and of two variables the file.
func (e env) reveal(fs *flag.FlagSet, list ...concealed) error {
	given := map[string]bool{}
	fs.Visit(func(f *flag.Flag) { given[f.Name] = true })
	for _, c := range list {
		switch file := c.name + "-file"; {
		case given[c.name] && given[file]:
			return e.misused("--%s and --%s say the same: give one of them", c.name, file)
		case given[c.name]:
			if hasPassword(*c.value) {
				return e.misused("everybody on this machine can read the password in --%s: write the URL into a file with mode 600 and say --%s FILE", c.name, file)
			}
		case *c.file != "":
			text, err := e.secretFile(*c.file)
			if err != nil {
				return fmt.Errorf("--%s: %w", file, err)
			}
			*c.value = text
		}
	}
	return nil
}

// hasPassword reports whether a list of URLs has a password in it, or may have
// one where it cannot be read. A name alone is a token to a message bus.
func hasPassword(list string) bool {
	for s := range strings.SplitSeq(list, ",") {
		u, err := url.Parse(s)
		if err != nil {
			if strings.Contains(s, "@") {
				return true
			}
			continue
		}
		if _, ok := u.User.Password(); ok || u.User != nil && (u.Scheme == "tls" || u.Scheme == "nats") {
			return true
		}
		for k := range u.Query() {
			if strings.Contains(strings.ToLower(k), "password") {
				return true
			}
		}
	}
	return false
}

// secretFile reads the one line of a file that nobody else may open.
func (e env) secretFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close() //nolint:errcheck // read only
	i, err := f.Stat()
	if err != nil {
		return "", err
	}
	if !private.File(i) && !e.credential(path) {
		return "", fmt.Errorf("others can read %s: run chmod 600 %s", path, path)
	}
	b, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	if err != nil {
		return "", err
	}
	s := strings.TrimSpace(string(b))
	if s == "" || len(b) > maxSecret || strings.ContainsAny(s, "\r\n\x00") {
		return "", fmt.Errorf("%s must have one line", path)
	}
	return s, nil
}

// credential reports whether systemd gave the file to this service alone
// (LoadCredential=): it lets the service in by an access list, which looks like
// a group that may read.
func (e env) credential(path string) bool {
	dir := e.getenv("CREDENTIALS_DIRECTORY")
	return dir != "" && filepath.Dir(filepath.Clean(path)) == filepath.Clean(dir)
}

// ownDir refuses a data directory into which others can put files: they could
// give the service a key of theirs.
func ownDir(path string) error {
	i, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil // it will be made
	}
	if err != nil {
		return err
	}
	if !private.Dir(i) {
		return fmt.Errorf("others can put files into the data directory %s: run chmod 700 %s", path, path)
	}
	return nil
}
